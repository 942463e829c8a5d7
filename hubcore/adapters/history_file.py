"""The SQLite file under the history: layout, connections and statements.

Samples are first written to `journal`, one row an entity. When five minutes are over, each entity's samples of that
time become one row of `chunk` (as measured), and their lowest, mean, highest and number go into the hour's row of
`rollup`, in one transaction. So a sample costs the disk one or two pages, a chart of 24 hours reads 288 rows and one of
30 days 720. The keys are `entity << 32 | time // 300` and `entity << 32 | time // 3600`: an entity's rows lie side by
side, in order of time.

Write-ahead logging: readers, also those of other processes, neither wait for the writer nor hold it up.
"""

# ruff: noqa: S608  statements are put together of this module's own names only
from __future__ import annotations

import errno
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from hubcore import series

from .files import private_file

Connection = sqlite3.Connection
Error = sqlite3.Error

LAYOUT = 2  # PRAGMA user_version; a file with another one is not ours to change
BUCKET = 300  # seconds of one chunk, and of one interval of a rollup
BUCKET_MS = BUCKET * 1000
HOUR = 3600  # seconds of one row of rollups
UNITS = {"chunk": BUCKET, "rollup": HOUR}
RAW_SPAN = 24 * 3600.0
ROLLUP_SPAN = 30 * 24 * 3600.0
MAX_ENTITIES = 400
WRITE_WAIT, READ_WAIT = 2.0, 0.25  # seconds for another writer, at a change of leader
CHECK_TIME = 1.0  # seconds the check at opening may take: most of the file on a disk, all of it on an SSD
LAST = 0xFFFFFFFF  # highest number of a period, and the mask for it in a key
# What can be unpacked; a row of anything else is passed over, so that it costs no more than itself.
SOUND_SAMPLE = "typeof(data) = 'blob' AND length(data) % 4 = 0"
SOUND = "typeof(times) || typeof(data) = 'blobblob' AND length(times) % 4 = 0 AND length(data) % length(times) = 0"

SCHEMA = """
CREATE TABLE entity (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seen INTEGER NOT NULL);
CREATE TABLE journal (at INTEGER, entity INTEGER, data BLOB NOT NULL, PRIMARY KEY (at, entity)) WITHOUT ROWID;
CREATE TABLE chunk (key INTEGER PRIMARY KEY, times BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE rollup (key INTEGER PRIMARY KEY, times BLOB NOT NULL, data BLOB NOT NULL);
"""


class Damaged(sqlite3.DatabaseError):
    """The file is no history that this version can go on with."""


def is_damage(error: Exception) -> bool:
    """Whether the file itself is broken, as opposed to a full disk or missing rights."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, Damaged) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_full(error: Exception) -> bool:
    """Whether there is no room left on the disk."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def parts(path: Path) -> list[Path]:
    """The file and its companions, where they exist."""
    return [part for suffix in ("", "-wal", "-shm") if (part := path.with_name(path.name + suffix)).exists()]


def connect_writer(path: Path) -> Connection:
    """Open or make the file (mode 0600). Raises Damaged or another sqlite3.Error, OSError."""
    private_file(path)  # SQLite gives its companions the same mode
    connection = sqlite3.connect(path, timeout=WRITE_WAIT, isolation_level=None, check_same_thread=False)
    try:
        _set_up(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: Connection) -> None:
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    new = layout == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if layout != LAYOUT and not new:
        raise Damaged(f"layout {layout} instead of {LAYOUT}")
    if new:
        connection.execute("PRAGMA page_size = 8192")  # three chunks a page
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        with transaction(connection):
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:  # nobody was faster
                for statement in SCHEMA.strip().split(";\n"):
                    connection.execute(statement.strip("; \n"))
                connection.execute(f"PRAGMA user_version = {LAYOUT}")
    connection.execute("PRAGMA synchronous = NORMAL")  # a killed program loses nothing, a power cut the last samples
    connection.execute("PRAGMA wal_autocheckpoint = 200")
    connection.execute("PRAGMA journal_size_limit = 4194304")
    check(connection)


def check(connection: Connection) -> None:
    """Look through the file, for a limited time. Raises Damaged."""
    deadline = time.monotonic() + CHECK_TIME
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        result = "ok"  # as far as it came
    finally:
        connection.set_progress_handler(None, 0)
    if result != "ok":
        raise Damaged(str(result))


def connect_reader(path: Path) -> Connection:
    """Open the file for reading only; the connection may move between threads. Raises sqlite3.Error, OSError."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise PermissionError(errno.EPERM, "it is not a plain file", str(path))
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=READ_WAIT, isolation_level=None, check_same_thread=False)


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """All or nothing, as the only writer."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def insert(writer: Connection, at: int, rows: Mapping[str, Mapping[str, float | None]]) -> None:
    """Write one sample (`at` in milliseconds) to the journal."""
    known: dict[str, int] = dict(writer.execute("SELECT name, id FROM entity"))
    for name in rows.keys() - known.keys():
        cursor = writer.execute("INSERT INTO entity (name, seen) VALUES (?, ?)", (name, at))
        known[name] = int(cursor.lastrowid or 0)
    packed = [(at, known[name], series.pack_row(row, series.columns_of(name))) for name, row in rows.items()]
    writer.executemany("INSERT OR REPLACE INTO journal VALUES (?, ?, ?)", packed)


def complete_buckets(writer: Connection, current: int) -> None:
    """Turn every bucket of the journal but the current one into chunks and rollups.

    Usually that is the one that has just ended; after a pause, a crash or a change of the clock it may be others.
    """
    waiting = "SELECT DISTINCT at / ? FROM journal WHERE at < ? OR at >= ?"
    borders = (BUCKET_MS, current * BUCKET_MS, (current + 1) * BUCKET_MS)
    for (bucket,) in writer.execute(waiting, borders).fetchall():
        bounds = (bucket * BUCKET_MS, (bucket + 1) * BUCKET_MS)
        rows = writer.execute(
            "SELECT entity, name, at, data FROM journal JOIN entity ON entity.id = journal.entity "
            f"WHERE at >= ? AND at < ? AND {SOUND_SAMPLE} ORDER BY entity, at",
            bounds,
        ).fetchall()
        for (number, name), group in groupby(rows, key=lambda row: (row[0], row[1])):
            times, blobs = zip(*((at / 1000, data) for _, _, at, data in group), strict=True)
            _complete(writer, number, bucket, series.unpack_rows(times, blobs, len(series.columns_of(name))))
        writer.execute("DELETE FROM journal WHERE at >= ? AND at < ?", bounds)


def _complete(writer: Connection, number: int, bucket: int, samples: series.Samples) -> None:
    """Write an entity's bucket, together with what it holds already if the clock has been set back."""
    key, start, width = number << 32 | bucket, bucket * BUCKET, samples.values.shape[1]
    hour = start // HOUR
    hour_key = number << 32 | hour
    found = writer.execute(f"SELECT times, data FROM rollup WHERE key = ? AND {SOUND}", (hour_key,)).fetchall()
    summary = series.unpack_rollups([hour * HOUR] * len(found), *_columns(found), width)
    if old := writer.execute(f"SELECT times, data FROM chunk WHERE key = ? AND {SOUND}", (key,)).fetchall():
        samples = series.unpack_chunks([start], *_columns(old), width).then(samples).ordered()
        summary = summary.without(start)  # made of the samples that are counted again
    summary = series.reduce(summary.then(series.Rollup.of(samples)), BUCKET)
    statement = "INSERT OR REPLACE INTO {} VALUES (?, ?, ?)"
    writer.execute(statement.format("chunk"), (key, *series.pack_chunk(samples, start)))
    writer.execute(statement.format("rollup"), (hour_key, *series.pack_rollups(summary, hour * HOUR)))
    writer.execute("UPDATE entity SET seen = max(seen, ?) WHERE id = ?", (round(samples.times[-1] * 1000), number))


def _columns(rows: Sequence[tuple[bytes, bytes]]) -> tuple[list[bytes], list[bytes]]:
    return [row[0] for row in rows], [row[1] for row in rows]


def entity_id(connection: Connection, name: str) -> int | None:
    """The number of an entity, None where nothing of it is recorded."""
    row = connection.execute("SELECT id FROM entity WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def newest(reader: Connection, number: int, end: float) -> float | None:
    """Roughly when the newest sample up to `end` was taken; None where no samples as measured are left."""
    bounds = _keys(number, 0, int(end // BUCKET))
    chunk = reader.execute("SELECT max(key) FROM chunk WHERE key BETWEEN ? AND ?", bounds).fetchone()[0]
    row = reader.execute("SELECT max(at) FROM journal WHERE at <= ?", (round(end * 1000),)).fetchone()
    times = [(chunk & LAST) * BUCKET] if chunk is not None else []
    return max(times + ([row[0] / 1000] if row[0] is not None else []), default=None)


def read_samples(reader: Connection, number: int, width: int, start: float, end: float) -> series.Samples:
    """An entity's samples as measured, sorted by time."""
    kept = series.unpack_chunks(*_read(reader, "chunk", number, start, end), width)
    return kept.then(_read_journal(reader, number, width, start, end)).between(start, end).ordered()


def read_rollups(reader: Connection, number: int, width: int, start: float, end: float) -> series.Rollup:
    """An entity's five-minute intervals, with those that are not complete yet."""
    kept = series.unpack_rollups(*_read(reader, "rollup", number, start, end), width).between(start - BUCKET, end)
    pending = _read_journal(reader, number, width, start, end)
    if pending.times.size == 0:
        return kept
    return series.reduce(kept.then(series.Rollup.of(pending)), BUCKET)


def _read(
    reader: Connection, table: str, number: int, start: float, end: float
) -> tuple[list[float], list[bytes], list[bytes]]:
    """The rows of an entity in a period: when each begins, its times and its data."""
    unit = UNITS[table]
    statement = f"SELECT key, times, data FROM {table} WHERE key BETWEEN ? AND ? AND {SOUND} ORDER BY key"
    rows = reader.execute(statement, _keys(number, int(start // unit), int(end // unit))).fetchall()
    return [float((key & LAST) * unit) for key, _, _ in rows], [row[1] for row in rows], [row[2] for row in rows]


def _read_journal(reader: Connection, number: int, width: int, start: float, end: float) -> series.Samples:
    statement = f"SELECT at, data FROM journal WHERE at BETWEEN ? AND ? AND entity = ? AND {SOUND_SAMPLE} ORDER BY at"
    rows = reader.execute(statement, (round(start * 1000), round(end * 1000), number)).fetchall()
    return series.unpack_rows([at / 1000 for at, _ in rows], [data for _, data in rows], width)


def forget(writer: Connection, number: int) -> None:
    """Remove an entity and all that is recorded of it."""
    everything = _keys(number, 0, LAST)
    writer.execute("DELETE FROM chunk WHERE key BETWEEN ? AND ?", everything)
    writer.execute("DELETE FROM rollup WHERE key BETWEEN ? AND ?", everything)
    writer.execute("DELETE FROM journal WHERE entity = ?", (number,))
    writer.execute("DELETE FROM entity WHERE id = ?", (number,))


def drop_old(writer: Connection, now: float) -> None:
    """Remove what is older than it is kept, entities without anything left, and the longest unseen beyond the limit."""
    _drop_before(writer, "chunk", now - RAW_SPAN)
    _drop_before(writer, "rollup", now - ROLLUP_SPAN)
    oldest_kept = round((now - ROLLUP_SPAN - HOUR) * 1000)
    numbers = writer.execute("SELECT id, seen FROM entity ORDER BY seen DESC, id DESC").fetchall()
    for position, (number, seen) in enumerate(numbers):
        if position >= MAX_ENTITIES or seen < oldest_kept:
            forget(writer, number)


def drop_oldest_tenth(writer: Connection) -> bool:
    """Remove the oldest tenth of the recorded time, at least an hour. False when nothing is left to remove."""
    edges = [
        writer.execute("SELECT min(key), max(key) FROM rollup WHERE key BETWEEN ? AND ?", _keys(number, 0, LAST))
        for (number,) in writer.execute("SELECT id FROM entity").fetchall()
    ]
    hours = [key & LAST for cursor in edges for key in cursor.fetchone() if key is not None]
    if not hours:
        return False
    before = (min(hours) + max(1, (max(hours) - min(hours)) // 10)) * HOUR
    for table in UNITS:
        _drop_before(writer, table, before)
    return True


def _drop_before(writer: Connection, table: str, time: float) -> None:
    statement = f"DELETE FROM {table} WHERE key BETWEEN ? AND ?"
    for (number,) in writer.execute("SELECT id FROM entity").fetchall():
        writer.execute(statement, _keys(number, 0, int(time // UNITS[table]) - 1))


def used_bytes(writer: Connection) -> int:
    """Bytes of the pages in use."""
    pages, free, size = (
        int(writer.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def give_back(writer: Connection) -> None:
    """Return unused pages to the file system."""
    writer.executescript("PRAGMA incremental_vacuum")  # execute() would take one step: one page
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _keys(number: int, first: int, last: int) -> tuple[int, int]:
    """The lowest and highest key of an entity's periods `first` to `last`."""
    if last < 0:
        return 1, 0  # no key lies between
    return number << 32 | max(first, 0), number << 32 | min(last, LAST)
