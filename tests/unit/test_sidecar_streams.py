"""Log lines: parameters, refusals, the event format, and slots that always come back."""

from collections.abc import Iterator
from typing import Any

import pytest

from api_sidecar.slots import Slots
from api_sidecar.streams import FOLLOWERS, MOST_LINES, EventStream, wanted_lines, wants_follow
from hubcore.errors import EngineTimeout, TooBusy
from hubcore.models import ContainerStatus, LogLine, text

from .sidecar_kit import AWAY, LOCAL, Bench, bench, state

PATH = "/api/service/redis/logs/stream"


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with bench(monkeypatch) as made:
        made.publish(state("redis"))
        yield made


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        (None, 100),
        ("", 100),
        ("abc", 100),
        ("1.5", 100),
        ("1e3", 100),
        ("٣", 100),
        ("0", 0),
        ("-0", 0),
        ("200", 200),
        (" 7 ", 7),
        ("+5", 5),
        ("-1", MOST_LINES),
        ("5001", MOST_LINES),
        ("9" * 5000, MOST_LINES),
    ],
)
def test_lines(raw: str | None, lines: int) -> None:
    assert wanted_lines(raw) == lines


@pytest.mark.parametrize("raw", [None, "", "false", "0", "yes", "on"])
def test_no_follow(raw: str | None) -> None:
    assert not wants_follow(raw)


@pytest.mark.parametrize("raw", ["true", "1", "TRUE"])
def test_follow(raw: str) -> None:
    assert wants_follow(raw)


def lines_of(*items: LogLine | None) -> Iterator[LogLine | None]:
    yield from items


def stream(lines: Iterator[LogLine | None]) -> tuple[EventStream, Slots]:
    slots = Slots(1, text("full"), text("later"))
    return EventStream(lines, slots.take(), lambda error: error.text.english()), slots


def test_events_are_the_legacy_lines() -> None:
    line = LogLine(stamp="2026-01-01T00:00:00.000000001Z", text="a\rb\nc\x1b<&>é")
    events, slots = stream(lines_of(line, None))
    assert list(events) == [
        b": connected\n\n",
        "data: 2026-01-01T00:00:00.000000001Z a b c <&>é\n\n".encode(),
        b": \n\n",
        b"event: end\ndata: \n\n",
    ]
    slots.take()


def test_an_error_while_following_is_told_and_ends_the_stream() -> None:
    def broken() -> Iterator[LogLine | None]:
        yield LogLine(text="one")
        raise EngineTimeout(text("Docker does not answer."))

    events, slots = stream(broken())
    assert list(events)[-1] == b"event: error\ndata: Docker does not answer.\n\n"
    slots.take()


def test_an_unforeseen_error_frees_the_slot_too() -> None:
    def broken() -> Iterator[LogLine | None]:
        yield from ()
        raise RuntimeError("x")

    events, slots = stream(broken())
    with pytest.raises(RuntimeError):
        list(events)
    slots.take()


def test_closing_stops_the_follower_and_frees_the_slot_once() -> None:
    closed: list[bool] = []

    def endless() -> Iterator[LogLine | None]:
        try:
            while True:
                yield LogLine(text="x")
        finally:
            closed.append(True)

    events, slots = stream(endless())
    assert next(events).startswith(b":")
    assert next(events) == b"data: x\n\n"
    with pytest.raises(TooBusy):
        slots.take()
    events.close()
    events.close()
    assert closed == [True]
    assert list(events) == []
    slots.take()
    with pytest.raises(TooBusy):
        slots.take()


def test_a_stream_that_was_never_read_frees_its_slot() -> None:
    events, slots = stream(lines_of())
    del events
    slots.take()


# --- the route


def test_without_an_engine_503(ready: Bench) -> None:
    assert ready.client("GET", PATH).status == 503  # by asking: the bench's engine is not there
    ready.publish(state("redis"), engine=AWAY)
    for query in ("follow=true", "lines=0", "follow=true&lines=5"):
        response = ready.client("GET", PATH, query=query, headers={"Origin": LOCAL})
        assert response.status == 503
        assert response.json()["code"] == "engine_unavailable"
        assert "logs" not in response.json()
        assert response.headers["access-control-allow-origin"] == LOCAL


def test_without_a_container_404(ready: Bench) -> None:
    ready.publish(state("redis", container=None, container_status=ContainerStatus.NOT_FOUND))
    for query in ("", "lines=0", "follow=1"):
        response = ready.client("GET", PATH, query=query)
        assert response.status == 404
        assert response.json()["code"] == "no_container"
        assert "logs" not in response.json()


def test_an_unknown_service_404(ready: Bench) -> None:
    assert ready.client("GET", "/api/service/nope/logs/stream").json()["code"] == "unknown_service"


def test_no_lines_wanted(ready: Bench) -> None:
    assert ready.client("GET", PATH, query="lines=0").json() == {"logs": [], "container": "hub-redis-1"}


def test_lines_are_given_as_they_are(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def logs(service: str, lines: int) -> list[LogLine]:
        asked.append((service, lines))
        return [LogLine(stamp="2026-01-01T00:00:00.5Z", text="<b> & 'é'"), LogLine(text="bare")]

    monkeypatch.setattr(ready.hub, "logs", logs)
    answer = ready.client("GET", PATH, query="lines=-1").json()
    assert answer == {"logs": ["2026-01-01T00:00:00.5Z <b> & 'é'", "bare"], "container": "hub-redis-1"}
    assert asked == [("redis", MOST_LINES)]


def test_streams_are_limited_and_slots_come_back(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(service: str, lines: int) -> Iterator[LogLine | None]:
        while True:
            yield None

    monkeypatch.setattr(ready.hub, "follow_logs", follow)
    opened = [ready.client.open("GET", PATH, query="follow=true") for _ in range(FOLLOWERS)]
    for status, headers, chunks in opened:
        assert status == 200
        assert dict(headers)["Content-Type"].startswith("text/event-stream")
        assert next(iter(chunks)) == b": connected\n\n"
    refused = ready.client("GET", PATH, query="follow=true")
    assert refused.status == 503
    assert refused.headers["retry-after"]
    assert ready.client("HEAD", PATH, query="follow=true").status == 200
    assert ready.client("GET", "/api/status").status == 200
    opened[0][2].close()
    status, _, chunks = ready.client.open("GET", PATH, query="follow=true")
    assert status == 200
    chunks.close()
    for _, _, left in opened[1:]:
        left.close()
