"""The audit log: who asked for what, from where, and what came of it; JSON lines in the state folder.

Every line is written with one call to a file opened for appending, so that lines of several processes never mix.
Trouble with the file never reaches whoever records: it is logged once, and stands in `problem` until a line could be
written.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from hubcore.audit_lines import LONGEST_LINE, line_of, parsed
from hubcore.models import Text, text

from .files import private_directory
from .files_lock import locked

log = logging.getLogger(__name__)

MAX_BYTES = 5 * 1024 * 1024  # of one file
KEPT = 5  # older files: security.log.1 is the newest of them
MOST = 1000  # entries that are read at once
ROOM = 256 * 1024  # bytes that must be free for the next entries
_BLOCK = 64 * 1024
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class AuditLog:
    """Appends to `path` (0600) and reads the newest entries. Safe for threads and several processes."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        """`path`: made at the first entry. `max_bytes`: when a new file is begun; `kept`: how many older ones stay."""
        self.path = path
        self.problem: Text | None = None
        self._max_bytes = max_bytes
        self._kept = kept
        self._lock = threading.Lock()
        self._missed = 0

    def record(self, event: str, details: Mapping[str, Any], *, user: str, address: str, via: str) -> None:
        """Append an entry. `details` is JSON-ready and never holds values of variables.

        Never raises; an entry that could not be written is counted, and the next one that can says how many there were.
        """
        with self._lock:
            try:
                if self._missed:
                    self._append(_line("audit_gap", {"missed": self._missed}, "local", "", "audit"))
                    self._missed = 0
                self._append(_line(event, details, user, address, via))
            except Exception as error:  # whatever it is, the command goes on
                self._missed += 1
                self._trouble(error)
            else:
                self._fine()

    def check(self) -> None:
        """See whether the next entry could be written; `problem` says why not."""
        with self._lock:
            try:
                os.close(self._open())
                if shutil.disk_usage(self.path.parent).free < ROOM:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                self._trouble(error)
            else:
                self._fine()

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """The newest entries (at most `MOST`), newest first: `timestamp`, `event_type`, `details`, `user_ip`, `user`,
        `via`. Lines that are none are skipped; files are read from their ends, and no further than needed.
        """
        found: list[dict[str, Any]] = []
        wanted = min(max(limit, 0), MOST)
        if wanted == 0:
            return found
        for line in self._lines():
            entry = parsed(line)
            if entry is not None:
                found.append(entry)
                if len(found) == wanted:
                    break
        return found

    # --- writing

    def _append(self, line: bytes) -> None:
        descriptor = self._open()
        try:
            size = os.fstat(descriptor).st_size
            if size and size + len(line) > self._max_bytes:
                os.close(descriptor)
                descriptor = -1
                self._rotate(len(line))
                descriptor = self._open()
                size = os.fstat(descriptor).st_size
            if size and _last_byte(descriptor, size) != b"\n":
                line = b"\n" + line  # the entry before was cut off
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _open(self) -> int:
        private_directory(self.path.parent)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        return os.open(self.path, flags, 0o600)

    def _rotate(self, more: int) -> None:
        """Begin a new file, unless another process just did. One that is at it now need not be waited for."""
        try:
            with locked(self.path.with_name(f"{self.path.name}.lock"), 0.0):
                if self.path.stat().st_size + more <= self._max_bytes:
                    return
                for number in range(self._kept, 0, -1):
                    source = self._older(number - 1)
                    if source.exists():
                        source.replace(self._older(number))
        except TimeoutError:
            return

    def _older(self, number: int) -> Path:
        return self.path if number == 0 else self.path.with_name(f"{self.path.name}.{number}")

    # --- reading

    def _lines(self) -> Iterator[bytes]:
        """All lines, the newest first."""
        read: set[tuple[int, int]] = set()
        for number in range(self._kept + 1):
            try:
                with self._older(number).open("rb") as file:
                    found = os.fstat(file.fileno())
                    if (found.st_dev, found.st_ino) in read:
                        continue  # renamed while this was reading
                    read.add((found.st_dev, found.st_ino))
                    yield from _backwards(file, found.st_size)
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    log.warning("the audit log cannot be read: %s: %s", self._older(number), error)

    # --- trouble

    def _trouble(self, error: Exception) -> None:
        if self.problem is None:
            log.error("the audit log cannot be written: %s: %s", self.path, error)
        if isinstance(error, OSError) and error.errno in _FULL:
            self.problem = text("The audit log is not being written: the disk is full. Make room, and it goes on.")
        else:
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            self.problem = text("The audit log is not being written: {reason}.", reason=reason[:200])

    def _fine(self) -> None:
        if self.problem is not None:
            log.info("the audit log can be written again: %s", self.path)
        self.problem = None


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)  # where it is written is the end all the same
    return os.read(descriptor, 1)


def _line(event: str, details: Mapping[str, Any], user: str, address: str, via: str) -> bytes:
    return line_of(
        {
            "timestamp": datetime.now().astimezone().isoformat(timespec="milliseconds"),
            "event_type": event,
            "details": dict(details),
            "user_ip": address,
            "user": user,
            "via": via,
        }
    )


def _backwards(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The lines of a file from its end; what is longer than any entry is left out, so that memory stays small."""
    rest: bytes = b""
    too_long = False
    position = size
    while position > 0:
        step = min(_BLOCK, position)
        position -= step
        file.seek(position)
        first, *lines = (file.read(step) + rest).split(b"\n")
        for line in reversed(lines):
            if too_long:
                too_long = False  # this was the beginning of it
            elif line:
                yield line
        rest = first
        if len(rest) > 2 * LONGEST_LINE:
            rest, too_long = b"", True
    if rest and not too_long:
        yield rest
