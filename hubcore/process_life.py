"""How a part of the dashboard notices that the process which started it is gone, and ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .adapters.files import private_file
from .settings import SUPERVISED, environment

PARENT_CHECK = 0.5  # seconds between two looks at the parent
LAST_WORDS = 8.0  # seconds such a program has to end by itself
BEAT = 2.0  # seconds between two signs of life of a program that has no port to ask
HEARTBEAT = "collector.alive"  # in the state folder


def is_supervised() -> bool:
    """Whether this process is one that `python -m hubcore up` started."""
    return environment().get(SUPERVISED) == "1"


def end_with_parent(end: Callable[[], None] | None = None) -> None:
    """From now on, end this process when the one that started it ends, however that happened.

    First by `end` (SIGTERM to itself if None); if that takes too long, at once.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK)
        if end is not None:
            end()
        else:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(LAST_WORDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


class Heart:
    """Signs of life on a file, for the supervisor: `beat` is called often, and does something now and then."""

    def __init__(self, path: Path, is_well: Callable[[], bool]) -> None:
        self._path = path
        self._is_well = is_well
        self._due = 0.0

    def beat(self) -> None:
        """Touch the file, if all is well and it is time. Nothing is written, so that a full disk does not matter."""
        now = time.monotonic()
        if now >= self._due and self._is_well():
            self._due = now + BEAT
            with contextlib.suppress(OSError):
                private_file(self._path)
                os.utime(self._path)


class Pulse:
    """Feels the heart of another process: called less often than it beats, it tells whether there was a beat since."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._felt = self._last()

    def __call__(self) -> bool:
        """Whether the file was touched since the last call; no clock is read."""
        before, self._felt = self._felt, self._last()
        return self._felt not in (before, None)

    def _last(self) -> int | None:
        try:
            return self._path.lstat().st_mtime_ns
        except OSError:
            return None
