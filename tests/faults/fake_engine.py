"""A stand-in for the Docker engine that misbehaves on demand. Only for faults: all else is tested on a real one."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

Behaviour = Callable[["FakeEngine", socket.socket], None]
DRIP_INTERVAL = 0.05  # seconds between two bytes


def answer(data: Any, status: str = "200 OK") -> Behaviour:
    """A complete answer, as JSON."""
    body = json.dumps(data).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return send(head.encode() + body)


def send(data: bytes, *, close: bool = False) -> Behaviour:
    """These bytes, whatever they are."""

    def behave(engine: FakeEngine, peer: socket.socket) -> None:
        peer.sendall(data)
        if close:
            raise ConnectionError

    return behave


def hang(engine: FakeEngine, peer: socket.socket) -> None:
    """Take the request, never answer."""
    engine.stopping.wait()


def drop(engine: FakeEngine, peer: socket.socket) -> None:
    """Take the request, close the connection."""
    raise ConnectionError


def drip(beginning: bytes = b"") -> Behaviour:
    """Begin with some bytes, then one more every now and then: never silent for long, never done."""

    def behave(engine: FakeEngine, peer: socket.socket) -> None:
        peer.sendall(beginning)
        while not engine.stopping.wait(DRIP_INTERVAL):
            peer.sendall(b" ")

    return behave


def stream(*pieces: bytes, then: Behaviour = hang) -> Behaviour:
    """An endless answer in chunks, then something else."""

    def behave(engine: FakeEngine, peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            peer.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        then(engine, peer)

    return behave


VERSION = answer({"Version": "0.fake", "ApiVersion": "1.41", "Os": "linux"})
CONTAINER = {
    "Id": "ab" * 32,
    "Name": "/fake",
    "State": {"Status": "running", "Pid": 1},
    "Config": {"Image": "fake", "Tty": False},
}


class FakeEngine:
    """Listens on a Unix socket, or with `path` None on a TCP port of 127.0.0.1, maybe with `tls`; `address` is its
    DOCKER_HOST.

    `set(pattern, behaviour)` tells how requests whose “METHOD path” matches are treated; the newest rule wins. By
    default it answers `/version` and the inspection of any container.
    """

    def __init__(self, path: Path | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._rules: list[tuple[re.Pattern[str], Behaviour]] = []
        self.set(r"", answer({"message": "not played here"}, "501 Not Implemented"))
        self.set(r"GET /version", VERSION)
        self.set(r"GET \S*/containers/\w+/json", answer(CONTAINER))
        self.requests: list[str] = []
        self.stopping = threading.Event()
        self._peers: set[socket.socket] = set()
        if path is None:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        else:
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(str(path))
            self._listener.listen(16)
            self.address = f"unix://{path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, pattern: str, behaviour: Behaviour) -> None:
        """Treat requests that match `pattern` so from now on."""
        self._rules.insert(0, (re.compile(pattern), behaviour))

    def drop_all(self) -> None:
        """Close every open connection, as an engine that ends."""
        for peer in list(self._peers):
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def __enter__(self) -> FakeEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):  # macOS does not know it for listeners
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which close() alone does not
        self._listener.close()
        self.drop_all()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._peers.add(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        if self._tls is not None:
            try:
                peer = self._tls.wrap_socket(peer, server_side=True)
            except OSError:
                return
        with peer, peer.makefile("rb") as reader:
            try:
                while line := reader.readline():
                    length = 0
                    while (header := reader.readline().strip().lower()) != b"":
                        if header.startswith(b"content-length:"):
                            length = int(header.split(b":")[1])
                    reader.read(length)
                    request = line.decode().rsplit(" ", 1)[0]
                    self.requests.append(request)
                    behaviour = next(b for pattern, b in self._rules if pattern.match(request))
                    behaviour(self, peer)
            except OSError:
                pass  # the peer is gone, or a behaviour wants the connection closed
        self._peers.discard(peer)
