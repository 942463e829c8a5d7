"""Which service names the routes accept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hubcore.errors import NotReady, UnknownService
from hubcore.models import ServiceState, Snapshot, text
from hubcore.presets import PRESETS

if TYPE_CHECKING:
    from hubcore.hub import Hub

FIRST_SNAPSHOT = 5.0  # seconds a request waits for the first publication after a fresh start


def known_service(hub: Hub, name: str) -> ServiceState | None:
    """The state of a service; None for one of the 13 known names that nothing was ever seen of.

    Raises UnknownService, and NotReady when nothing was published yet and the name is not one of the 13.
    """
    snapshot = hub.snapshot()
    if snapshot is None and name not in PRESETS:
        snapshot = _first_snapshot(hub)
    state = snapshot.services.get(name) if snapshot is not None else None
    if state is None and name not in PRESETS:
        raise UnknownService(name)
    return state


def _first_snapshot(hub: Hub) -> Snapshot:
    deadline = time.monotonic() + FIRST_SNAPSHOT
    seen = hub.version()
    while (snapshot := hub.snapshot()) is None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotReady(text("Nothing has been collected yet."), remedy=text("Try again in a few seconds."))
        seen = hub.wait(seen, left)
    return snapshot
