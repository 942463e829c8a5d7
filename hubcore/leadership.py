"""Every process of the dashboard can lead: a thread takes the lease when nobody holds it, and collects meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from .errors import HubError
from .lease import Lease
from .log import Trouble

log = logging.getLogger(__name__)

_POLL = 0.05  # seconds between two looks for commands while leading
_RETRY = 0.5  # seconds between two attempts to take the lease
_STUCK_AFTER = 60.0  # seconds one turn may take; the end of a term takes up to 30
_LONGEST_REST = 30.0  # seconds a process that cannot lead waits until it tries again


class Leading(Protocol):
    """What a leader runs."""

    def start(self) -> None:
        """Begin; returns at once."""

    @property
    def busy(self) -> bool:
        """Whether it is carrying out a command that a change of leader would interrupt."""

    def poll(self) -> None:
        """Look for commands."""

    def is_well(self) -> bool:
        """Whether what runs beside moves on."""

    def close(self) -> None:
        """End everything within seconds."""


class Candidate:
    """A thread that leads whenever it may. `make` builds what a leader runs, anew for each term.

    Nothing that goes wrong ends its threads. A process that cannot lead lets others do it, and tries again later.
    """

    def __init__(self, lease: Lease, make: Callable[[], Leading]) -> None:
        self._lease = lease
        self._make = make
        self._leading: Leading | None = None
        self._failures = 0  # terms in a row that could not begin or broke off
        self._resting = False
        self._no_lease, self._no_commands = Trouble(log), Trouble(log)
        self._stopping = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._working = threading.Thread(target=self._work, name="leader", daemon=True)
        self.turned_at = time.monotonic()

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
            self._release()

    def is_well(self) -> bool:
        """Whether the thread that leads moves on, and what it runs."""
        leading = self._leading
        moves = time.monotonic() - self.turned_at < _STUCK_AFTER
        return moves and (leading is None or leading.is_well())

    def _renew(self) -> None:
        # A thread of its own: nothing a leader does may make it miss a renewal, the last moments of a term included.
        while self._working.is_alive():
            if self._stopping.wait(self._lease.ttl / 3 if self._lease.held else _RETRY):
                self._working.join(self._lease.ttl / 3)
                if not self._working.is_alive():
                    return
            try:
                leading = self._leading
                if not self._resting:
                    self._lease.acquire(keep=leading is not None and leading.busy)
                self._no_lease.over()
            except Exception as error:
                self._no_lease.tell("The lease could not be renewed", error)

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn()
            except Exception:
                self._failures += 1
                delay = min(_RETRY * 2**self._failures, _LONGEST_REST)
                log.exception("Leading failed; trying again in %.0f s.", delay)
                self._rest(delay)
        self._step_down()

    def _turn(self) -> None:
        self.turned_at = time.monotonic()
        if not self._lease.held:
            self._step_down()
        elif self._leading is None:
            log.info("This process collects now.")
            self._leading = self._make()
            self._leading.start()
        else:
            try:
                self._leading.poll()
                self._failures = 0
                self._no_commands.over()
            except HubError as error:  # the store, for a moment; collecting goes on meanwhile
                self._no_commands.tell("Commands could not be looked for", error)
                self._stopping.wait(_RETRY)
        self._stopping.wait(_POLL)

    def _rest(self, delay: float) -> None:
        """Let another process lead for a while."""
        self._resting = True
        try:
            self._step_down()
            self._release()
            until = time.monotonic() + delay
            while time.monotonic() < until and not self._stopping.wait(_POLL):
                self.turned_at = time.monotonic()
        finally:
            self._resting = False

    def _release(self) -> None:
        try:
            self._lease.release()
        except Exception as error:
            self._no_lease.tell("The lease could not be given back; it runs out by itself", error)

    def _step_down(self) -> None:
        leading, self._leading = self._leading, None
        if leading is None:
            return
        try:
            leading.close()
        except Exception:
            log.exception("Collecting could not be ended in order.")
        log.info("This process has stopped collecting.")
