"""Waiting for a condition, and finding ports nobody uses."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# below 32768: above it the kernel takes ports for outgoing connections, and one may be gone a moment later
_CANDIDATES = list(range(12000, 32000))
_handed_out: set[int] = set()


def wait_until(
    condition: Callable[[], T],
    deadline: float = 10.0,
    what: str = "",
    *,
    interval: float = 0.05,
    ignore: tuple[type[Exception], ...] = (),
) -> T:
    """Ask `condition` until its answer is true, and return that answer.

    `deadline` and `interval` in seconds; exceptions of the types in `ignore` count as “not yet”. Raises AssertionError
    with `what`, and the last answer or exception, when the deadline passes.
    """
    pause = threading.Event()
    end = time.monotonic() + deadline
    last: object = None
    while True:
        try:
            last = answer = condition()
            if answer:
                return answer
        except ignore as error:
            last = error
        if time.monotonic() >= end:
            raise AssertionError(f"not within {deadline:g} s: {what or condition}; last: {last!r}")
        pause.wait(interval)


def free_ports(count: int) -> list[int]:
    """`count` TCP ports that are free on 127.0.0.1 now and were not handed out before in this process."""
    found: list[int] = []
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        if port in _handed_out:
            continue
        with socket.socket() as attempt:
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
        _handed_out.add(port)
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"fewer than {count} free ports below 32768")


def free_port() -> int:
    """One free port; see `free_ports`."""
    return free_ports(1)[0]
