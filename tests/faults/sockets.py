"""Servers that misbehave on the wire."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

Serve = Callable[[socket.socket], None]


@contextlib.contextmanager
def server(serve: Serve) -> Iterator[int]:
    """A TCP server on 127.0.0.1 that treats each connection so; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    peers: list[socket.socket] = []

    def one(peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            serve(peer)
        peer.close()

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            peers.append(peer)
            threading.Thread(target=one, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        for sock in (listener, *peers):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def says(data: bytes, *, wait: bool = True) -> Serve:
    """Waits for a request, then says this; with `wait` keeps the connection."""

    def serve(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(data)
        while wait and peer.recv(65536):
            continue

    return serve


def silent(peer: socket.socket) -> None:
    """Takes everything, says nothing."""
    while peer.recv(65536):
        continue


def dripping(beginning: bytes = b"") -> Serve:
    """Says the beginning, then a blank every 50 ms."""

    def serve(peer: socket.socket) -> None:
        peer.sendall(beginning)
        for _ in range(1000):
            peer.sendall(b" ")
            threading.Event().wait(0.05)

    return serve


def closes(peer: socket.socket) -> None:
    """Takes the connection and drops it."""
    return
