"""What the hub answers with."""

from __future__ import annotations

from typing import NamedTuple

from .models import EngineStatus


class View(NamedTuple):
    """A finished answer: JSON bytes, weak entity tag, and when it was published (epoch seconds)."""

    body: bytes
    etag: str
    taken_at: float


class Readiness(NamedTuple):
    """Whether there is something to show. `snapshot_age`: seconds since the last publication."""

    ready: bool
    snapshot_age: float | None
    engine: EngineStatus
    leader: str | None
