"""Timing of two ways to do the same thing, in turns, so that a busy machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

QUICK = 10  # of the runs, the quickest tenth counts: the rest shows what else the machine was doing


class Result(NamedTuple):
    """Seconds of our way and of the other one."""

    name: str
    ours: float
    other: float | None = None
    other_name: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times longer the other way takes."""
        return self.other / self.ours if self.other is not None else None


def measure(action: Callable[[], object], times: int) -> float:
    """Seconds of one call."""
    return quick([_timed(action) for _ in range(times)])


def quick(seconds: list[float]) -> float:
    """The time that the quickest tenth of the runs stayed below."""
    return statistics.quantiles(seconds, n=QUICK)[0]


def compare(
    name: str, ours: Callable[[], object], other_name: str, other: Callable[[], object], *, times: int, rounds: int = 5
) -> Result:
    """Both ways `times` times, in `rounds` alternating rounds."""
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        mine += [_timed(ours) for _ in range(times // rounds)]
        theirs += [_timed(other) for _ in range(times // rounds)]
    return Result(name, quick(mine), quick(theirs), other_name)


def _timed(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun
