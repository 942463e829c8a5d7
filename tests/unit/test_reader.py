"""What one process publishes, another holds in memory a moment later."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from hubcore.adapters.store import Store
from hubcore.errors import NotReady
from hubcore.hub import Hub
from hubcore.models import Actor, OperationKind, ServiceState, Snapshot, Step, text
from hubcore.notes import Notes
from hubcore.operations import OperationQueue
from hubcore.publisher import Publisher, PublishLoop
from hubcore.settings import load_settings
from tests.stack.waiting import wait_until


def snapshot(generation: int, token: str | None = None) -> Snapshot:
    service = ServiceState(name="db", title="PostgreSQL", description="Database", known=True)
    return Snapshot(
        generation=generation, published_at=100.0 + generation, services={"db": service}, refresh_token=token
    )


@pytest.fixture
def writer(state_dir: Path) -> Store:
    return Store(state_dir / "store")


@pytest.fixture
def hub(writer: Store) -> Iterator[Hub]:
    hub = Hub(load_settings())
    hub.start(collect=False)
    yield hub
    hub.close()


def test_a_publication_is_taken_over(writer: Store, hub: Hub) -> None:
    assert hub.snapshot() is None
    Publisher(writer).publish(snapshot(1))
    seen = hub.wait(0, 5)
    held = hub.snapshot()
    assert held is not None and held.generation == 1 and seen == hub.version()
    Publisher(writer).publish(snapshot(2))
    assert hub.wait(seen, 5) > seen
    assert (held := hub.snapshot()) is not None and held.generation == 2


def test_a_view_waits_for_the_first_publication_and_no_longer(writer: Store, hub: Hub) -> None:
    with pytest.raises(NotReady):
        hub.view("status", deadline=0.05)
    Publisher(writer).publish(snapshot(1))
    assert orjson.loads(hub.view("status").body)["db"]["name"] == "db"


def test_the_etag_changes_with_the_content_only(writer: Store, hub: Hub) -> None:
    Publisher(writer).publish(snapshot(1))
    first = hub.view("metrics")
    seen = hub.version()
    Publisher(writer).publish(snapshot(1))
    hub.wait(seen, 5)
    assert hub.view("metrics").etag == first.etag


def test_after_clearing_only_the_snapshot_that_answers_counts(writer: Store, hub: Hub) -> None:
    Publisher(writer).publish(snapshot(1))
    hub.wait(0, 5)
    hub.clear_cache()
    token = writer.get_bytes("cleared")
    assert token is not None and token == writer.get_bytes("refresh")
    seen = hub.version()
    Publisher(writer).publish(snapshot(2, "some other token"))
    hub.wait(seen, 5)
    assert hub.cache_info().details == {}, "still waiting for the fresh one"
    assert hub.view("status", deadline=0.05).taken_at == 102.0, "past the deadline the newest there is"
    Publisher(writer).publish(snapshot(3, token.decode()))
    assert hub.view("status", deadline=5).taken_at == 103.0


def test_operations_are_followed(writer: Store, hub: Hub) -> None:
    queue = OperationQueue(writer)
    step = Step(service="db", text=text("Start {service}", service="db"))
    operation = queue.submit(OperationKind.START, ["db"], [step], actor=Actor(), scope="one")
    wait_until(lambda: [o.id for o in hub.operations()] == [operation.id], 5)
    claimed = queue.claim("somebody")
    assert claimed is not None
    wait_until(lambda: hub.operation(operation.id).status == "running", 5)


def test_unpublished_news_is_published_at_once_when_urgent(writer: Store, hub: Hub) -> None:
    generation = iter(range(1, 100))
    allowed = {"publish": False}
    loop = PublishLoop(Publisher(writer), lambda: snapshot(next(generation)), lambda: allowed["publish"])
    loop.start()
    loop.changed(True)
    assert hub.wait(0, 0.3) == 0, "not allowed yet"
    allowed["publish"] = True
    seen = hub.wait(0, 5)
    assert seen > 0, "what was held back comes when it may"
    loop.changed(False)
    assert hub.wait(seen, 5) > seen
    loop.close()


def test_a_version_that_is_none_does_not_stop_the_readers(writer: Store, hub: Hub) -> None:
    for _ in range(3):
        Publisher(writer).publish(snapshot(1))
    seen = hub.wait(0, 5)
    writer.put("version", "text")
    Publisher(writer).publish(snapshot(2))
    wait_until(lambda: (held := hub.snapshot()) is not None and held.generation == 2, 5, "the newest")
    assert hub.version() > seen, "whoever waits for news gets them"


@pytest.mark.parametrize("key", ["snapshot", "cleared", "notes", "refresh"])
@pytest.mark.parametrize("value", [b"\xff garbage", "text", 5, b"[]"])
def test_values_that_nobody_can_read_do_not_stop_the_readers(
    writer: Store, hub: Hub, key: str, value: bytes | str | int
) -> None:
    Publisher(writer).publish(snapshot(1))
    hub.wait(0, 5)
    writer.put(key, value)
    assert Notes(writer).collect() == []
    seen = hub.version()
    writer.increment("version")
    assert hub.wait(seen, 5) > seen
    assert (held := hub.snapshot()) is not None and held.generation == 1, "the last one that could be read"
    Publisher(writer).publish(snapshot(2))
    wait_until(lambda: (held := hub.snapshot()) is not None and held.generation == 2, 5, "the newest")


def test_the_readers_follow_a_store_that_was_begun_anew(writer: Store, hub: Hub) -> None:
    for _ in range(5):
        Publisher(writer).publish(snapshot(1))
    seen = hub.wait(0, 5)
    shutil.rmtree(writer.directory)
    Publisher(writer).publish(snapshot(2))
    wait_until(lambda: (held := hub.snapshot()) is not None and held.generation == 2, 5, "the newest")
    assert hub.version() > seen
