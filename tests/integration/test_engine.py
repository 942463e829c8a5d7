"""The engine adapter against a real engine."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from hubcore.adapters.engine import Engine, EngineEvent
from hubcore.errors import EngineRefused, EngineTimeout, NoContainer
from hubcore.models import Container, ContainerStatus, Port
from tests.stack.stack import docker
from tests.stack.waiting import free_port, wait_until

from .boxes import Box

pytestmark = pytest.mark.stack
FOREVER = ("sleep", "1000000")


def listed(engine: Engine, container_id: str) -> Container:
    return next(c for c in engine.containers() if c.id == container_id)


def test_the_engine_says_what_it_is(engine: Engine) -> None:
    version = engine.ping()
    assert version.version == docker("version", "--format", "{{.Server.Version}}").strip()
    assert version.os == "linux"
    assert engine.address
    assert engine.own_container_id() is None


def test_list_and_inspection_agree(engine: Engine, box: Box) -> None:
    port = free_port()
    made = box(*FOREVER, options=("--publish", f"127.0.0.1:{port}:80", "--expose", "81", "--volume", "/data"))
    found = listed(engine, made.id)
    same = ("id", "name", "image", "status", "project", "service", "number", "labels", "ports", "address", "mounts",
            "network_mode", "docker_health")  # fmt: skip
    assert {name: getattr(found, name) for name in same} == {name: getattr(made, name) for name in same}
    assert made.ports == (Port(container_port=80, host_ip="127.0.0.1", host_port=port), Port(container_port=81))
    assert (made.service, made.status, made.exit_code) == ("box", ContainerStatus.RUNNING, None)
    assert made.pid > 0 and made.address and made.mounts[0].endswith(":/data")
    assert made.started_at is not None and abs(made.started_at - time.time()) < 60


def test_an_ended_container(engine: Engine, box: Box) -> None:
    made = box("sh", "-c", "exit 7")
    wait_until(lambda: engine.inspect(made.id).status is ContainerStatus.EXITED)
    found = engine.inspect(made.id)
    assert (found.exit_code, found.pid) == (7, 0)
    assert found.finished_at is not None and abs(found.finished_at - time.time()) < 60
    assert listed(engine, made.id).exit_code == 7


def test_the_health_check_with_its_words(engine: Engine, box: Box) -> None:
    check = ("--health-cmd", "echo no beans; exit 1", "--health-interval", "1s", "--health-retries", "1")
    made = box(*FOREVER, options=check)
    assert made.docker_health == "starting"
    wait_until(lambda: listed(engine, made.id).docker_health == "unhealthy", 20)
    assert (engine.inspect(made.id).docker_health_output or "").strip() == "no beans"


def test_events_arrive_at_once_and_closing_ends_them(engine: Engine, box: Box) -> None:
    made = box(*FOREVER)
    seen: list[tuple[float, EngineEvent]] = []
    events = engine.events()

    def read() -> None:
        with events:
            seen.extend((time.time(), event) for event in events)

    reader = threading.Thread(target=read)
    reader.start()
    # a list comprehension would only be there at the end; extend() of a generator grows while it runs
    engine.exec(made.id, ["true"], timeout=10)
    killed = time.time()
    docker("kill", made.id)
    at, died = wait_until(lambda: next(((a, e) for a, e in seen if e.action == "die"), None), 10)
    assert (died.container_id, died.exit_code, died.service, died.name) == (made.id, 137, "box", made.name)
    assert at - died.at < 0.2, "the event reaches us within 200 ms"
    assert killed - 1 < died.at < at
    assert not any(event.action.startswith("exec") for _, event in seen)
    closed = time.monotonic()
    events.close()
    reader.join(5)
    assert not reader.is_alive() and time.monotonic() - closed < 0.5


def test_start_stop_restart(engine: Engine, box: Box) -> None:
    made = box(*FOREVER)
    engine.stop(made.id)
    assert engine.inspect(made.id).status is ContainerStatus.EXITED
    engine.stop(made.id)  # nothing to do is no error
    engine.start(made.id)
    engine.start(made.id)
    first = engine.inspect(made.id)
    assert first.status is ContainerStatus.RUNNING
    engine.restart(made.id, timeout=20)
    second = engine.inspect(made.id)
    assert second.status is ContainerStatus.RUNNING and second.pid != first.pid


def test_the_containers_own_grace_period_is_kept(box: Box) -> None:
    stubborn = ("sh", "-c", "trap '' TERM; while true; do sleep 1; done")
    with closing(Engine(read_timeout=10, operation_timeout=1)) as engine:
        made = box(*stubborn, options=("--stop-timeout", "2"))
        began = time.monotonic()
        engine.stop(made.id)
        assert 1.9 < time.monotonic() - began < 10
        engine.start(made.id)
        began = time.monotonic()
        engine.stop(made.id, grace=0)
        assert time.monotonic() - began < 1.9
        assert engine.inspect(made.id).exit_code == 137


def test_a_taken_port_is_explained(engine: Engine, box: Box) -> None:
    port = free_port()
    first = box(*FOREVER, options=("--publish", f"127.0.0.1:{port}:80"))
    engine.stop(first.id, grace=0)
    box(*FOREVER, options=("--publish", f"127.0.0.1:{port}:80"))
    with pytest.raises(EngineRefused, match=f"Port {port} is already used") as caught:
        engine.start(first.id)
    assert caught.value.remedy is not None and caught.value.detail


def test_no_such_container(engine: Engine) -> None:
    missing = "0" * 64
    for action in (
        lambda: engine.inspect(missing),
        lambda: engine.start(missing),
        lambda: engine.stop(missing),
        lambda: engine.logs(missing, lines=1),
        lambda: engine.follow(missing, lines=1),
        lambda: engine.exec(missing, ["true"], timeout=5),
        lambda: engine.stats([missing]),
    ):
        with pytest.raises(NoContainer):
            action()


def test_commands(engine: Engine, box: Box) -> None:
    made = box(*FOREVER)
    for number in range(8):  # output that comes with the headers must not be lost
        found = engine.exec(made.id, ["sh", "-c", f"echo {number}; echo e >&2; exit {number}"], timeout=10)
        assert (found.exit_code, sorted(found.output.split())) == (number, sorted([b"%d" % number, b"e"]))
    assert engine.exec(made.id, ["nosuch"], timeout=10).exit_code in (126, 127)
    assert len(engine.exec(made.id, ["head", "-c", "1000000", "/dev/zero"], timeout=10).output) == 65536


def test_a_hanging_command_is_a_timeout_and_does_not_pile_up(engine: Engine, box: Box) -> None:
    made = box(*FOREVER)
    for _ in range(3):
        began = time.monotonic()
        with pytest.raises(EngineTimeout, match="did not end within 1 s"):
            engine.exec(made.id, ["sleep", "77"], timeout=1)
        assert time.monotonic() - began < 2
    ps = engine.exec(made.id, ["ps"], timeout=10).output
    assert ps.count(b"sleep 77") == 1


def test_a_command_in_a_stopped_container(engine: Engine, box: Box) -> None:
    made = box("true")
    wait_until(lambda: engine.inspect(made.id).status is ContainerStatus.EXITED)
    with pytest.raises(EngineRefused, match="not running"):
        engine.exec(made.id, ["true"], timeout=5)


WRITES = r"""
echo out; echo problem >&2; printf '\033[31mERROR\033[0m red\n'; printf 'bad \377 byte\n'
head -c 40000 /dev/zero | tr '\0' x; echo; printf 'no end'
"""


def test_logs_of_both_streams(engine: Engine, box: Box) -> None:
    made = box("sh", "-c", WRITES)
    wait_until(lambda: engine.inspect(made.id).status is ContainerStatus.EXITED)
    lines = engine.logs(made.id, lines=100)
    by_text = {line.text: line for line in lines}
    assert set(by_text) == {"out", "problem", "ERROR red", "bad \ufffd byte", "x" * 40000, "no end"}
    assert (by_text["out"].stream, by_text["problem"].stream) == ("stdout", "stderr")
    assert by_text["ERROR red"].level == "error"
    assert all(line.stamp.endswith("Z") and line.at for line in lines)
    assert [line.text for line in engine.logs(made.id, lines=1)] == [lines[-1].text]
    assert engine.logs(made.id, lines=0) == []


def test_logs_of_a_terminal(engine: Engine, box: Box) -> None:
    made = box("sh", "-c", "echo one; echo two", options=("--tty",))
    wait_until(lambda: engine.inspect(made.id).status is ContainerStatus.EXITED)
    assert [(line.text, line.stream) for line in engine.logs(made.id, lines=9)] == [
        ("one", "stdout"),
        ("two", "stdout"),
    ]


def test_following_ends_with_the_container(engine: Engine, box: Box) -> None:
    made = box("sh", "-c", "echo first; read -t 2 x < /dev/zero; sleep 1; echo last")
    with engine.follow(made.id, lines=10, heartbeat=0.2) as log:
        found = list(log)
    assert [line.text for line in found if line] == ["first", "last"]
    assert None in found


def test_following_ends_when_closed(engine: Engine, box: Box) -> None:
    made = box("sh", "-c", "echo first; sleep 1000000")
    log = engine.follow(made.id, lines=10, heartbeat=60)
    first = next(log)
    assert first is not None and first.text == "first"
    threading.Timer(0.2, log.close).start()
    began = time.monotonic()
    assert list(log) == []
    assert time.monotonic() - began < 2


def test_many_threads_at_once(engine: Engine, box: Box) -> None:
    made = box(*FOREVER)

    def work(number: int) -> bytes:
        assert listed(engine, made.id).id == engine.inspect(made.id).id
        return engine.exec(made.id, ["echo", str(number)], timeout=20).output

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(16))) == [b"%d\n" % number for number in range(16)]


@pytest.mark.parametrize("way", ["variable", "current"])
def test_a_context_is_used_as_the_docker_command_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str
) -> None:
    host = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").strip()
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    docker("context", "create", "hubtest", "--docker", f"host={host}")
    (tmp_path / "config.json").write_text('{"currentContext": "hubtest"}' if way == "current" else "{}")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    if way == "variable":
        monkeypatch.setenv("DOCKER_CONTEXT", "hubtest")
    with closing(Engine()) as engine:
        assert engine.address == host
        assert engine.ping().version
