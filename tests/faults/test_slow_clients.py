"""Clients that dawdle, on a real stack: 200 of them, all places for streams taken, and reads are answered as ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import httpx
import psutil
import pytest

from api_sidecar.streams import FOLLOWERS
from tests.stack.hub import HubProcess
from tests.stack.stack import Stack
from tests.stack.waiting import wait_until

pytestmark = pytest.mark.stack

SLOW = 200
STREAM = "/api/service/notes/logs/stream?follow=true&lines=1"
HOST = b"Host: localhost\r\n"
# What each kind of slow client sends at first; after that one byte now and then, or nothing.
KINDS = {
    "nothing at all": b"",
    "half a request line": b"GET /api/sta",
    "headers without end": b"GET /api/status HTTP/1.1\r\n" + HOST + b"X-Slow: ",
    "a body without end": b"POST /api/cache/clear HTTP/1.1\r\n" + HOST + b"Content-Length: 5000\r\n\r\n{",
    "a configuration without end": b"POST /api/service/notes/config HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 5000\r\n\r\n{",
    "a model without end": b"POST /api/ollama/pull HTTP/1.1\r\n" + HOST + b"Content-Length: 5000\r\n\r\n{",
    "chunks without end": b"POST /api/cache/clear HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "answers never read": (b"GET /api/services?resources=true HTTP/1.1\r\n" + HOST + b"\r\n") * 20,
    "kept alive": b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
}

DRIPPING = [kind for kind in KINDS if "half" in kind or ("without end" in kind and "chunks" not in kind)]


class Crowd:
    """Slow clients: each said its beginning, and goes on byte by byte where that makes sense."""

    def __init__(self, port: int, count: int) -> None:
        self._stopping = threading.Event()
        self._sockets: list[socket.socket] = []
        beginnings = list(KINDS.values())
        for number in range(count):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.settimeout(10)
            client.connect(("127.0.0.1", port))
            client.sendall(beginnings[number % len(beginnings)])
            client.setblocking(False)
            self._sockets.append(client)
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self._thread.start()

    def _drip(self) -> None:
        while not self._stopping.wait(0.5):
            for number, client in enumerate(self._sockets):
                if list(KINDS)[number % len(KINDS)] in DRIPPING:
                    try:
                        client.send(b"x")
                    except OSError:
                        continue  # refused and closed, which is its right

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        for client in self._sockets:
            client.close()


@pytest.fixture
def dashboard(own_stack: Callable[..., Stack], start_hub: Callable[..., HubProcess]) -> Iterator[HubProcess]:
    hub = start_hub(own_stack("notes").environment())
    wait_until(lambda: hub.get("/api/status").json().get("notes", {}).get("container_status") == "running", 30, "notes")
    yield hub


def opened(hub: HubProcess, streams: ExitStack) -> httpx.Response:
    """Open one more stream and, if there is a place for it, read its first line."""
    answer = streams.enter_context(httpx.stream("GET", hub.api + STREAM, timeout=40))
    if answer.status_code == 200:
        lines = answer.iter_lines()
        assert next(lines).startswith(":")
        streams.callback(lines.close)  # and held until then: an iterator that is dropped closes the connection
    else:
        answer.read()
    return answer


def worker(hub: HubProcess) -> psutil.Process:
    assert hub.process is not None
    api = next(p for p in psutil.Process(hub.process.pid).children() if "api_sidecar" in " ".join(p.cmdline()))
    return api.children()[0]


def answered(hub: HubProcess) -> bool:
    """A new connection is answered within two seconds, with figures."""
    answer = hub.get("/api/system/stats", timeout=2.0)
    return answer.status_code == 200 and answer.json()["system"]["memory_total"] > 0


def test_reads_are_answered_whatever_slow_clients_do(dashboard: HubProcess) -> None:
    before = worker(dashboard)
    with ExitStack() as streams:
        assert [opened(dashboard, streams).status_code for _ in range(FOLLOWERS)] == [200] * FOLLOWERS
        with closing(Crowd(dashboard.api_port, SLOW)):
            for _ in range(20):
                assert answered(dashboard)
            refused = opened(dashboard, streams)
            assert (refused.status_code, refused.json()["code"]) == (503, "too_busy")
            assert int(refused.headers["retry-after"]) > 0
            commands = [dashboard.post("/api/cache/clear", timeout=5.0).status_code for _ in range(3)]
            assert set(commands) <= {200, 503}  # places for bodies are taken by those that never end
            assert answered(dashboard)
        wait_until(
            lambda: dashboard.post("/api/cache/clear").status_code == 200, 20, "places for bodies are free again"
        )
    assert answered(dashboard)
    assert worker(dashboard).pid == before.pid
    assert "Traceback" not in dashboard.log.read_text()
