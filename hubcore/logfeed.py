"""Log lines for pages: followers in the background with a buffer in memory, shared by all sessions of a process."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from .adapters.engine import Engine
from .errors import HubError
from .models import LogLine, Text

log = logging.getLogger(__name__)

BUFFER_LINES = 5000
_FIRST_LINES = 2000
_IDLE = 60.0  # seconds after which a follower nobody looks at ends
_RETRY = 2.0


class LogTail:
    """The newest lines of one service. `state`: connecting, live, ended (the container stopped), failed."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.state = "connecting"
        self.problem: Text | None = None
        self.version = 0
        self._lines: deque[LogLine] = deque(maxlen=BUFFER_LINES)
        self._touched = time.monotonic()
        self._lock = threading.Lock()

    def lines(self) -> list[LogLine]:
        """Up to 5000 lines, oldest first."""
        self.touch()
        with self._lock:
            return list(self._lines)

    def touch(self) -> None:
        """Somebody still looks at it."""
        self._touched = time.monotonic()

    @property
    def idle(self) -> bool:
        """Whether nobody has looked at it for a while."""
        return time.monotonic() - self._touched > _IDLE

    def add(self, line: LogLine) -> None:
        """A new line."""
        with self._lock:
            self._lines.append(line)
            self.version += 1

    def newest_stamp(self) -> str:
        """Time of the newest line as the engine gave it; empty without one."""
        with self._lock:
            return self._lines[-1].stamp if self._lines else ""

    def set_state(self, state: str, problem: Text | None = None) -> None:
        """What the follower is doing now."""
        with self._lock:
            self.state, self.problem = state, problem
            self.version += 1


class LogFeed:
    """All followers of this process. `container_of` names the container of a service or raises HubError."""

    def __init__(self, engine: Engine, container_of: Callable[[str], str]) -> None:
        self._engine = engine
        self._container_of = container_of
        self._tails: dict[str, LogTail] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def tail(self, service: str) -> LogTail:
        """The buffer of a service; its follower is started if none runs. Returns at once."""
        with self._lock:
            tail = self._tails.get(service)
            if tail is None:
                tail = self._tails[service] = LogTail(service)
                threading.Thread(target=self._follow, args=(tail,), name=f"log-{service}", daemon=True).start()
            tail.touch()
            return tail

    def close(self) -> None:
        """End all followers within seconds."""
        self._stopping.set()

    def _follow(self, tail: LogTail) -> None:
        while not self._stopping.is_set() and not tail.idle:
            try:
                self._read(tail)
            except HubError as error:
                tail.set_state("failed", error.text)
            except Exception:
                log.exception("Following the log of %s failed unexpectedly.", tail.service)
                tail.set_state("failed")
            self._stopping.wait(_RETRY)
        with self._lock:
            self._tails.pop(tail.service, None)

    def _read(self, tail: LogTail) -> None:
        container = self._container_of(tail.service)
        seen = tail.newest_stamp()
        with self._engine.follow(container, lines=_FIRST_LINES, heartbeat=1.0) as stream:
            if tail.state != "live":
                tail.set_state("live")
            for line in stream:
                if self._stopping.is_set() or tail.idle:
                    return
                # After a reconnection the engine tells the same lines again. Stamps are of one width, so text compares.
                if line is not None and (not line.stamp or line.stamp > seen):
                    tail.add(line)
        tail.set_state("ended")
