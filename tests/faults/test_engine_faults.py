"""An engine that hangs, drips, lies or breaks off costs at most the deadline, and is named in plain words."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import certifi
import pytest

from hubcore.adapters.engine import Engine
from hubcore.adapters.engine_limit import LARGEST
from hubcore.errors import EngineRefused, EngineTimeout, EngineUnavailable, HubError
from tests.stack.waiting import wait_until

from .fake_engine import FakeEngine, answer, drip, drop, hang, send, stream

ID = "ab" * 32
LIMIT = 0.6  # seconds of every deadline here
LATE = LIMIT + 1.0  # a busy machine may take this long to notice
EVENT = b'{"Type":"container","Action":"die","Actor":{"ID":"ab","Attributes":{"name":"x"}},"timeNano":1000000000}\n'
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture(params=["unix", "tcp"])
def fake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    with FakeEngine(tmp_path / "engine.sock" if request.param == "unix" else None) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        monkeypatch.delenv("DOCKER_TLS_VERIFY", raising=False)
        monkeypatch.delenv("DOCKER_CERT_PATH", raising=False)
        yield engine


@pytest.fixture
def engine(fake: FakeEngine) -> Iterator[Engine]:
    found = Engine(read_timeout=LIMIT, operation_timeout=LIMIT)
    yield found
    found.close()


def timed(action: Callable[[], object]) -> tuple[HubError, float]:
    began = time.monotonic()
    with pytest.raises(HubError) as caught:
        action()
    return caught.value, time.monotonic() - began


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        drip(),
        drip(b"HTTP/1.1 200 OK\r\nX: "),
        drip(JSON + b"Content-Length: 100000\r\n\r\n["),
        drip(JSON + b"\r\n["),  # ends with the connection: when cut it looks complete
        drip(JSON + b"\r\n[]"),
        drip(JSON + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n"),
    ],
    ids=["silent", "drips the status", "drips a header", "drips the body", "drips on", "complete and on", "chunks"],
)
def test_a_reading_ends_at_its_deadline(fake: FakeEngine, engine: Engine, behaviour: object) -> None:
    fake.set(r"GET \S*/containers/json", behaviour)  # type: ignore[arg-type]
    for _ in range(2):  # also on the connection, or the lack of one, that the first time left behind
        error, seconds = timed(engine.containers)
        assert isinstance(error, EngineTimeout)
        assert LIMIT * 0.9 <= seconds < LATE
    fake.set(r"GET \S*/containers/json", answer([]))
    assert engine.containers() == []


def test_connecting_to_a_hanging_engine_ends_at_the_deadline(fake: FakeEngine, engine: Engine) -> None:
    fake.set(r"GET /version", hang)
    for action in (engine.ping, engine.containers, engine.events, lambda: engine.stats([ID])):
        error, seconds = timed(action)
        assert isinstance(error, EngineTimeout)
        assert seconds < LATE


def test_streams_that_never_begin_end_at_the_deadline(fake: FakeEngine, engine: Engine) -> None:
    fake.set(r"GET \S*/(events|containers/\w+/logs)", hang)
    for action in (engine.events, lambda: engine.follow(ID, lines=1), lambda: engine.logs(ID, lines=1)):
        error, seconds = timed(action)
        assert isinstance(error, EngineTimeout)
        assert seconds < LATE


def test_a_hanging_command_ends_at_the_deadline_and_is_not_started_twice(fake: FakeEngine, engine: Engine) -> None:
    fake.set(r"POST \S*/containers/\w+/exec", answer({"Id": "e1"}, "201 Created"))
    fake.set(r"POST \S*/exec/e1/start", drip(b"HTTP/1.1 200 OK\r\n\r\n\x01\0\0\0\0\0\x10\0"))
    fake.set(r"GET \S*/exec/e1/json", answer({"Running": True, "ExitCode": None}))
    for _ in range(2):
        error, seconds = timed(lambda: engine.exec(ID, ["sleep", "1000"], timeout=LIMIT))
        assert isinstance(error, EngineTimeout)
        assert seconds < LATE
    assert sum(request.endswith("/start") for request in fake.requests) == 1


def test_a_command_without_an_end_does_not_outlive_the_deadline(fake: FakeEngine, engine: Engine) -> None:
    fake.set(r"POST \S*/containers/\w+/exec", answer({"Id": "e1"}, "201 Created"))
    fake.set(r"POST \S*/exec/e1/start", send(b"HTTP/1.1 200 OK\r\n\r\n", close=True))
    fake.set(r"GET \S*/exec/e1/json", answer({"Running": True, "ExitCode": None}))
    error, seconds = timed(lambda: engine.exec(ID, ["detach"], timeout=LIMIT))
    assert isinstance(error, EngineTimeout)
    assert seconds < LATE


def test_stop_waits_longer_than_the_grace_period(fake: FakeEngine, engine: Engine) -> None:
    released = threading.Event()

    def slow(fake: FakeEngine, peer: socket.socket) -> None:
        released.wait(LIMIT * 2)  # longer than operation_timeout: the engine waits for the container
        peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    fake.set(r"POST \S*/stop\?t=3", slow)
    engine.stop(ID, grace=2.5)
    assert any("stop?t=3" in request for request in fake.requests)


@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        (answer({"message": "boom"}, "500 Internal Server Error"), EngineRefused, "answered with an error"),
        (answer([], "500 Internal Server Error"), HubError, ""),
        (send(b"HTTP/1.1 500 X\r\nContent-Length: 3\r\n\r\n<p>"), EngineRefused, "answered with an error"),
        (send(b"SSH-2.0-OpenSSH_9.2\r\n", close=True), EngineUnavailable, "does not speak like"),
        (send(JSON + b"Content-Length: 6\r\n\r\n<html>"), EngineUnavailable, "does not speak like"),
        (answer({"a": "map"}), EngineUnavailable, "does not speak like"),
        (answer([{"Id": None}, 7]), EngineUnavailable, "does not speak like"),
        (answer(None), EngineUnavailable, "does not speak like"),
        (send(JSON + b"Content-Length: 60\r\n\r\n[", close=True), EngineUnavailable, "was lost"),
        (drop, EngineUnavailable, "was lost"),
    ],
)
def test_nonsense_is_translated(fake: FakeEngine, engine: Engine, behaviour: object, kind: type, words: str) -> None:
    fake.set(r"GET \S*/containers/json", behaviour)  # type: ignore[arg-type]
    error, _ = timed(engine.containers)
    assert isinstance(error, kind)
    assert words in error.text.english()
    fake.set(r"GET \S*/containers/json", answer([]))
    assert engine.containers() == []


@pytest.mark.parametrize(
    "behaviour",
    [answer([]), answer({"ApiVersion": 7}), answer({}), answer({"ApiVersion": "new"}), send(b"\0" * 99 + b"\n")],
)
def test_a_version_that_makes_no_sense(fake: FakeEngine, engine: Engine, behaviour: object) -> None:
    fake.set(r"GET /version", behaviour)  # type: ignore[arg-type]
    for action in (engine.ping, engine.containers):
        error, _ = timed(action)
        assert isinstance(error, EngineUnavailable)


def test_events_are_passed_on_however_they_are_cut_up(fake: FakeEngine, engine: Engine) -> None:
    fake.set(r"GET \S*/events", stream(EVENT[:30], EVENT[30:] + EVENT, b"\n"))
    with engine.events() as events:
        found = list(itertools.islice(events, 2))
    assert [(event.at, event.action, event.container_id) for event in found] == [(1.0, "die", "ab")] * 2


def test_an_engine_behind_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    shutil.copy(tmp_path / "cert.pem", tmp_path / "ca.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())  # is about other servers
    with FakeEngine(tls=tls) as fake, contextlib.closing(Engine(read_timeout=2)) as engine:
        monkeypatch.setenv("DOCKER_HOST", fake.address)
        fake.set(r"GET \S*/containers/json", answer([]))
        assert engine.containers() == []
        fake.set(r"GET \S*/containers/json", drip(JSON + b"Content-Length: 99\r\n\r\n"))
        error, seconds = timed(engine.containers)
        assert isinstance(error, EngineTimeout)
        assert seconds < 3
        fake.set(r"GET \S*/events", stream(EVENT))
        with engine.events() as events:
            assert next(iter(events)).action == "die"
            threading.Timer(0.2, events.close).start()
            assert list(events) == []
    monkeypatch.delenv("DOCKER_TLS_VERIFY")
    monkeypatch.delenv("DOCKER_CERT_PATH")
    with FakeEngine(tls=tls) as fake, contextlib.closing(Engine(read_timeout=2)) as plain:
        monkeypatch.setenv("DOCKER_HOST", fake.address)
        error, _ = timed(plain.ping)
        assert isinstance(error, EngineUnavailable)


@pytest.mark.parametrize("pieces", [(), (EVENT,), (EVENT[:30],)])
def test_a_dropped_event_stream_is_noticed_at_once(fake: FakeEngine, engine: Engine, pieces: tuple[bytes, ...]) -> None:
    fake.set(r"GET \S*/events", stream(*pieces))
    with engine.events() as events:
        threading.Timer(0.2, fake.drop_all).start()
        error, seconds = timed(lambda: list(events))
    assert isinstance(error, EngineUnavailable)
    assert seconds < LATE


def test_an_event_stream_that_the_engine_ends_in_order_is_an_error_too(fake: FakeEngine, engine: Engine) -> None:
    fake.set(r"GET \S*/events", stream(EVENT, then=send(b"0\r\n\r\n")))
    with engine.events() as events, pytest.raises(EngineUnavailable, match="ended the connection"):
        list(events)


def test_garbage_among_the_events_is_translated(fake: FakeEngine, engine: Engine) -> None:
    fake.set(r"GET \S*/events", stream(EVENT, b"<html>\n"))
    with engine.events() as events, pytest.raises(EngineUnavailable, match="does not speak like"):
        list(events)


def test_an_event_stream_outlives_the_read_timeout_and_closes_at_once(fake: FakeEngine, engine: Engine) -> None:
    fake.set(r"GET \S*/events", stream())
    ended: list[float] = []
    with engine.events() as events:
        reader = threading.Thread(target=lambda: (list(events), ended.append(time.monotonic())))
        reader.start()
        reader.join(LIMIT * 2)
        assert reader.is_alive(), "silence is no reason to end"
        closed = time.monotonic()
        events.close()
        reader.join(5)
    assert ended and ended[0] - closed < 0.5


def test_a_followed_log_ends_with_the_connection_and_with_close(fake: FakeEngine, engine: Engine) -> None:
    line = b"2026-01-01T00:00:00.000000000Z hello\n"
    fake.set(r"GET \S*/logs", stream(b"\x01\0\0\0" + len(line).to_bytes(4, "big") + line))
    with engine.follow(ID, lines=1, heartbeat=0.1) as log:
        first = next(log)
        assert first is not None and first.text == "hello"
        assert next(log) is None  # a sign of life
        fake.drop_all()
        error, _ = timed(lambda: list(log))
        assert isinstance(error, EngineUnavailable)
    with engine.follow(ID, lines=1, heartbeat=30) as log:
        next(log)
        threading.Timer(0.2, log.close).start()
        began = time.monotonic()
        assert list(log) == []
        assert time.monotonic() - began < LATE


def test_threads_of_streams_end(fake: FakeEngine, engine: Engine) -> None:
    fake.set(r"GET \S*/logs", stream())
    before = set(threading.enumerate())  # engines of earlier tests may still be ending theirs
    logs = [engine.follow(ID, lines=1) for _ in range(3)]
    for log in logs:
        log.close()

    def names() -> list[str]:
        new = set(threading.enumerate()) - before
        return [thread.name for thread in new if thread.name.startswith("engine-")]

    wait_until(lambda: not names(), 5, "no thread of a closed stream or a past deadline")


def test_an_engine_that_comes_back_is_used_again(fake: FakeEngine, engine: Engine) -> None:
    fake.set(r"GET \S*/containers/json", answer([]))
    assert engine.containers() == []
    fake.drop_all()  # the kept connection is dead now
    assert engine.containers() == []


def test_another_version_in_its_place_is_noticed(fake: FakeEngine, engine: Engine) -> None:
    engine.ping()
    fake.set(r"GET /version", answer({"Version": "1.fake", "ApiVersion": "1.45"}))
    fake.set(r"GET /v1.45/containers/json", answer([]))
    assert engine.ping().api_version == "1.45"
    assert engine.containers() == []


@pytest.mark.parametrize(
    ("address", "words", "remedy"),
    [
        ("unix:///nonexistent/docker.sock", "not installed or not started", "install"),
        ("tcp://127.0.0.1:1", "not started", "Start Docker"),
        ("tcp://no-such-host.invalid:2375", "cannot be found", "DOCKER_HOST"),
        ("ssh://someone@somewhere", "uses SSH", "ssh -N -L"),
        ("carrier-pigeon://loft", "cannot be used", "context"),
    ],
)
def test_no_engine_is_explained(monkeypatch: pytest.MonkeyPatch, address: str, words: str, remedy: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    engine = Engine(read_timeout=5)
    error, _ = timed(engine.ping)
    assert isinstance(error, EngineUnavailable)
    assert words in error.text.english()
    assert error.remedy is not None and remedy in error.remedy.english()
    assert engine.host
    engine.close()


def test_certificates_that_are_missing_are_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    engine = Engine()
    error, _ = timed(engine.ping)
    assert isinstance(error, EngineUnavailable)
    assert (engine.address, engine.is_local) == ("", False)


def test_the_context_that_is_selected_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", "no-such-context")
    error, _ = timed(Engine().ping)
    assert isinstance(error, EngineUnavailable)
    assert "does not exist" in error.text.english()
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.7:2375")  # beats the context, as for the docker command
    engine = Engine()
    assert (engine.address, engine.is_local, engine.host) == ("tcp://192.0.2.7:2375", False, "192.0.2.7")


def test_a_socket_that_nobody_serves_any_more(fake: FakeEngine, engine: Engine) -> None:
    with fake:
        pass
    error, _ = timed(engine.ping)
    assert isinstance(error, EngineUnavailable)
    assert "nobody answers" in error.text.english()


def flood(beginning: bytes, sent: list[int]) -> Callable[[FakeEngine, socket.socket], None]:
    """An answer without an end, as fast as the reader takes it; `sent` gets the bytes of each piece."""

    def behave(_: FakeEngine, peer: socket.socket) -> None:
        peer.sendall(beginning)
        while True:
            peer.sendall(b"a" * 65536)
            sent.append(65536)

    return behave


@pytest.mark.parametrize(
    "head",
    [
        JSON + b'\r\n["',
        b"HTTP/1.1 500 Oh\r\nContent-Type: application/json\r\n\r\n{",
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n",
    ],
    ids=["list", "error", "redirection"],
)
def test_an_answer_without_an_end_is_cut_off(fake: FakeEngine, head: bytes) -> None:
    sent: list[int] = []
    engine = Engine(read_timeout=20.0, operation_timeout=20.0)
    fake.set(r"GET \S*/(containers/json|events|containers/\w+/logs)", flood(head, sent))
    asked: list[Callable[[], object]] = [engine.containers]
    if b" 200 " not in head:  # streams that were asked for and refused
        asked += [engine.events, lambda: engine.logs(ID, lines=1)]
    for ask in asked:
        sent.clear()
        error, _ = timed(ask)
        assert isinstance(error, EngineUnavailable)
        assert "more than 16 MB" in (error.detail or "")
        assert LARGEST * 0.9 < sum(sent) < LARGEST * 2
    engine.close()


def test_a_large_answer_is_read(fake: FakeEngine, engine: Engine) -> None:
    many = [{"Id": f"{number:064x}", "Names": ["/" + "x" * 200], "State": "running"} for number in range(2000)]
    fake.set(r"GET \S*/containers/json", answer(many))
    engine.read_timeout = 20.0
    assert len(engine.containers()) == 2000


SECRET = "geheim4711"


@pytest.mark.parametrize(
    "where", ["127.0.0.1:1", "[::1", "no-such-host.invalid:2375", "127.0.0.1:99999", "a b:1"], ids=str
)
@pytest.mark.parametrize("scheme", ["tcp://", "ssh://", "https://", "nonsense://", ""])
def test_a_password_in_the_address_is_told_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, scheme: str, where: str
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setenv("DOCKER_HOST", f"{scheme}me:{SECRET}@{where}")
    engine = Engine(read_timeout=2.0)
    for ask in (engine.ping, engine.events):
        with pytest.raises(HubError) as caught:
            ask()
        error = caught.value
        told = [error.text.english(), error.detail, error.remedy.english() if error.remedy else "", engine.address]
        assert SECRET not in str(told)
    assert SECRET not in caplog.text
    engine.close()
