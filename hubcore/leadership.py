"""Every process of the dashboard can lead: a thread takes the lease when nobody holds it, and collects meanwhile."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from .errors import HubError
from .lease import Lease

log = logging.getLogger(__name__)

_POLL = 0.05  # seconds between two looks for commands while leading
_RETRY = 0.5  # seconds between two attempts to take the lease


class Leading(Protocol):
    """What a leader runs."""

    def start(self) -> None:
        """Begin; returns at once."""

    @property
    def busy(self) -> bool:
        """Whether it is carrying out a command that a change of leader would interrupt."""

    def poll(self) -> None:
        """Look for commands."""

    def close(self) -> None:
        """End everything within seconds."""


class Candidate:
    """A thread that leads whenever it may. `make` builds what a leader runs, anew for each term."""

    def __init__(self, lease: Lease, make: Callable[[], Leading]) -> None:
        self._lease = lease
        self._make = make
        self._leading: Leading | None = None
        self._stopping = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._working = threading.Thread(target=self._work, name="leader", daemon=True)

    def start(self) -> None:
        """Become a candidate."""
        self._working.start()
        self._renewing.start()

    def close(self) -> None:
        """Stop leading, give the lease back, and stop being a candidate."""
        self._stopping.set()
        self._working.join(15)
        self._renewing.join(5)
        if self._lease.held:
            self._lease.release()

    def _renew(self) -> None:
        # A thread of its own: nothing a leader does may make it miss a renewal, the last moments of a term included.
        while self._working.is_alive():
            if self._stopping.wait(self._lease.ttl / 3 if self._lease.held else _RETRY):
                self._working.join(self._lease.ttl / 3)
                if not self._working.is_alive():
                    return
            try:
                leading = self._leading
                self._lease.acquire(keep=leading is not None and leading.busy)
            except HubError as error:
                log.warning("The lease could not be renewed: %s (%s)", error, error.detail or "no detail")

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn()
            except Exception:
                log.exception("Leading failed; trying again.")
                self._step_down()
                self._stopping.wait(_RETRY)
        self._step_down()

    def _turn(self) -> None:
        if not self._lease.held:
            self._step_down()
        elif self._leading is None:
            log.info("This process collects now.")
            self._leading = self._make()
            self._leading.start()
        else:
            self._leading.poll()
        self._stopping.wait(_POLL)

    def _step_down(self) -> None:
        if self._leading is None:
            return
        try:
            self._leading.close()
        finally:
            self._leading = None
            log.info("This process has stopped collecting.")
