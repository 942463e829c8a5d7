"""The store: small values shared by all processes of the dashboard, on disk through diskcache.

Only str, bytes, int and float are stored, inline in the database. A row that holds anything else (a pickle, a value in
a file of its own) was not written by us: it is dropped without being loaded (CVE-2025-69872), as if it were not there.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import diskcache

from ..errors import StoreRefused
from ..models import text
from . import store_file as file
from .store_file import ForeignRow, Value

log = logging.getLogger(__name__)

_LOOK = 1.0  # seconds between two looks whether somebody asks to check the store
_TOLD = 50  # keys of which it was told that their rows were dropped


class Store:
    """Key-value store shared by processes; every method may be called from any thread.

    A database that is replaced (damaged, or deleted by the owner) is opened anew. Raises StoreBusy when another process
    holds it for seconds or the disk is full, StoreRefused when it is damaged and cannot be put aside.
    """

    def __init__(self, directory: Path) -> None:
        """Opens or makes it. Raises StoreBusy, StoreRefused, OSError."""
        self.directory = directory
        self._database = str(directory / file.DATABASE)
        self._present = file.presence(directory)
        self._lock = threading.RLock()
        self._inside = threading.local()  # how many transactions the thread is in
        self._suspect = False  # somebody met damage: look at all of it
        self._look_due = 0.0
        self._told: set[str] = set()
        try:
            self._open()
        except BaseException:
            self._present.close()
            raise

    def get_bytes(self, key: str) -> bytes | None:
        """The bytes under `key`, or None."""
        value = self._get(key)
        if value is not None and not isinstance(value, bytes):
            self.discard(key, "a value of another type")
            return None
        return value

    def get_int(self, key: str, default: int = 0) -> int:
        """The whole number under `key`, or `default`."""
        value = self._get(key)
        if value is not None and not isinstance(value, int):
            self.discard(key, "a value of another type")
            return default
        return default if value is None else value

    def has(self, key: str) -> bool:
        """Whether `key` is there and has not expired."""
        return self._get(key) is not None

    def _get(self, key: str) -> Value | None:
        with self._using() as cache:
            try:
                value: Value | None = cache.get(key)
                return value
            except ForeignRow as error:
                foreign = str(error)
        self.discard(key, foreign)
        return None

    def discard(self, key: str, reason: str) -> None:
        """Drop a row that nobody can use, and tell of it once."""
        if key not in self._told and len(self._told) < _TOLD:
            self._told.add(key)
            log.warning("The store held something unusable under %s (%s); it was dropped.", ascii(key)[:100], reason)
        self.delete(key)

    def put(self, key: str, value: Value, *, expire: float | None = None) -> None:
        """Set `key`; with `expire` it is gone after so many seconds."""
        with self._using() as cache:
            cache.set(key, value, expire=expire)

    def delete(self, key: str) -> bool:
        """Remove `key`; whether it was there."""
        with self._using() as cache:
            return bool(cache.delete(key))

    def increment(self, key: str) -> int:
        """Add one to the number under `key` (from 0) and return it; atomic across processes."""
        with self._using() as cache:
            try:
                return int(cache.incr(key))
            except (TypeError, OverflowError) as error:  # no number, or beyond the largest
                foreign = str(error)
        self.discard(key, foreign)
        with self._using() as cache:
            return int(cache.incr(key))

    def keys(self) -> list[str]:
        """All keys, expired ones included until they are purged. Raises StoreRefused for one in a foreign format."""
        with self._using() as cache:
            try:
                return list(cache.iterkeys())
            except ForeignRow as error:
                message = text("The dashboard's store holds something it did not write ({what}).", what=str(error))
                raise StoreRefused(message) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All reads and writes inside happen at once for every other process; an exception undoes the writes."""
        with self._using() as cache, cache.transact():
            yield

    def purge_expired(self) -> int:
        """Remove expired rows; how many there were."""
        with self._using() as cache:
            return int(cache.expire())

    def size(self) -> int:
        """Bytes on disk, the write-ahead log included."""
        return sum(entry.stat().st_size for entry in self.directory.iterdir() if entry.is_file())

    def close(self) -> None:
        """Close this thread's connection, and let go of the store. Other threads' connections close with them."""
        with self._lock:
            self._cache.close()
            self._present.close()

    # --- inside

    @contextmanager
    def _using(self) -> Iterator[diskcache.Cache]:
        """The database for one call; SQLite's errors are translated, and damage is remembered for the next call."""
        depth: int = getattr(self._inside, "depth", 0)
        if depth == 0:
            self._look()
            self._inside.cache = self._cache  # one call keeps to one database
        cache = self._inside.cache
        self._inside.depth = depth + 1
        try:
            yield cache
        except (diskcache.Timeout, sqlite3.Error) as error:
            self._suspect = self._suspect or file.is_damage(error) or "no such table" in str(error)
            raise file.translated(error) from error
        finally:
            self._inside.depth = depth
            if depth == 0:
                del self._inside.cache  # one that was replaced goes when nobody uses it any more
                _roll_back(cache)

    def _look(self) -> None:
        """Open the database anew where it was replaced, or somebody met damage."""
        replaced = file.identity(self._database) != self._identity
        now = time.monotonic()
        called = now >= self._look_due and self._present.was_called()
        self._look_due = now + _LOOK if now >= self._look_due else self._look_due
        if not (replaced or called or self._suspect):
            return
        with self._lock:
            if called or self._suspect or file.identity(self._database) != self._identity:
                self._cache.close()
                try:
                    self._open()
                except OSError as error:
                    raise file.translated(error) from error
                if replaced:
                    log.warning("The store was replaced; it has been opened anew.")

    def _open(self) -> None:
        self._present.leave()
        self._cache = file.open_database(self.directory, self._present, thorough=self._suspect)
        self._identity = file.identity(self._database)
        self._suspect = False
        self._look_due = time.monotonic() + _LOOK


def _roll_back(cache: diskcache.Cache) -> None:
    """End a transaction that a failed COMMIT left open: the thread could not begin another one."""
    connection: sqlite3.Connection | None = getattr(cache._local, "con", None)
    if connection is not None and connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
