"""Who was refused at a door: told in the audit log and on the pages, each thing once in a while only."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from .adapters.auditlog import AuditLog
from .audit_events import Asking, refused
from .errors import HubError, OriginRefused
from .models import Event
from .notes import Notes

log = logging.getLogger(__name__)

AGAIN_AFTER = 300.0  # seconds in which the same refusal is told once: a page may try every second
MOST = 100  # different refusals told in that time


class Refusals:
    """Safe for threads; its memory is bounded."""

    def __init__(self, notes: Notes, audit: AuditLog, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._notes = notes
        self._audit = audit
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[object, float] = {}
        self._untold = 0

    def note(self, error: HubError, asking: Asking) -> None:
        """Tell of a refusal; does nothing for other errors. Never raises."""
        entry = refused(error, asking)
        if entry is None:
            return
        untold = self._untold_since((entry[0], asking))
        if untold is None:
            return
        event, details = entry
        if untold:
            details["untold"] = untold  # how many others there were meanwhile
        self._audit.record(event, details, user=asking.user, address=asking.address, via=asking.via)
        if isinstance(error, OriginRefused):
            try:
                self._notes.leave(Event(at=time.time(), kind="refusal", level="attention", text=error.text))
            except HubError as trouble:
                log.warning("a refusal could not be shown: %s", trouble)

    def _untold_since(self, key: object) -> int | None:
        """None when this was told a short while ago; else how many refusals were not told since the last that was."""
        now = self._clock()
        with self._lock:
            self._told = {told: at for told, at in self._told.items() if now - at < AGAIN_AFTER}
            if key in self._told or len(self._told) >= MOST:
                self._untold += 1
                return None
            self._told[key] = now
            untold, self._untold = self._untold, 0
            return untold
