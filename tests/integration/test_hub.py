"""The hub on a real stack: what it sees, how fast, what it does, and what survives the death of a leader."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hubcore.errors import OperationActive
from hubcore.hub import Hub
from hubcore.models import Actor, Condition, HealthStatus, Operation, OperationKind, OperationStatus, ServiceState
from hubcore.series import HOST
from hubcore.settings import load_settings
from tests.stack.stack import Stack
from tests.stack.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
ACTOR = Actor(name="test", via="api")


@pytest.fixture
def made_hubs() -> Iterator[list[Hub]]:
    hubs: list[Hub] = []
    yield hubs
    for hub in hubs:
        hub.close()


@pytest.fixture
def make_hub(monkeypatch: pytest.MonkeyPatch, made_hubs: list[Hub]) -> Callable[..., Hub]:
    def make(stack: Stack, *, collect: bool = True, **settings: str) -> Hub:
        for name, value in {
            **stack.environment(),
            **{f"DASHBOARD_{k.upper()}": v for k, v in settings.items()},
        }.items():
            monkeypatch.setenv(name, value)
        hub = Hub(load_settings())
        made_hubs.append(hub)
        hub.start(collect=collect, preferred=collect)
        return hub

    return make


def service(hub: Hub, name: str) -> ServiceState:
    snapshot = hub.snapshot()
    assert snapshot is not None
    return snapshot.services[name]


def until(hub: Hub, name: str, condition: Condition, deadline: float = 20.0) -> None:
    """Wait until a service has a condition."""
    wait_until(
        lambda: hub.snapshot() is not None and service(hub, name).condition == condition,
        deadline,
        f"{name} is {condition}",
        interval=0.01,
    )


def done(hub: Hub, kind: OperationKind, services: list[str] | None) -> Operation:
    return hub.wait_operation(hub.submit(kind, services, ACTOR).id, 60)


def test_a_killed_service_is_seen_at_once_and_its_return_too(
    own_stack: Callable[..., Stack], make_hub: Callable[..., Hub]
) -> None:
    stack = own_stack("redis", "tika", "docling", "auth", "notes")
    hub = make_hub(stack)
    for name in ("redis", "tika", "docling", "auth", "notes"):
        until(hub, name, Condition.WORKS)
    stack.docker("kill", stack.container("tika"))
    until(hub, "tika", Condition.BROKEN, deadline=1.0)
    state = service(hub, "tika")
    assert state.container_status == "exited" and state.cause is not None
    snapshot = hub.snapshot()
    assert snapshot is not None and snapshot.events[0].text.english() == "Tika does not work."
    stack.docker("start", stack.container("tika"))
    until(hub, "tika", Condition.WORKS)


def test_a_service_that_never_answers_times_out_and_delays_nobody(
    own_stack: Callable[..., Stack], make_hub: Callable[..., Hub]
) -> None:
    stack = own_stack("docling", "tika")
    hub = make_hub(stack, health_check_timeout="2", probe_interval="1")
    until(hub, "docling", Condition.WORKS)
    stack.fault("docling", "hang")
    wait_until(lambda: service(hub, "docling").health.status == HealthStatus.TIMEOUT, 15, "docling timed out")
    checks: set[float | None] = set()

    def tika_is_asked_on() -> bool:
        checks.add(service(hub, "tika").health.checked_at)
        return len(checks) >= 4

    wait_until(tika_is_asked_on, 8, "tika is asked once a second all the same")
    assert service(hub, "tika").condition == Condition.WORKS
    reason = service(hub, "docling").health.reason
    assert reason is not None and "2" in reason.english()
    stack.fault("docling", None)
    wait_until(lambda: service(hub, "docling").health.status == HealthStatus.HEALTHY, 15, "docling is well again")


def test_stop_keeps_containers_and_start_follows_dependencies(
    own_stack: Callable[..., Stack], make_hub: Callable[..., Hub]
) -> None:
    stack = own_stack("openwebui")
    hub = make_hub(stack)
    until(hub, "openwebui", Condition.WORKS)
    before = stack.container("openwebui")

    stopped = done(hub, OperationKind.STOP, None)
    assert stopped.status == OperationStatus.SUCCEEDED, stopped
    order = [step.service for step in stopped.steps]
    assert order.index("openwebui") < order.index("db") and order.index("litellm") < order.index("db")
    assert {service(hub, str(name)).condition for name in order} == {Condition.STOPPED}
    assert stack.container("openwebui") == before

    one = done(hub, OperationKind.START, ["redis"])
    assert one.status == OperationStatus.SUCCEEDED
    until(hub, "redis", Condition.WORKS)

    started = done(hub, OperationKind.START, None)
    assert started.status == OperationStatus.SUCCEEDED, started
    times = {step.service: step for step in started.steps}
    assert (times["db"].ended_at or 0) <= (times["openwebui"].started_at or 0)
    until(hub, "openwebui", Condition.WORKS, 30)


def test_a_missing_container_is_created_through_compose(
    own_stack: Callable[..., Stack], make_hub: Callable[..., Hub]
) -> None:
    stack = own_stack("tika", "notes")
    hub = make_hub(stack)
    until(hub, "tika", Condition.WORKS)
    stack.docker("rm", "--force", stack.container("tika"))
    wait_until(lambda: service(hub, "tika").container_status == "not_found", 5, "the container is gone")
    operation = done(hub, OperationKind.START, ["tika"])
    assert operation.status == OperationStatus.SUCCEEDED, operation
    assert operation.log, "what Compose said is kept"
    until(hub, "tika", Condition.WORKS, 30)


def test_missing_containers_are_created_with_one_call_and_a_bad_one_fails_alone(
    own_stack: Callable[..., Stack], make_hub: Callable[..., Hub]
) -> None:
    stack = own_stack("tika", "notes")
    hub = make_hub(stack)
    until(hub, "tika", Condition.WORKS)
    both = [stack.container("tika"), stack.container("notes")]
    stack.docker("rm", "--force", *both)
    wait_until(lambda: service(hub, "notes").container_status == "not_found", 5, "the containers are gone")
    operation = done(hub, OperationKind.START, ["tika", "notes"])
    assert operation.status == OperationStatus.SUCCEEDED, operation
    assert sum("Starting" in line for line in operation.log) == 0, "Compose created, the engine started"
    until(hub, "tika", Condition.WORKS, 30)


def test_one_operation_per_service(own_stack: Callable[..., Stack], make_hub: Callable[..., Hub]) -> None:
    stack = own_stack("tika", "notes")
    hub = make_hub(stack)
    until(hub, "tika", Condition.WORKS)
    first = hub.submit(OperationKind.RESTART, ["tika"], ACTOR)
    with pytest.raises(OperationActive) as refused:
        hub.submit(OperationKind.STOP, ["tika", "notes"], ACTOR)
    assert refused.value.operation_id == first.id
    assert hub.wait_operation(first.id, 30).status == OperationStatus.SUCCEEDED


def test_a_start_that_fails_tells_why_and_ends(own_stack: Callable[..., Stack], make_hub: Callable[..., Hub]) -> None:
    stack = own_stack("tika")
    hub = make_hub(stack)
    until(hub, "tika", Condition.WORKS)
    done(hub, OperationKind.STOP, ["tika"])
    with __import__("socket").create_server(("127.0.0.1", stack.ports["tika"])):
        operation = done(hub, OperationKind.START, ["tika"])
    assert operation.status == OperationStatus.FAILED
    assert operation.steps[0].problem is not None
    assert done(hub, OperationKind.START, ["tika"]).status == OperationStatus.SUCCEEDED


def test_figures_agree_with_docker_stats(stack: Stack, make_hub: Callable[..., Hub]) -> None:
    hub = make_hub(stack)
    wait_until(lambda: (s := hub.snapshot()) is not None and s.services["db"].figures is not None, 15, "figures")
    busy = stack.docker("exec", "-d", stack.container("redis"), "sh", "-c", "timeout 15 sh -c 'while :; do :; done'")
    assert busy == ""
    wait_until(lambda: (f := service(hub, "redis").figures) and (f.cpu_percent or 0) > 20, 15, "redis is busy")
    for name in ("db", "redis", "nginx"):
        told = stack.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", stack.container(name))
        figures = service(hub, name).figures
        assert figures is not None
        usage = _bytes(told.split("/")[0])
        assert figures.memory_usage == pytest.approx(usage, rel=0.25, abs=3e6), name
        assert figures.memory_limit == pytest.approx(_bytes(told.split("/")[1]), rel=0.02), name
        counted = stack.docker("exec", stack.container(name), "cat", "/proc/net/dev").splitlines()
        received = sum(int(line.split()[1]) for line in counted if ":" in line and not line.strip().startswith("lo:"))
        assert 0 < figures.network_rx <= received, name


def _bytes(words: str) -> float:
    units = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "B": 1}
    unit = next(u for u in units if words.strip().endswith(u))
    return float(words.strip().removesuffix(unit)) * units[unit]


def test_another_process_takes_over_when_the_collector_is_killed(
    own_stack: Callable[..., Stack], make_hub: Callable[..., Hub], state_dir: Path
) -> None:
    stack = own_stack("tika", "notes")
    environment = os.environ | stack.environment()
    collector = subprocess.Popen([sys.executable, "-m", "hubcore", "collect"], cwd=ROOT, env=environment)
    try:
        reader = make_hub(stack, collect=False)
        reader.view("status", 20)
        make_hub(stack)  # stands by
        before = reader.snapshot()
        assert before is not None
        collector.send_signal(signal.SIGKILL)
        collector.wait(5)

        def taken_over() -> bool:
            assert reader.view("status").body, "no reader ever sees an error"
            now = reader.snapshot()
            return now is not None and now.leader != before.leader

        wait_until(taken_over, 10, "another one leads")
        stack.docker("kill", stack.container("tika"))
        until(reader, "tika", Condition.BROKEN, deadline=1.5)
    finally:
        collector.kill()
        collector.wait(5)


def test_clearing_the_cache_makes_the_next_read_fresh(stack: Stack, make_hub: Callable[..., Hub]) -> None:
    hub = make_hub(stack)
    until(hub, "db", Condition.WORKS)
    before = hub.view("status")
    assert hub.clear_cache() > 14
    assert hub.cache_info().details == {}
    after = hub.view("status", 10)
    assert after.taken_at > before.taken_at and after.body != before.body
    assert len(hub.cache_info().details) > 14


def test_the_store_holds_no_pickle_after_everything(
    stack: Stack, make_hub: Callable[..., Hub], state_dir: Path
) -> None:
    hub = make_hub(stack)
    until(hub, "notes", Condition.WORKS)
    done(hub, OperationKind.RESTART, ["notes"])
    hub.clear_cache()
    hub.view("status", 10)
    with sqlite3.connect(state_dir / "store" / "cache.db") as connection:
        rows = connection.execute("SELECT key, raw, mode, filename, value FROM Cache").fetchall()
    assert len(rows) > 5
    for key, raw, mode, filename, value in rows:
        assert isinstance(key, str) and raw == 1 and mode == 1 and filename is None, key
        assert not (isinstance(value, bytes) and value[:1] == b"\x80"), f"{key} looks like a pickle"
    others = [p for p in state_dir.rglob("*") if p.is_file() and not p.name.startswith(("cache.db", "history."))]
    assert {p.name for p in others} <= {"belongs-to.json", "belongs-to.lock", "store.lock", "security.log"}


def test_a_log_is_read_and_followed(stack: Stack, make_hub: Callable[..., Hub]) -> None:
    hub = make_hub(stack)
    until(hub, "tika", Condition.WORKS)
    lines = hub.logs("tika", 5)
    assert 0 < len(lines) <= 5 and all(line.stamp.endswith("Z") for line in lines)
    tail = hub.tail("tika")
    wait_until(lambda: tail.state == "live" and tail.lines(), 10, "the log is followed")
    seen = tail.version
    wait_until(lambda: tail.version > seen, 20, "health checks make new lines")
    follower = hub.follow_logs("tika", 1)
    first = next(line for line in follower if line is not None)
    assert first.text
    follower.close()  # type: ignore[attr-defined]


def test_history_is_written_and_read_back(stack: Stack, make_hub: Callable[..., Hub]) -> None:
    hub = make_hub(stack, collect_interval="1")
    now = time.time()
    wait_until(
        lambda: len(hub.series("db", ["memory_usage"], now - 60, time.time() + 1).times) >= 3, 20, "three samples"
    )
    series = hub.series("db", ["memory_usage", "condition", "response_ms"], now - 60, time.time() + 1)
    assert any(value and value > 1e6 for value in series.values["memory_usage"])
    assert 0.0 in series.values["condition"]
    assert any(value for value in hub.series(HOST, ["memory_used"], now - 60, time.time() + 1).values["memory_used"])


def test_closing_ends_all_threads(
    own_stack: Callable[..., Stack], make_hub: Callable[..., Hub], made_hubs: list[Hub]
) -> None:
    before = set(threading.enumerate())
    hub = make_hub(own_stack("notes"))
    until(hub, "notes", Condition.WORKS)
    made_hubs.remove(hub)
    hub.close()
    left = [t for t in set(threading.enumerate()) - before if t.name not in ("ThreadPoolExecutor",) and not _pool(t)]
    wait_until(lambda: not [t for t in left if t.is_alive()], 10, f"threads ended: {left}")


def _pool(thread: threading.Thread) -> bool:
    """Idle threads of pools end with the process."""
    return "_" in thread.name or thread.name.startswith(("operation", "probe-exec", "asyncio"))


def test_a_broken_compose_file_never_leads_to_another_stack(
    stack: Stack, own_stack: Callable[..., Stack], make_hub: Callable[..., Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`stack` runs beside it with more known services: that one would be found where there is no compose file."""
    own = own_stack("redis", "notes")
    content = own.compose_file.read_text(encoding="utf-8")
    hub = make_hub(own, project="")
    until(hub, "redis", Condition.WORKS)
    own.compose_file.write_text(content + "\n bad: [", encoding="utf-8")
    wait_until(lambda: (s := hub.snapshot()) is not None and s.stack.problem is not None, 20, "the problem is told")
    snapshot = hub.snapshot()
    assert snapshot is not None and snapshot.stack.project == own.project
    assert service(hub, "redis").container_name.startswith(own.project)
    assert {"notes", "db"} <= snapshot.services.keys() and not service(hub, "db").replicas
    hub.close()
    anew = make_hub(own, project="")
    wait_until(lambda: anew.snapshot() is not None and anew.readiness().ready, 20, "the next one has looked around")
    found = anew.snapshot()
    assert found is not None and found.stack.project == own.project, "its last known project stays"
    own.compose_file.write_text(content, encoding="utf-8")
    wait_until(lambda: (s := anew.snapshot()) is not None and s.stack.problem is None, 20, "mended, noticed")
    assert stack.project not in {s.project for s in found.services.values()}
