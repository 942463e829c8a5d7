"""The store: small values shared by all processes of the dashboard, on disk through diskcache.

Only str, bytes, int and float are stored, inline in the database. A row that holds anything else (a pickle, a value in
a file of its own) was not written by us: it is refused without being loaded (CVE-2025-69872).
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diskcache
from diskcache.core import MODE_RAW, UNKNOWN

from ..errors import StoreBusy, StoreRefused
from ..models import text

log = logging.getLogger(__name__)

Value = str | bytes | int | float
_TYPES = (str, bytes, int, float)
_BUSY_TIMEOUT = 5.0  # seconds to wait for another process's write; ours take about a millisecond


def _refused(what: str) -> StoreRefused:
    return StoreRefused(
        text("The dashboard's store holds something it did not write ({what}).", what=what),
        remedy=text("Stop the dashboard, delete the folder “store” in its state folder and start it again."),
    )


class PlainDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no type hints
    """Serialisation for diskcache that never pickles, never unpickles and never touches a file of its own."""

    def put(self, key: Any) -> tuple[str, bool]:
        if type(key) is not str:
            raise TypeError("keys of the store are text")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        if not raw or type(key) is not str:
            raise _refused("a key that is not text")
        return key

    def store(self, value: Any, read: bool, key: Any = UNKNOWN) -> tuple[int, int, None, Value]:
        if read or type(value) not in _TYPES:
            raise TypeError("values of the store are str, bytes, int or float")
        size = len(value) if isinstance(value, str | bytes) else 8
        return size, MODE_RAW, None, value

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Value:
        if mode != MODE_RAW or filename is not None or type(value) not in _TYPES:
            raise _refused("a row in a foreign format")
        return value  # type: ignore[no-any-return]

    def remove(self, file_path: str) -> None:
        # No row of ours names a file, so a row that does must not make us delete one.
        log.warning("The store held a row that names a file; the file was left alone.")


class Store:
    """Key-value store shared by processes; every method may be called from any thread.

    Raises StoreBusy when another process holds the database for seconds, StoreRefused for foreign content.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._cache = _open(directory)

    def get_bytes(self, key: str) -> bytes | None:
        """The bytes under `key`, or None."""
        value = self._get(key)
        if value is not None and not isinstance(value, bytes):
            raise _refused("a value of another type")
        return value

    def get_int(self, key: str, default: int = 0) -> int:
        """The whole number under `key`, or `default`."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, int):
            raise _refused("a value of another type")
        return value

    def has(self, key: str) -> bool:
        """Whether `key` is there and has not expired."""
        return self._get(key) is not None

    def _get(self, key: str) -> Value | None:
        with _translated():
            value: Value | None = self._cache.get(key)
            return value

    def put(self, key: str, value: Value, *, expire: float | None = None) -> None:
        """Set `key`; with `expire` it is gone after so many seconds."""
        with _translated():
            self._cache.set(key, value, expire=expire)

    def delete(self, key: str) -> bool:
        """Remove `key`; whether it was there."""
        with _translated():
            return bool(self._cache.delete(key))

    def increment(self, key: str) -> int:
        """Add one to the number under `key` (from 0) and return it; atomic across processes."""
        with _translated():
            return int(self._cache.incr(key))

    def keys(self) -> list[str]:
        """All keys, expired ones included until they are purged."""
        with _translated():
            return list(self._cache.iterkeys())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All reads and writes inside happen at once for every other process; an exception undoes the writes."""
        with _translated(), self._cache.transact():
            yield

    def purge_expired(self) -> int:
        """Remove expired rows; how many there were."""
        with _translated():
            return int(self._cache.expire())

    def size(self) -> int:
        """Bytes on disk, the write-ahead log included."""
        return sum(entry.stat().st_size for entry in self.directory.iterdir() if entry.is_file())

    def close(self) -> None:
        """Close this thread's connection. Other threads' connections close with their threads."""
        self._cache.close()


def _open(directory: Path) -> diskcache.Cache:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.chmod(0o700)
    try:
        return _connect(directory)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise
        aside = directory.with_name(f"{directory.name}.broken-{int(time.time())}-{os.getpid()}")
        directory.rename(aside)
        log.error("The store cannot be read (%s). It was moved to %s and a new one begun.", error, aside.name)
        directory.mkdir(mode=0o700)
        return _connect(directory)


def _connect(directory: Path) -> diskcache.Cache:
    cache = diskcache.Cache(
        str(directory),
        timeout=_BUSY_TIMEOUT,
        disk=PlainDisk,
        eviction_policy="none",  # the default drops old keys that are rarely written
        cull_limit=0,  # expired rows are purged by the leader, not by whoever writes next
        statistics=0,  # counting hits would turn every read into a write
        disk_min_file_size=2**62,
    )
    for entry in directory.iterdir():
        if entry.is_file():
            entry.chmod(0o600)
    return cache


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (diskcache.Timeout, sqlite3.OperationalError) as error:
        raise StoreBusy(
            text("The dashboard's own store did not answer in time."),
            remedy=text("Check that the disk is not full or failing, then try again."),
            detail=str(error) or None,
        ) from error
    except sqlite3.DatabaseError as error:
        raise _refused(f"a damaged file: {error}") from error
