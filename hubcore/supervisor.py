"""Keeps the dashboard's programs running: starts them, starts one again that died, and stops them all at the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

log = logging.getLogger(__name__)

FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0
SETTLED_AFTER = 30.0  # seconds after which a program counts as running well
GRACE = 10.0  # seconds to end by itself: the collector finishes what it is doing
TICK = 0.05
HOPELESS_CODES = frozenset({2, 3})  # a setting is wrong, or the port taken: starting again would end the same way
ASK_EVERY = 5.0  # seconds between two looks whether the programs still work
HUNG_AFTER = 30.0  # seconds without an answer after which a program is started again
FIRST_ANSWER = 300.0  # seconds it has until its first answer: the start may be slow
EARLY_DEATHS = 4  # so many before the first answer, and the start has failed


class Process(Protocol):
    """A started program."""

    started_at: float

    @property
    def pid(self) -> int:
        """Its process id."""

    def exit_code(self) -> int | None:
        """How it ended, or None while it runs."""

    def end(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it at once."""


def next_delay(previous: float | None, lived: float) -> float:
    """Seconds to wait before a program is started again that lived for `lived` seconds; `previous`: the wait before."""
    if previous is None or lived >= SETTLED_AFTER:
        return FIRST_DELAY
    return min(previous * 2, LONGEST_DELAY)


@dataclass
class Program:
    """One program to keep running. `start` starts it.

    `answers` tells whether it has started, `lives`, asked every few seconds from a thread, whether it still works; None
    where nothing can tell.
    """

    name: str
    start: Callable[[], Process]
    answers: Callable[[], bool] | None = None
    lives: Callable[[], bool] | None = None
    process: Process | None = None
    silent: float = 0.0  # seconds it was asked in vain
    has_lived: bool = False  # whether this process has answered yet
    delay: float | None = None
    due: float = 0.0
    deaths: int = 0
    ready: bool = field(default=False)

    @property
    def hangs(self) -> bool:
        """Whether it has not answered for so long that it never will."""
        return self.silent >= (HUNG_AFTER if self.has_lived else FIRST_ANSWER)


class Supervisor:
    """Runs programs until told to stop. `run` belongs to the main thread, `stop` may be called by a signal handler."""

    def __init__(self, programs: Sequence[Program], on_ready: Callable[[], None]) -> None:
        """`on_ready` is called once, when all programs answer for the first time."""
        self._programs = list(programs)
        self._on_ready = on_ready
        self._stops = 0
        self._watching = threading.Thread(target=self._watch, name="watch", daemon=True)

    def stop(self) -> None:
        """End all programs; the second call ends them at once."""
        self._stops += 1  # nothing but this: a signal handler may not wait for a lock

    def run(self) -> bool:
        """Start, watch, and in the end stop everything. False when the start failed."""
        ready = failed = False
        self._watching.start()
        try:
            while not self._stops and not failed:
                for program in self._programs:
                    failed = self._keep(program, started=ready) or failed
                if not ready and not failed and all(self._is_ready(program) for program in self._programs):
                    ready = True
                    self._on_ready()
                time.sleep(TICK)
        finally:
            self._end_all()
        return not failed

    def _keep(self, program: Program, *, started: bool) -> bool:
        """Start what is due, notice what has died. True when there is no hope before the dashboard ever ran."""
        now = time.monotonic()
        process = program.process
        if process is None:
            if now < program.due:
                return False
            try:
                program.silent, program.has_lived = 0.0, False
                program.process = program.start()
            except OSError as error:
                return self._died(program, str(error), 0.0, started)
            log.debug("%s started, process %s", program.name, program.process.pid)
            return False
        code = process.exit_code()
        if code is None and not program.hangs:
            return False
        process.kill()  # what it started may have outlived it
        how = f"no answer for {program.silent:.0f} s" if code is None else f"exit code {code}"
        hopeless = self._died(program, how, now - process.started_at, started)
        return hopeless or (not started and code in HOPELESS_CODES)

    def _watch(self) -> None:
        """Ask all programs now and then. Only time in which this process ran is counted, not a suspended machine's."""
        asked = dict.fromkeys((program.name for program in self._programs), time.monotonic())
        while not self._stops:
            time.sleep(ASK_EVERY)
            for program in self._programs:
                process = program.process
                if process is None or program.lives is None:
                    continue
                lives = program.lives()
                now = time.monotonic()
                passed, asked[program.name] = min(now - asked[program.name], 2 * ASK_EVERY), now
                if program.process is process:  # still the one that was asked
                    program.has_lived = program.has_lived or lives
                    program.silent = 0.0 if lives else program.silent + passed

    def _died(self, program: Program, how: str, lived: float, started: bool) -> bool:
        program.process = None
        program.delay = next_delay(program.delay, lived)
        program.due = time.monotonic() + program.delay
        program.deaths += 1
        log.warning("%s ended (%s), starting it again in %.1f s", program.name, how, program.delay)
        return not started and program.deaths >= EARLY_DEATHS

    def _is_ready(self, program: Program) -> bool:
        if program.process is None:
            return False
        if not program.ready:
            program.ready = program.answers is None or program.answers()
        return program.ready

    def _end_all(self) -> None:
        """Ask all to end, wait, and end by force those that do not."""
        running = [program.process for program in self._programs if program.process is not None]
        for process in running:
            process.end()
        deadline = time.monotonic() + GRACE
        while self._stops < 2 and time.monotonic() < deadline and any(p.exit_code() is None for p in running):
            time.sleep(TICK)
        for process in running:
            process.kill()
