"""Series for small pictures, read from the history now and then instead of at every drawing.

A page draws itself once a second; a strip of 24 hours does not change in that time. Values are kept for a while, shared
by all sessions of the process, and bounded in number.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import lru_cache

from hubcore.hub import Hub
from hubcore.models import Series

from .svg import ATTENTION, BROKEN, STOPPED, WORKS

HOUR, DAY = 3600.0, 86400.0
_LIMIT = 400
_RANK: dict[float | None, int] = {None: -1, WORKS: 0, STOPPED: 1, ATTENTION: 2, BROKEN: 3}
_kept: dict[tuple[object, ...], tuple[float, float, Series]] = {}
_lock = threading.Lock()


def series(
    hub: Hub, entity: str, names: Sequence[str], span: float, points: int, keep: float
) -> tuple[float, float, Series]:
    """The figures `names` of `entity` over the last `span` seconds, at most `keep` seconds old; with start and end."""
    key = (id(hub), entity, tuple(names), span, points)
    end = time.time()
    with _lock:
        found = _kept.get(key)
    if found is not None and 0 <= end - found[1] < keep:
        return found
    fresh = (end - span, end, hub.series(entity, names, end - span, end, points))
    with _lock:
        if len(_kept) >= _LIMIT:
            _kept.clear()
        _kept[key] = fresh
    return fresh


def on_grid(found: Series, name: str, start: float, end: float, bins: int) -> list[float | None]:
    """A figure in equal parts of a period; None where nothing was measured. Of conditions the worst counts."""
    result: list[float | None] = [None] * bins
    width = (end - start) / bins
    for at, value in zip(found.times, found.values.get(name, ()), strict=False):
        if value is None:
            continue
        first, last = int((at - start) / width), int((at + max(found.step, 0.001) - 0.001 - start) / width)
        for place in range(max(first, 0), min(last, bins - 1) + 1):
            known = result[place]
            if name != "condition":
                result[place] = value
            elif _RANK.get(round(value), 0) > _RANK.get(known, 0) or known is None:
                result[place] = float(round(value))
    return result


def trend(hub: Hub, entity: str, name: str) -> list[float | None]:
    """One figure over the last hour, for a small line."""
    start, end, found = series(hub, entity, (name,), HOUR, 60, 10.0)
    return on_grid(found, name, start, end, 60)


def share_working(hub: Hub, service: str) -> float | None:
    """The share of the last 24 hours, as far as known, in which a service worked; percent. Exact to a minute."""
    _, _, found = series(hub, service, ("condition",), DAY, 1440, 30.0)
    known = [round(value) for value in found.values.get("condition", ()) if value is not None]
    return 100.0 * known.count(WORKS) / len(known) if known else None


def conditions(hub: Hub, service: str) -> tuple[float | None, ...]:
    """What state a service was in over the last 24 hours, minute by minute; the worst of each minute."""
    start, end, found = series(hub, service, ("condition",), DAY, 1440, 30.0)
    return _minutes(_Same(found), start, end)


class _Same:
    """A series that equals itself only: `lru_cache` asks for hashes, and looking at all values takes longer."""

    def __init__(self, found: Series) -> None:
        self.found = found

    def __hash__(self) -> int:
        return id(self.found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.found is self.found


@lru_cache(maxsize=_LIMIT)
def _minutes(same: _Same, start: float, end: float) -> tuple[float | None, ...]:
    return tuple(on_grid(same.found, "condition", start, end, 1440))
