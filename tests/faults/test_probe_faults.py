"""A service that hangs, drips, lies or closes costs a check at most its deadline, and is never shown as fine."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence

import httpx
import pytest
from pydantic import SecretStr

from hubcore.adapters import probes
from hubcore.adapters.engine import ExecResult
from hubcore.errors import EngineRefused, EngineTimeout, EngineUnavailable, NoContainer
from hubcore.models import Container, ContainerStatus, Health, HealthStatus, Means, dump, text
from hubcore.probing import ProbeSpec
from tests.stack.waiting import free_port

from .sockets import Serve, closes, dripping, says, server, silent

LIMIT = 0.5
LATE = LIMIT + 0.7
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
SECRET = "sk-very-secret"


def run(spec: ProbeSpec, *, timeout: float = LIMIT, **options: object) -> Health:
    """Check, within the deadline and a moment."""
    began = time.monotonic()
    found = asyncio.run(probes.run(spec, timeout=timeout, **options))  # type: ignore[arg-type]
    assert time.monotonic() - began < timeout + LATE - LIMIT
    assert found.checked_at is not None and found.duration is not None
    return found


def spec(means: Means, port: int = 0, **fields: object) -> ProbeSpec:
    return ProbeSpec(means=means, port=port, **fields)  # type: ignore[arg-type]


TALKING = (Means.HTTP, Means.REDIS, Means.POSTGRES)


@pytest.mark.parametrize("means", TALKING)
@pytest.mark.parametrize("serve", [silent, dripping()], ids=["silent", "drips"])
def test_no_answer_is_a_timeout_at_the_deadline(means: Means, serve: Serve) -> None:
    if serve is not silent:
        serve = dripping({Means.POSTGRES: b"R\0\0\xff\xff", Means.REDIS: b"+PON"}.get(means, b"HTTP/1.1 200 "))
    with server(serve) as port:
        found = run(spec(means, port))
    assert found.status is HealthStatus.TIMEOUT
    assert found.duration is not None and found.duration >= LIMIT * 0.9
    assert found.reason is not None and "within 0.5 s" in found.reason.english()
    assert found.remedy is not None


@pytest.mark.parametrize(
    "beginning",
    [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["header", "body", "body without an end"],
)
def test_a_dripping_http_answer_is_a_timeout(beginning: bytes) -> None:
    with server(dripping(beginning)) as port:
        assert run(spec(Means.HTTP, port)).status is HealthStatus.TIMEOUT


@pytest.mark.parametrize("means", [Means.TCP, *TALKING])
def test_nobody_listens(means: Means) -> None:
    found = run(spec(means, free_port()))
    assert found.status is HealthStatus.UNREACHABLE
    assert found.reason is not None and "Nothing answers on port" in found.reason.english()


@pytest.mark.parametrize("means", [Means.TCP, *TALKING])
def test_taken_and_dropped_as_dockers_proxy_does(means: Means) -> None:
    with server(closes) as port:
        found = run(spec(means, port))
    assert found.status is HealthStatus.UNREACHABLE, found


@pytest.mark.parametrize("means", [Means.TCP, *TALKING])
def test_an_unknown_name(means: Means) -> None:
    found = run(spec(means, 80, host="no-such-host.invalid"), timeout=5)
    assert found.status is HealthStatus.ERROR
    assert found.reason is not None and "cannot be found" in found.reason.english()


@pytest.mark.parametrize("means", [Means.TCP, *TALKING])
@pytest.mark.parametrize(("host", "port"), [("bad host\n", 80), ("127.0.0.1", 99999), ("x" * 300, 80), ("", 0)])
def test_addresses_that_make_no_sense_never_raise(means: Means, host: str, port: int) -> None:
    assert run(spec(means, port, host=host)).status in (HealthStatus.ERROR, HealthStatus.UNREACHABLE)


@pytest.mark.parametrize("means", TALKING)
@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"\xff" * 5000 + b"\r\n\r\n", b"\0\0\0\0\0\n\n"])
def test_another_language(means: Means, data: bytes) -> None:
    with server(says(data, wait=False)) as port:
        found = run(spec(means, port))
    assert found.status is HealthStatus.DEGRADED, found
    assert found.reason is not None and "does not look like" in found.reason.english()


@pytest.mark.parametrize(("serve", "status"), [(silent, HealthStatus.HEALTHY), (says(b""), HealthStatus.HEALTHY)])
def test_an_open_port_is_enough_for_tcp(serve: Serve, status: HealthStatus) -> None:
    with server(serve) as port:
        found = run(spec(Means.TCP, port))
    assert found.status is status
    assert found.duration is not None and found.duration < LIMIT


def test_http_answers() -> None:
    with server(says(OK)) as port:
        found = run(spec(Means.HTTP, port))
        assert (found.status, found.reason, found.target) == (HealthStatus.HEALTHY, None, f"http://127.0.0.1:{port}/")
        assert run(spec(Means.HTTP, port, expect="hello")).status is HealthStatus.HEALTHY
        assert run(spec(Means.HTTP, port, expect="other")).status is HealthStatus.DEGRADED
    with server(says(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")) as port:
        assert run(spec(Means.HTTP, port)).status is HealthStatus.UNHEALTHY
    with server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", wait=False)) as port:
        assert run(spec(Means.HTTP, port)).status is HealthStatus.DEGRADED


def test_a_large_answer_is_not_read_to_its_end() -> None:
    sent: list[int] = []

    def serve(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent.append(peer.send(b"x" * 65536))

    with server(serve) as port:
        assert run(spec(Means.HTTP, port), timeout=5).status is HealthStatus.HEALTHY
    assert sum(sent) < 20_000_000


def test_redirects_are_followed_at_home_and_count_as_answered_elsewhere() -> None:
    asked: list[str] = []

    def serve(location: str) -> Serve:
        def one(peer: socket.socket) -> None:
            path = peer.recv(65536).split(b" ")[1].decode()
            asked.append(path)
            away = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location.encode()
            peer.sendall(OK if path == "/there" else away)

        return one

    with server(serve("/there")) as port:
        assert run(spec(Means.HTTP, port)).status is HealthStatus.HEALTHY
        assert asked == ["/", "/there"]
    for location in ("http://192.0.2.1/", "https://127.0.0.1/", "//other/"):
        with server(serve(location)) as port:
            assert run(spec(Means.HTTP, port)).status is HealthStatus.HEALTHY
    with server(serve("/round")) as port:
        assert run(spec(Means.HTTP, port), timeout=5).status is HealthStatus.DEGRADED


def test_the_key_is_sent_and_never_told(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[bytes] = []

    def serve(peer: socket.socket) -> None:
        heard.append(peer.recv(65536))
        peer.sendall(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")

    caplog.set_level("DEBUG")
    with server(serve) as port:
        found = run(spec(Means.HTTP, port, bearer=SecretStr(SECRET), key_setting="DASHBOARD_X"))
    assert f"Bearer {SECRET}".encode() in heard[0]
    assert found.status is HealthStatus.DEGRADED
    for bad in (f"{SECRET}\r\nX: y", f"{SECRET}\u20ac", f" {SECRET}\x00"):
        found = run(spec(Means.HTTP, port, bearer=SecretStr(bad)))
        assert found.status is HealthStatus.ERROR
        assert SECRET not in str(dump(found))
    assert SECRET not in caplog.text


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with server(says(OK)) as port:
        assert run(spec(Means.HTTP, port)).status is HealthStatus.HEALTHY


def execute(outcome: ExecResult | Exception, after: float = 0.0) -> Callable[..., ExecResult]:
    def call(container_id: str, command: Sequence[str], *, timeout: float) -> ExecResult:
        threading.Event().wait(after)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return call


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (ExecResult(0, b""), HealthStatus.HEALTHY),
        (ExecResult(1, b"no"), HealthStatus.UNHEALTHY),
        (ExecResult(127, b""), HealthStatus.ERROR),
        (EngineTimeout(text("late")), HealthStatus.TIMEOUT),
        (EngineUnavailable(text("away")), HealthStatus.UNKNOWN),
        (NoContainer("x"), HealthStatus.UNKNOWN),
        (EngineRefused(text("no"), detail='exec: "x": executable file not found in $PATH'), HealthStatus.ERROR),
        (EngineRefused(text("no"), detail="odd"), HealthStatus.ERROR),
        (RuntimeError("a mistake of ours"), HealthStatus.ERROR),
    ],
)
def test_commands(outcome: ExecResult | Exception, status: HealthStatus) -> None:
    found = run(spec(Means.EXEC, command=("check",), container_id="c"), execute=execute(outcome))
    assert found.status is status


def test_a_command_that_hangs_is_a_timeout() -> None:
    found = run(spec(Means.EXEC, command=("check",)), execute=execute(ExecResult(0, b""), after=LIMIT * 2))
    assert found.status is HealthStatus.TIMEOUT


def test_fallbacks_are_tried_only_while_unreachable() -> None:
    in_container = spec(Means.EXEC, command=("redis-cli", "ping"))
    unreachable = spec(Means.REDIS, free_port(), fallbacks=(in_container,))
    found = run(unreachable, execute=execute(ExecResult(0, b"PONG\n")))
    assert (found.status, found.means, found.target) == (HealthStatus.HEALTHY, Means.EXEC, "redis-cli ping")
    found = run(unreachable, execute=execute(ExecResult(127, b"")))
    assert (found.status, found.means) == (HealthStatus.UNREACHABLE, Means.REDIS)
    found = run(unreachable, execute=execute(ExecResult(1, b"Could not connect")))
    assert (found.status, found.means) == (HealthStatus.UNHEALTHY, Means.EXEC)
    with server(says(b"-LOADING wait\r\n")) as port:
        found = run(spec(Means.REDIS, port, fallbacks=(in_container,)), execute=execute(ExecResult(0, b"PONG")))
        assert (found.status, found.means, found.starting) == (HealthStatus.DEGRADED, Means.REDIS, True)


def test_without_anyone_to_ask_nothing_is_claimed() -> None:
    for means in (Means.DOCKER, Means.PROCESS, Means.EXEC, Means.NONE):
        assert run(spec(means)).status is HealthStatus.UNKNOWN


def test_what_docker_says_of_the_container() -> None:
    running = Container(id="c", name="c", status=ContainerStatus.RUNNING, docker_health="unhealthy")
    assert run(spec(Means.DOCKER), container=running).status is HealthStatus.UNHEALTHY
    assert run(spec(Means.PROCESS), container=running).status is HealthStatus.HEALTHY
    stopped = running.model_copy(update={"status": ContainerStatus.EXITED})
    assert run(spec(Means.PROCESS), container=stopped).status is HealthStatus.UNKNOWN


def test_one_that_hangs_delays_nobody() -> None:
    async def all_at_once(specs: Sequence[ProbeSpec]) -> list[Health]:
        return list(await asyncio.gather(*(probes.run(one, timeout=5) for one in specs)))

    with server(silent) as slow, server(says(OK)) as quick:
        hanging = threading.Thread(target=run, args=(spec(Means.HTTP, slow),))
        hanging.start()
        began = time.monotonic()
        found = asyncio.run(all_at_once([spec(Means.HTTP, quick)] * 20))
        assert time.monotonic() - began < 4
        hanging.join()
    assert {health.status for health in found} == {HealthStatus.HEALTHY}


def test_the_client_is_the_one_whose_errors_are_mapped() -> None:
    """Every error of httpx is an HTTPError or one of the two named beside it."""
    known = (httpx.HTTPError, httpx.InvalidURL, ValueError, httpx.StreamError, httpx.CookieConflict)
    for name in httpx.__all__:
        found = getattr(httpx, name)
        if isinstance(found, type) and issubclass(found, Exception):
            assert issubclass(found, known), name
