"""The database under the store: opening it, what its errors mean, and putting a damaged one aside.

A database is moved away only when SQLite says that the file itself is broken, and never under another process: every
user holds a shared lock beside it. A full disk, a read-only folder or a slow one leave it where it is.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diskcache
from diskcache.core import MODE_RAW, UNKNOWN

from ..errors import HubError, StoreBusy, StoreRefused
from ..models import text
from .files import make_private, private_directory, private_file
from .files_lock import Presence

log = logging.getLogger(__name__)

Value = str | bytes | int | float
TYPES = (str, bytes, int, float)
DATABASE = "cache.db"
KEPT_BROKEN = 3
PATIENCE = 5.0  # seconds others have to leave a damaged store; they look once a second
_GLANCE = 0.05  # seconds between two looks whether somebody else has put it aside
BUSY_TIMEOUT = 5.0  # seconds to wait for another process's write; ours take about a millisecond


class ForeignRow(Exception):
    """A row in a form that the dashboard never writes."""


class Damaged(sqlite3.DatabaseError):
    """The file is no database that can be gone on with."""


class PlainDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no type hints
    """Serialisation for diskcache that never pickles, never unpickles and never touches a file of its own."""

    def put(self, key: Any) -> tuple[str, bool]:
        if type(key) is not str:
            raise TypeError("keys of the store are text")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        if not raw or type(key) is not str:
            raise ForeignRow("a key that is not text")
        return key

    def store(self, value: Any, read: bool, key: Any = UNKNOWN) -> tuple[int, int, None, Value]:
        if read or type(value) not in TYPES:
            raise TypeError("values of the store are str, bytes, int or float")
        size = len(value) if isinstance(value, str | bytes) else 8
        return size, MODE_RAW, None, value

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Value:
        if mode != MODE_RAW or filename is not None or type(value) not in TYPES:
            raise ForeignRow("a row in a foreign format")
        return value  # type: ignore[no-any-return]

    def remove(self, file_path: str) -> None:
        # No row of ours names a file, so a row that does must not make us delete one.
        log.warning("The store held a row that names a file; the file was left alone.")


def identity(database: str) -> tuple[int, int] | None:
    """Device and inode of the file that lies there now; None without one. Asked before each call: no Path is made."""
    try:
        found = os.stat(database)  # noqa: PTH116
    except OSError:
        return None
    return found.st_dev, found.st_ino


def presence(directory: Path) -> Presence:
    """The lock that every user of the store holds; it lies beside it, for the store's own folder may be replaced."""
    directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Presence(directory.with_name(f"{directory.name}.lock"))


def open_database(directory: Path, present: Presence, *, thorough: bool = False) -> diskcache.Cache:
    """Open or make the database; one that is damaged is put aside and a new one begun. `present` is entered.

    `thorough`: look at all of it, as somebody met damage. Raises StoreBusy, StoreRefused, OSError.
    """
    for _ in range(3):  # another process may put it aside at the same time
        try:
            present.enter(PATIENCE)
            return _connect(directory, thorough)
        except TimeoutError as error:
            raise translated(error) from error
        except (diskcache.Timeout, sqlite3.Error) as error:
            present.leave()
            if not is_damage(error):
                raise translated(error) from error
            _renew(directory, present, error)
    raise StoreRefused(text("The dashboard's store is damaged again and again."), remedy=_DELETE)


def _renew(directory: Path, present: Presence, error: Exception) -> None:
    """Put a damaged database aside, unless somebody else has done it meanwhile or works with it."""
    before = identity(str(directory / DATABASE))
    deadline = time.monotonic() + PATIENCE
    present.call()
    while not present.alone(_GLANCE):
        if identity(str(directory / DATABASE)) != before:
            return
        if time.monotonic() > deadline:
            raise StoreRefused(
                text("The dashboard's store is damaged, and another part of the dashboard does not let go of it."),
                remedy=text("Stop the dashboard and start it again."),
                detail=str(error),
            ) from error
    try:
        _connect(directory, thorough=True).close()
    except (diskcache.Timeout, sqlite3.Error) as still:
        if not is_damage(still):
            raise translated(still) from still
        aside = directory.with_name(f"{directory.name}.broken-{time.time_ns()}")
        directory.rename(aside)
        log.error("The store is damaged (%s). It was moved to %s and a new one begun.", still, aside.name)
        _forget_oldest(directory)
    finally:
        present.leave()


def _forget_oldest(directory: Path) -> None:
    broken = sorted(directory.parent.glob(f"{directory.name}.broken-*"), key=lambda path: path.lstat().st_ctime)
    for path in broken[:-KEPT_BROKEN]:
        log.warning("An older damaged store is removed: %s", path.name)
        shutil.rmtree(path, ignore_errors=True)


def _connect(directory: Path, thorough: bool) -> diskcache.Cache:
    private_directory(directory)
    private_file(directory / DATABASE)  # SQLite gives its companions the same mode
    for suffix in ("-wal", "-shm"):
        companion = directory / (DATABASE + suffix)
        if os.path.lexists(companion):
            make_private(companion)
    cache = diskcache.Cache(
        str(directory),
        timeout=BUSY_TIMEOUT,
        disk=PlainDisk,
        eviction_policy="none",  # the default drops old keys that are rarely written
        cull_limit=0,  # expired rows are purged by the leader, not by whoever writes next
        statistics=0,  # counting hits would turn every read into a write
        disk_min_file_size=2**62,
    )
    try:
        _check(cache, thorough)
    except BaseException:
        cache.close()
        raise
    return cache


def _check(cache: diskcache.Cache, thorough: bool) -> None:
    result = cache._sql("PRAGMA integrity_check(1)" if thorough else "PRAGMA quick_check(1)").fetchone()[0]
    if result != "ok":
        raise Damaged(str(result))
    cache._sql("SELECT key, raw, expire_time, mode, filename, value FROM Cache LIMIT 1").fetchall()


# --- what errors mean


def is_damage(error: BaseException) -> bool:
    """Whether the file itself is broken or somebody else's, as opposed to a full disk or missing rights."""
    damage = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return any(
        isinstance(link, Damaged) or _code(link) in damage or "no such column" in str(link) for link in _chain(error)
    )


def translated(error: BaseException) -> HubError:
    """Our error for one of diskcache or SQLite."""
    codes = {_code(link) for link in _chain(error)}
    detail = next((str(link) for link in _chain(error) if isinstance(link, sqlite3.Error)), str(error)) or None
    if is_damage(error):
        return StoreRefused(text("The dashboard's store is damaged."), remedy=_DELETE, detail=detail)
    if sqlite3.SQLITE_FULL in codes:
        message = text("The disk is full: the dashboard cannot write its store.")
        return StoreBusy(message, remedy=text("Make room on the disk; the dashboard goes on by itself."), detail=detail)
    if codes & {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return StoreBusy(
            text("The dashboard may not write its own store."),
            remedy=text("Make the state folder writable for the user who runs the dashboard."),
            detail=detail,
        )
    return StoreBusy(
        text("The dashboard's own store did not answer in time."),
        remedy=text("Check that the disk is not full or failing, then try again."),
        detail=detail,
    )


_DELETE = text("Stop the dashboard, delete the folder “store” in its state folder and start it again.")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from: diskcache hides SQLite's own behind a Timeout, and a failed ROLLBACK too."""
    link: BaseException | None = error
    for _ in range(5):
        if link is None:
            return
        yield link
        link = link.__cause__ or link.__context__


def _code(error: BaseException) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
