"""The history of all figures on disk: 24 hours as measured, 30 days as lowest, mean and highest of five minutes."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hubcore import series
from hubcore.errors import BadRequest
from hubcore.models import Series, Text, text

from . import history_file as file

log = logging.getLogger(__name__)

PRUNE_INTERVAL = 3600.0
MAX_BYTES = 256 * 1024 * 1024
MAX_POINTS = 5000
KEPT_DAMAGED = 3
IDLE_READERS = 4


class History:
    """Writes and reads the figures of the host and the services. Safe for threads; any number of processes may read.

    Trouble with the file never reaches the caller as an exception: it is logged once and stands in `problem` until a
    write succeeds again.
    """

    def __init__(self, path: Path, *, resolution: float = 5.0, max_bytes: int = MAX_BYTES) -> None:
        """`path`: the file, made at the first write; `resolution`: usual seconds between two samples."""
        self.path = path
        self.resolution = resolution
        self.max_bytes = max_bytes
        self.problem: Text | None = None
        self._writer: file.Connection | None = None
        self._lock = threading.Lock()
        self._readers: queue.LifoQueue[tuple[int, file.Connection]] = queue.LifoQueue(IDLE_READERS)
        self._pruned_at = 0.0
        self._unreadable = False  # the last read failed: the next write looks at the file anew

    # --- writing

    def append(self, at: float, rows: Mapping[str, Mapping[str, float | None]]) -> None:
        """Keep one sample: the figures of each entity (`series.HOST` or a service's name) at epoch second `at`."""
        with self._lock, self._guarded():
            writer = self._open_writer()
            with file.transaction(writer):
                file.insert(writer, round(at * 1000), rows)
                file.complete_buckets(writer, int(at // file.BUCKET))
            if abs(at - self._pruned_at) > PRUNE_INTERVAL:
                self._prune(writer, at)

    def prune(self, now: float) -> None:
        """Drop what is too old, and the oldest of what is too much; give the space back. `append` does it hourly."""
        with self._lock, self._guarded():
            if self.path.exists():
                self._prune(self._open_writer(), now)

    def forget(self, entity: str) -> None:
        """Drop everything of one entity."""
        with self._lock, self._guarded():
            if self.path.exists():
                writer = self._open_writer()
                with file.transaction(writer):
                    if (number := file.entity_id(writer, entity)) is not None:
                        file.forget(writer, number)

    def _prune(self, writer: file.Connection, now: float) -> None:
        self._pruned_at = now
        file.check(writer)
        with file.transaction(writer):
            file.drop_old(writer, now)
        removed = True
        while removed and file.used_bytes(writer) > self.max_bytes:
            with file.transaction(writer):
                removed = file.drop_oldest_tenth(writer)
        file.give_back(writer)

    # --- reading

    def read(self, entity: str, names: Sequence[str], start: float, end: float, points: int = 300) -> Series:
        """Figures of an entity from `start` to `end` (epoch seconds), in about `points` points.

        Up to 24 hours come from the samples as measured, longer or older periods from the five-minute intervals. Where
        there are more samples than points, values are means and `lows` and `highs` the extremes; `condition` shows the
        worst. Nothing recorded: an empty series. Raises BadRequest for a name that is not kept of this entity.
        """
        columns = series.columns_of(entity)
        for name in names:
            if name not in columns:
                raise BadRequest(text("There is no series named “{name}”.", name=str(name)[:100]))
        wanted = [columns.index(name) for name in names]
        found = self._find(entity, wanted, start, end) if start < end else None
        if found is None or found[0].times.size == 0:
            return Series(entity=entity, step=self.resolution, values={name: [] for name in names})
        return series.to_series(entity, names, found[0], end - start, min(max(points, 2), MAX_POINTS), found[1])

    def _find(self, entity: str, wanted: Sequence[int], start: float, end: float) -> tuple[series.Rollup, float] | None:
        """What is recorded in these columns, and the distance of the samples in seconds; None where nothing is."""
        width = len(series.columns_of(entity))
        try:
            with self._reader() as reader:
                number = file.entity_id(reader, entity)
                if number is None:
                    return None
                newest = file.newest(reader, number, end)
                if newest is None or end - start > file.RAW_SPAN * 1.01 or start < newest - file.RAW_SPAN - file.BUCKET:
                    interval = max(file.BUCKET, self.resolution)
                    return file.read_rollups(reader, number, width, start, end).take(wanted), interval
                samples = file.read_samples(reader, number, width, start, end)
                return series.Rollup.of(samples.take(wanted)), series.interval_of(samples.times, self.resolution)
        except FileNotFoundError:
            return None  # nothing has been written yet
        except (file.Error, OSError) as error:
            if not self._unreadable:
                log.warning("the history cannot be read: %s: %s", self.path, error)
            self._unreadable = True
            return None

    def size(self) -> int:
        """Bytes on disk, the write-ahead log included."""
        return sum(part.stat().st_size for part in file.parts(self.path))

    def close(self) -> None:
        """Close all connections. What was appended is safe already."""
        with self._lock:
            self._close_writer()
        while (reader := self._idle_reader()) is not None:
            reader[1].close()

    # --- connections

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Keeps trouble with the file away from the collector, and tells of it once."""
        try:
            yield
        except (file.Error, OSError) as error:
            if file.is_damage(error):
                self._move_aside(str(error))
            elif self.problem is None:
                log.error("figures are not recorded: %s: %s", self.path, error)
            self.problem = _told(error)
        else:
            if self.problem is not None:
                log.info("figures are recorded again: %s", self.path)
            self.problem = None

    def _open_writer(self) -> file.Connection:
        if self._unreadable or not self.path.exists():
            self._close_writer()  # opening checks the file; one that somebody removed is begun anew
            self._unreadable = False
        if self._writer is None:
            try:
                self._writer = file.connect_writer(self.path)
            except file.Error as error:
                if not file.is_damage(error):
                    raise
                self._move_aside(str(error))
                self._writer = file.connect_writer(self.path)
        return self._writer

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _move_aside(self, reason: str) -> None:
        """Keep a damaged file under another name; the next write begins a new one."""
        self._close_writer()
        damaged = f"{self.path.name}.damaged-"
        target = damaged + time.strftime("%Y%m%d-%H%M%S")
        for part in file.parts(self.path):
            part.rename(part.with_name(target + part.name.removeprefix(self.path.name)))
        log.error("the history is damaged (%s): kept as %s, a new one begins", reason, target)
        kept = sorted(
            {part.name.removesuffix("-wal").removesuffix("-shm") for part in self.path.parent.glob(damaged + "*")}
        )
        for name in kept[:-KEPT_DAMAGED]:
            log.warning("an older damaged history is removed: %s", name)
            for part in file.parts(self.path.with_name(name)):
                part.unlink()

    @contextmanager
    def _reader(self) -> Iterator[file.Connection]:
        """A read-only connection in a transaction: all reads see one state. FileNotFoundError without a file."""
        inode = self.path.stat().st_ino
        idle = self._idle_reader()
        while idle is not None and idle[0] != inode:  # the file has been replaced since
            idle[1].close()
            idle = self._idle_reader()
        connection = idle[1] if idle is not None else file.connect_reader(self.path)
        try:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        try:
            self._unreadable = False
            self._readers.put_nowait((inode, connection))
        except queue.Full:
            connection.close()

    def _idle_reader(self) -> tuple[int, file.Connection] | None:
        try:
            return self._readers.get_nowait()
        except queue.Empty:
            return None


def _told(error: Exception) -> Text:
    """In words for people, why nothing is recorded."""
    if file.is_full(error):
        return text("The history is not being recorded: the disk is full. Make room, and it goes on by itself.")
    if file.is_damage(error):
        return text("The history on disk was damaged. It is kept under another name, and a new one begins.")
    return text("The history is not being recorded: {reason}.", reason=str(error)[:200])
