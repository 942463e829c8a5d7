"""A lock between processes on a file: held for as long as somebody works, gone when the holder is, however it ended."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .files import private_file

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_POLL = 0.01


@contextmanager
def locked(path: Path, patience: float) -> Iterator[None]:
    """Hold the lock on the file `path` (made if missing, 0600, never removed), between threads as well.

    Raises TimeoutError, an OSError, when another one holds it for longer than `patience` seconds.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        deadline = time.monotonic() + patience
        while not _try(descriptor):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"another program holds {path.name}")
            time.sleep(_POLL)
        yield
    finally:
        os.close(descriptor)  # lets go of the lock as well


def _try(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class Presence:
    """Tells other processes that this one uses something, by a shared lock on the file `path` (made if missing, 0600).

    Whoever wants to replace it asks to be alone: that works only when nobody uses it. On Windows, where files in use
    cannot be replaced anyway, nothing is locked.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        private_file(path)
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        self._seen = self._calls()

    def enter(self, patience: float) -> None:
        """Use it, as soon as nobody is alone with it. Raises TimeoutError after `patience` seconds."""
        self._seen = self._calls()
        if not self._lock("LOCK_SH", patience):
            raise TimeoutError(f"another program holds {self._path.name}")

    def leave(self) -> None:
        """Do not use it for the moment."""
        if sys.platform != "win32":
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def alone(self, patience: float) -> bool:
        """Whether all others have left within `patience` seconds; then nobody enters until this one leaves."""
        return self._lock("LOCK_EX", patience)

    def call(self) -> None:
        """Ask all who use it to leave for a moment and look at what they use."""
        os.utime(self._descriptor)

    def was_called(self) -> bool:
        """Whether somebody called since this one entered."""
        return self._descriptor >= 0 and self._calls() != self._seen

    def close(self) -> None:
        """Leave for good."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _calls(self) -> int:
        return os.fstat(self._descriptor).st_mtime_ns

    def _lock(self, how: str, patience: float) -> bool:
        if sys.platform == "win32":
            return True
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._descriptor, getattr(fcntl, how) | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_POLL)
            else:
                return True
