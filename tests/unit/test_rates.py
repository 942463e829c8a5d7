"""The figures are those of `docker stats`, and nothing is invented where nothing is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hubcore.rates import RawSample, cpu_percent, figures, resident

GIB = 1024**3
FIRST = RawSample(
    taken_at=100.0, clock_ns=10_000_000_000, cpu_ns=5_000_000_000, memory_usage=GIB, memory_limit=4 * GIB,
    network_rx=10, network_tx=20, block_read=30, block_write=40, pids=7,
)  # fmt: skip


@pytest.mark.parametrize(
    ("cpu_s", "wall_s", "expected"),
    [
        (0.0, 1.0, 0.0),
        (0.5, 1.0, 50.0),
        (2.0, 1.0, 200.0),  # two cores
        (1.0, 3.0, 33.33),  # two decimals
        (1.0, 0.0, None),  # no time passed
        (-1.0, 1.0, None),  # the counter began anew: restarted
        (1.0, -1.0, None),
    ],
)
def test_cpu_from_the_wall_clock(cpu_s: float, wall_s: float, expected: float | None) -> None:
    later = replace(FIRST, clock_ns=FIRST.clock_ns + int(wall_s * 1e9), cpu_ns=FIRST.cpu_ns + int(cpu_s * 1e9))
    assert cpu_percent(FIRST, later) == expected


def test_cpu_from_the_systems_time_is_dockers_formula() -> None:
    before = replace(FIRST, system_ns=100_000_000_000, online_cpus=4)
    # 4 CPUs for 2 s are 8 s of system time; 1 s used is half a core. The wall clock would say something else.
    after = replace(
        before, system_ns=108_000_000_000, cpu_ns=before.cpu_ns + 1_000_000_000, clock_ns=before.clock_ns + 1
    )
    assert cpu_percent(before, after) == 50.0


def test_no_cpu_figure_when_the_systems_time_stands_still() -> None:
    before = replace(FIRST, system_ns=100)
    assert cpu_percent(before, replace(before, cpu_ns=before.cpu_ns + 1, clock_ns=before.clock_ns + 10)) is None


def test_first_sample_has_everything_but_cpu() -> None:
    found = figures(None, FIRST, 16 * GIB, "cgroup")
    assert found.cpu_percent is None
    assert (found.memory_usage, found.memory_limit, found.memory_percent) == (GIB, 4 * GIB, 25.0)
    assert (found.network_rx, found.network_tx, found.block_read, found.block_write) == (10, 20, 30, 40)
    assert (found.pids, found.source, found.taken_at) == (7, "cgroup", 100.0)


@pytest.mark.parametrize("limit", [None, 0, 64 * GIB])
def test_without_a_limit_of_its_own_the_machine_is_the_limit(limit: int | None) -> None:
    found = figures(None, replace(FIRST, memory_limit=limit), 16 * GIB, "engine")
    assert (found.memory_limit, found.memory_percent) == (16 * GIB, 6.25)


def test_no_percentage_of_an_unknown_limit() -> None:
    assert figures(None, replace(FIRST, memory_limit=None), 0, "cgroup").memory_percent == 0.0


def test_memory_never_exceeds_a_hundred_percent() -> None:
    assert figures(None, replace(FIRST, memory_usage=5 * GIB), 16 * GIB, "cgroup").memory_percent == 100.0


@pytest.mark.parametrize(("usage", "inactive", "expected"), [(100, 30, 70), (100, 0, 100), (100, 100, 100), (5, 9, 5)])
def test_cache_that_can_be_dropped_is_not_in_use(usage: int, inactive: int, expected: int) -> None:
    assert resident(usage, inactive) == expected
