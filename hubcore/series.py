"""Arithmetic of the history: packing samples, summing them up over intervals, thinning them for a chart.

Pure functions over numpy arrays. Times are Unix epoch seconds in float64 arrays; values are float32 matrices with one
row a time and one column a figure, NaN where nothing was measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .models import Series

# The order of the columns on disk. Only ever append: older files are read by position.
HOST_COLUMNS = (
    "cpu_percent",
    "memory_percent",
    "memory_used",
    "swap_percent",
    "disk_percent",
    "disk_used",
    "load1",
    "network_rx_rate",
    "network_tx_rate",
    "disk_read_rate",
    "disk_write_rate",
)
SERVICE_COLUMNS = (
    "cpu_percent",
    "memory_usage",
    "memory_percent",
    "network_rx_rate",
    "network_tx_rate",
    "block_read_rate",
    "block_write_rate",
    "response_ms",
    "condition",
)
HOST = "@host"  # a name no service can have
WORST_COUNTS = frozenset({"condition"})  # of an interval the worst value is shown, not the mean
GAP_INTERVALS = 3  # a pause longer than this many intervals is a gap, not a late sample

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]


def columns_of(entity: str) -> tuple[str, ...]:
    """The figures kept of an entity: `HOST`, or anything else for a service."""
    return HOST_COLUMNS if entity == HOST else SERVICE_COLUMNS


@dataclass(frozen=True)
class Samples:
    """Single measurements: `times` (n), `values` (n x columns)."""

    times: Floats
    values: Matrix

    @staticmethod
    def empty(width: int) -> Samples:
        """No measurement of `width` figures."""
        return Samples(np.empty(0), np.empty((0, width), np.float32))

    def then(self, later: Samples) -> Samples:
        """Both, one after the other."""
        if later.times.size == 0:
            return self
        return Samples(np.concatenate((self.times, later.times)), np.concatenate((self.values, later.values)))

    def take(self, columns: Sequence[int]) -> Samples:
        """Only some of the figures."""
        return Samples(self.times, self.values[:, columns])

    def between(self, start: float, end: float) -> Samples:
        """The samples with start <= time <= end."""
        keep = (self.times >= start) & (self.times <= end)
        return self if bool(keep.all()) else Samples(self.times[keep], self.values[keep])

    def ordered(self) -> Samples:
        """Sorted by time; of two samples with the same time the later written one."""
        if self.times.size < 2 or bool((np.diff(self.times) > 0).all()):
            return self
        order = np.argsort(self.times, kind="stable")
        times = self.times[order]
        keep = np.append(times[1:] != times[:-1], True)
        return Samples(times[keep], self.values[order[keep]])


@dataclass(frozen=True)
class Rollup:
    """Intervals: start times (n) and, of each figure, lowest, mean, highest and number of values (n x columns)."""

    times: Floats
    low: Matrix
    mean: Matrix
    high: Matrix
    count: Matrix

    @staticmethod
    def of(samples: Samples) -> Rollup:
        """Each sample as an interval of its own."""
        values = samples.values
        return Rollup(samples.times, values, values, values, (~np.isnan(values)).astype(np.float32))

    def take(self, columns: Sequence[int]) -> Rollup:
        """Only some of the figures."""
        parts = (matrix[:, columns] for matrix in (self.low, self.mean, self.high, self.count))
        return Rollup(self.times, *parts)

    def between(self, start: float, end: float) -> Rollup:
        """The intervals that begin at start or later, and at end at the latest."""
        keep = (self.times >= start) & (self.times <= end)
        parts = (matrix[keep] for matrix in (self.low, self.mean, self.high, self.count))
        return self if bool(keep.all()) else Rollup(self.times[keep], *parts)

    def without(self, time: float) -> Rollup:
        """All intervals but the one that begins at `time`."""
        keep = self.times != time
        return Rollup(self.times[keep], *(m[keep] for m in (self.low, self.mean, self.high, self.count)))

    def then(self, other: Rollup) -> Rollup:
        """Both, sorted by time; equal times stay double until `reduce` joins them."""
        if other.times.size == 0:
            return self
        times = np.concatenate((self.times, other.times))
        order = np.argsort(times, kind="stable")
        mine = (self.low, self.mean, self.high, self.count)
        theirs = (other.low, other.mean, other.high, other.count)
        return Rollup(times[order], *(np.concatenate(pair)[order] for pair in zip(mine, theirs, strict=True)))


def group_starts(times: Floats, step: float) -> npt.NDArray[np.intp]:
    """Index of the first of each run of sorted times that lie in the same interval of `step` seconds."""
    slots = np.floor(times / step)
    return np.flatnonzero(np.append(True, slots[1:] != slots[:-1]))


def reduce(rollup: Rollup, step: float) -> Rollup:
    """Joined into intervals of `step` seconds, aligned to multiples of it. Intervals without a time are left out."""
    if rollup.times.size == 0:
        return rollup
    starts = group_starts(rollup.times, step)
    count = np.add.reduceat(rollup.count, starts, axis=0)
    weighted = np.where(rollup.count > 0, rollup.mean * rollup.count.astype(np.float64), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (np.add.reduceat(weighted, starts, axis=0) / count).astype(np.float32)  # 0 / 0: NaN, as wanted
    low = np.fmin.reduceat(rollup.low, starts, axis=0)
    high = np.fmax.reduceat(rollup.high, starts, axis=0)
    return Rollup(np.floor(rollup.times[starts] / step) * step, low, mean, high, count)


def interval_of(times: Floats, resolution: float) -> float:
    """The distance of the samples in seconds: `resolution`, unless they were taken with a much longer one.

    Rounded, because the intervals of a chart are multiples of it and must not move from one refresh to the next.
    """
    if times.size < 3:
        return resolution
    median = float(np.median(np.diff(times)[:: 1 + times.size // 500]))  # a few hundred tell as much as all
    return resolution if median < 1.5 * resolution else float(round(median))


def step_for(period: float, points: int, interval: float) -> float:
    """The interval with which at most `points` cover `period`: a multiple of the samples' own distance."""
    return max(1, math.ceil(period / max(points - 1, 1) / interval)) * interval


def thin(rollup: Rollup, period: float, points: int, interval: float) -> tuple[Rollup, float, npt.NDArray[np.intp]]:
    """Reduced to about `points`, with the step used and the places after which there is a gap.

    Lowest and highest values survive in `low` and `high`, however long the intervals get.
    """
    times = rollup.times
    if times.size <= points:
        distance, step, starts = np.diff(times), interval, np.arange(times.size)
        result = rollup
    else:
        step = step_for(period, points, interval)
        starts = group_starts(times, step)
        distance = times[starts[1:]] - times[starts[1:] - 1]  # last of one interval to first of the next
        result = reduce(rollup, step)
    allowed = max(GAP_INTERVALS * interval, step)
    return result, step, np.flatnonzero(distance > allowed * 1.001) + 1


def to_series(entity: str, names: Sequence[str], rollup: Rollup, period: float, points: int, interval: float) -> Series:
    """A `Series` to draw; `rollup` has the columns `names`. One point of None stands in each gap, to break the line."""
    thinned, step, gaps = thin(rollup, period, points, interval)
    times = np.insert(thinned.times, gaps, thinned.times[gaps - 1] + step) if gaps.size else thinned.times
    extremes = bool((thinned.count > 1).any())
    low, mean, high = (_lists(matrix, gaps, names) for matrix in (thinned.low, thinned.mean, thinned.high))
    for name in WORST_COUNTS.intersection(names):
        mean[name] = high[name]
    return Series(
        entity=entity,
        step=step,
        times=np.round(times, 3).tolist(),
        values=mean,
        lows=low if extremes else {},
        highs=high if extremes else {},
    )


def _lists(matrix: Matrix, gaps: npt.NDArray[np.intp], names: Sequence[str]) -> dict[str, list[float | None]]:
    rounded = np.round(matrix.astype(np.float64), 3)  # float32 has 7 digits: no 12.300000190734863 in JSON
    if gaps.size:
        rounded = np.insert(rounded, gaps, np.nan, axis=0)
    plain = rounded.astype(object)
    plain[np.isnan(rounded)] = None
    return {name: plain[:, index].tolist() for index, name in enumerate(names)}


def pack_row(values: Mapping[str, float | None], columns: Sequence[str]) -> bytes:
    """One sample as little-endian float32, in the order of `columns`; what is missing is NaN."""
    row = [math.nan if (value := values.get(name)) is None else value for name in columns]
    return np.array(row, "<f4").tobytes()


def unpack_rows(times: Sequence[float], blobs: Sequence[bytes], width: int) -> Samples:
    """The inverse of `pack_row` for many rows; rows written with fewer columns are filled with NaN."""
    return Samples(np.array(times, np.float64), _matrix(blobs, [1] * len(blobs), width))


def pack_chunk(samples: Samples, start: float) -> tuple[bytes, bytes]:
    """Samples of an interval that begins at `start`: milliseconds since then (uint32), and the values row by row."""
    offsets = np.round((samples.times - start) * 1000).astype("<u4")
    return offsets.tobytes(), samples.values.astype("<f4").tobytes()


def unpack_chunks(starts: Sequence[float], offsets: Sequence[bytes], blobs: Sequence[bytes], width: int) -> Samples:
    """The inverse of `pack_chunk` for many chunks in the order of time."""
    if not starts:
        return Samples.empty(width)
    lengths = [len(part) // 4 for part in offsets]
    begun = np.repeat(np.array(starts, np.float64), lengths)
    times = begun + np.frombuffer(b"".join(offsets), "<u4") / 1000.0
    return Samples(times, _matrix(blobs, lengths, width))


def pack_rollups(rollup: Rollup, start: float) -> tuple[bytes, bytes]:
    """Intervals of a period that begins at `start`: seconds since then (uint32), and row by row low, mean, high and
    count of the first figure, then of the second, and so on."""
    cells = np.stack((rollup.low, rollup.mean, rollup.high, rollup.count), axis=2)
    return np.round(rollup.times - start).astype("<u4").tobytes(), cells.astype("<f4").tobytes()


def unpack_rollups(starts: Sequence[float], offsets: Sequence[bytes], blobs: Sequence[bytes], width: int) -> Rollup:
    """The inverse of `pack_rollups` for many periods in the order of time."""
    lengths = [len(part) // 4 for part in offsets]
    cells = _matrix(blobs, lengths, width * 4).reshape(sum(lengths), width, 4)
    low, mean, high, count = (cells[:, :, index] for index in range(4))
    times = np.repeat(np.array(starts, np.float64), lengths) + np.frombuffer(b"".join(offsets), "<u4")
    return Rollup(times, low, mean, high, np.nan_to_num(count))


def _matrix(blobs: Sequence[bytes], rows: Sequence[int], width: int) -> Matrix:
    """Blobs of `rows[i]` rows each, as one matrix of `width` columns, cut or filled with NaN."""
    joined = b"".join(blobs)
    total = sum(rows)
    if len(joined) == total * width * 4 and all(len(b) == r * width * 4 for b, r in zip(blobs, rows, strict=True)):
        return np.frombuffer(joined, "<f4").reshape(total, width)
    matrix = np.full((total, width), np.nan, np.float32)
    at = 0
    for blob, count in zip(blobs, rows, strict=True):
        if count:
            part = np.frombuffer(blob, "<f4").reshape(count, -1)
            shared = min(width, part.shape[1])
            matrix[at : at + count, :shared] = part[:, :shared]
        at += count
    return matrix
