"""Arithmetic of the history: packing, rolling up, thinning."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubcore import series
from hubcore.series import Rollup, Samples

NAMES = ("cpu_percent", "condition")


def samples(times: list[float], *columns: list[float]) -> Samples:
    return Samples(np.array(times, np.float64), np.array(columns, np.float32).T.reshape(len(times), len(columns)))


def drawn(times: list[float], values: list[float], points: int = 300, period: float | None = None):
    data = samples(times, values, [0.0] * len(values))
    return series.to_series("db", NAMES, Rollup.of(data), period or times[-1] - times[0], points, 5.0)


def test_few_samples_are_drawn_as_they_are() -> None:
    result = drawn([1000.0, 1005.0, 1010.0], [1.0, math.nan, 3.0])
    assert result.times == [1000.0, 1005.0, 1010.0]
    assert result.values["cpu_percent"] == [1.0, None, 3.0]
    assert result.lows == {}
    assert result.step == 5.0


def test_extremes_survive_thinning() -> None:
    times = [1000.0 + 5 * i for i in range(17280)]
    values = [10.0] * len(times)
    values[7777], values[9999] = 99.0, 1.0
    result = drawn(times, values, points=300)
    assert len(result.times) <= 301
    assert max(v for v in result.highs["cpu_percent"] if v is not None) == 99.0
    assert min(v for v in result.lows["cpu_percent"] if v is not None) == 1.0
    assert all(9.5 < v < 12 for v in result.values["cpu_percent"] if v is not None)
    assert None not in result.values["cpu_percent"]


def test_mean_is_weighted_by_the_number_of_values() -> None:
    first = series.reduce(Rollup.of(samples([0.0, 5.0, 10.0], [1.0, 1.0, 1.0])), 300)
    second = series.reduce(Rollup.of(samples([300.0], [5.0])), 300)
    joined = series.reduce(first.then(second), 600)
    assert joined.mean[0, 0] == pytest.approx(2.0)
    assert (joined.low[0, 0], joined.high[0, 0], joined.count[0, 0]) == (1.0, 5.0, 4.0)


def test_condition_shows_the_worst_of_an_interval() -> None:
    times = [5.0 * i for i in range(100)]
    condition = [0.0] * 100
    condition[42] = 2.0
    data = Rollup.of(samples(times, [1.0] * 100, condition))
    result = series.to_series("db", NAMES, data, 495.0, 10, 5.0)
    assert max(v for v in result.values["condition"] if v is not None) == 2.0
    assert set(result.values["condition"]) == {0.0, 2.0}


@pytest.mark.parametrize(("pause", "gap"), [(5.0, False), (15.0, False), (16.0, True), (3600.0, True)])
def test_a_gap_is_more_than_three_intervals(pause: float, gap: bool) -> None:
    times = [1000.0 + 5 * i for i in range(20)]
    times += [times[-1] + pause + 5 * i for i in range(20)]
    result = drawn(times, [1.0] * 40)
    assert (None in result.values["cpu_percent"]) is gap
    assert result.values["cpu_percent"].count(None) == int(gap)
    assert result.times == sorted(result.times)


def test_a_gap_is_kept_when_thinned() -> None:
    times = [5.0 * i for i in range(1000)] + [100_000 + 5.0 * i for i in range(1000)]
    result = drawn(times, [1.0] * 2000, points=100)
    assert result.values["cpu_percent"].count(None) == 1
    at = result.values["cpu_percent"].index(None)
    assert 5000 <= result.times[at] <= 100_000


def test_thinned_intervals_do_not_move_between_refreshes() -> None:
    times = [1000.0 + 5 * i for i in range(2000)]
    early = drawn(times[:-10], [float(i % 7) for i in range(1990)], points=50, period=9000)
    late = drawn(times[10:], [float(i % 7) for i in range(10, 2000)], points=50, period=9000)
    shared = sorted(set(early.times[1:-1]) & set(late.times[1:-1]))
    assert len(shared) > 40
    before = dict(zip(early.times, early.values["cpu_percent"], strict=True))
    after = dict(zip(late.times, late.values["cpu_percent"], strict=True))
    assert [before[t] for t in shared] == [after[t] for t in shared]


def test_interval_follows_slower_sampling_and_ignores_jitter() -> None:
    jitter = np.cumsum([5 + random.uniform(-0.2, 0.2) for _ in range(100)])
    assert series.interval_of(jitter, 5.0) == 5.0
    assert series.interval_of(np.arange(10) * 60.0, 5.0) == 60.0
    assert series.interval_of(np.array([1.0]), 5.0) == 5.0


def test_ordered_keeps_the_later_written_of_two() -> None:
    result = samples([10.0, 5.0, 10.0], [1.0, 2.0, 3.0]).ordered()
    assert result.times.tolist() == [5.0, 10.0]
    assert result.values[:, 0].tolist() == [2.0, 3.0]


def test_rows_with_fewer_columns_are_filled() -> None:
    old, new = series.pack_row({"a": 1.0}, ("a",)), series.pack_row({"a": 2.0, "b": 3.0}, ("a", "b"))
    result = series.unpack_rows([1.0, 2.0], [old, new], 2)
    assert result.values[1].tolist() == [2.0, 3.0]
    assert result.values[0, 0] == 1.0
    assert math.isnan(result.values[0, 1])


def test_rows_with_more_columns_are_cut() -> None:
    newer = series.pack_row({"a": 2.0, "b": 3.0}, ("a", "b"))
    assert series.unpack_rows([1.0], [newer], 1).values.tolist() == [[2.0]]


floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(st.integers(0, 299_999), floats, floats), min_size=1, unique_by=lambda row: row[0]))
def test_chunks_come_back_as_they_were(rows: list[tuple[int, float, float]]) -> None:
    rows.sort()
    start = 1_700_000_100.0
    data = samples([start + ms / 1000 for ms, _, _ in rows], [a for _, a, _ in rows], [b for _, _, b in rows])
    times, blob = series.pack_chunk(data, start)
    back = series.unpack_chunks([start], [times], [blob], 2)
    assert np.allclose(back.times, data.times, atol=0.0005, rtol=0)
    assert np.array_equal(back.values, data.values)


@given(
    st.lists(st.floats(0, 100, width=32) | st.just(math.nan), min_size=1, max_size=200),
    st.sampled_from([10.0, 60.0, 300.0]),
)
def test_reduce_loses_no_extreme_and_no_value(values: list[float], step: float) -> None:
    data = Rollup.of(samples([5.0 * i for i in range(len(values))], values))
    result = series.reduce(data, step)
    known = [v for v in values if not math.isnan(v)]
    assert result.count.sum() == len(known)
    if known:
        assert np.nanmin(result.low) == np.float32(min(known))
        assert np.nanmax(result.high) == np.float32(max(known))
        total = np.nansum(result.mean.astype(np.float64) * result.count)
        assert total == pytest.approx(math.fsum(known), rel=1e-4, abs=1e-3)
    times, packed = series.pack_rollups(result, 0.0)
    back = series.unpack_rollups([0.0], [times], [packed], 1)
    assert np.array_equal(back.times, result.times)
    assert np.array_equal(back.high, result.high, equal_nan=True)
    assert np.array_equal(back.count, result.count)
