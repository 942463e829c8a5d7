"""Log lines of a service: the newest ones as JSON, or a live stream as Server-Sent Events.

The stream's format is the legacy one, `data: <line>` and a blank line, which is also that of the HTML standard's
“Server-sent events”. Comment lines keep the connection alive and tell a gone client from a quiet service.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hubcore.errors import EngineUnavailable, HubError, NoContainer
from hubcore.models import ContainerStatus, EngineStatus, LogLine, ServiceState, text
from hubcore.roles import Role
from hubcore.views_text import clean, plain

from .call import Answer, Call, json_answer
from .errors import spoken
from .registry import known_service
from .route import Route
from .schemas import docs
from .slots import Slots

if TYPE_CHECKING:
    from hubcore.hub import Hub

log = logging.getLogger(__name__)

FOLLOWERS = 40  # open streams, each holds a thread
READERS = 16  # log reads at once, each waits for Docker in a thread
DEFAULT_LINES = 100
FEWER_LINES = 50  # at the older address
MOST_LINES = 5000
_NUMBER = re.compile(r"[+-]?[0-9]+")


def wanted_lines(raw: str | None, default: int = DEFAULT_LINES) -> int:
    """How many lines: `default` unless a number is given; at most 5000, also for a negative number (once “all”)."""
    if raw is None or not _NUMBER.fullmatch(raw.strip()):
        return default
    number = int(raw.strip()[:12])
    return MOST_LINES if number < 0 else min(number, MOST_LINES)


def wants_follow(raw: str | None) -> bool:
    """Whether to stream: only for `true` and `1`."""
    return (raw or "").strip().lower() in ("true", "1")


class EventStream:
    """Server-Sent Events from a follower; `close` (also called when the client has gone) frees the slot, once.

    `lines` yields log lines and, in silence, None. `explain` puts an error into the client's language.
    """

    def __init__(
        self, lines: Iterator[LogLine | None], release: Callable[[], None], explain: Callable[[HubError], str]
    ) -> None:
        self._lines = lines
        self._release = release
        self._explain = explain
        self._opened = False
        self._ended = False

    def __iter__(self) -> EventStream:
        return self

    def __next__(self) -> bytes:
        if not self._opened:
            self._opened = True
            return b": connected\n\n"  # sends the headers before the first line is there
        if self._ended:
            self.close()
            raise StopIteration
        try:
            line = next(self._lines)
        except StopIteration:
            return self._last("end", "")
        except HubError as error:
            return self._last("error", self._explain(error))
        except Exception:
            self.close()
            raise
        return b": \n\n" if line is None else _event(line.legacy())

    def _last(self, event: str, data: str) -> bytes:
        self.close()  # not only at the next call: a client that keeps the connection must not keep the slot
        return f"event: {event}\n".encode() + _event(data)

    def close(self) -> None:
        """Stop following and free the slot."""
        self._ended = True
        try:
            closing = getattr(self._lines, "close", None)
            if closing is not None:
                closing()
        finally:
            self._release()

    def __del__(self) -> None:
        # A server that drops the iterable without closing it must not keep the slot.
        self._release()


def _event(data: str) -> bytes:
    return b"data: " + clean(data).replace("\n", " ").encode() + b"\n\n"


class Streams:
    """Handlers for log lines."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        later = text("Close one of them, or try again in a moment.")
        self.followers = Slots(FOLLOWERS, text("Too many logs are being followed at once."), later)
        self.readers = Slots(READERS, text("Too many logs are being read at once."), later)

    def routes(self) -> list[Route]:
        """The addresses answered here."""
        return [
            Route("GET", "/api/service/<name>/logs/stream", self.logs, Role.VIEWER, docs.LOG_STREAM),
            Route("GET", "/api/logs/<name>", self.fewer, Role.VIEWER, docs.LOGS),
        ]

    def logs(self, call: Call, name: str) -> Answer:
        """GET /api/service/{name}/logs/stream?lines=100&follow=false"""
        return self._lines(call, name, DEFAULT_LINES)

    def fewer(self, call: Call, name: str) -> Answer:
        """GET /api/logs/{name}?lines=50&follow=false"""
        return self._lines(call, name, FEWER_LINES)

    def _lines(self, call: Call, name: str, default: int) -> Answer:
        state = known_service(self._hub, name)
        lines = wanted_lines(call.query("lines"), default)
        self._require_container(name, state)  # once a stream has begun, the status code is spent
        if wants_follow(call.query("follow")):
            return self._follow(call, name, lines)
        with self.readers.hold():
            found = self._hub.logs(name, lines) if lines else []
        container = state.container.name if state and state.container else state.container_name if state else name
        # The lines are the service's own words: unlike names and errors they are not altered.
        return json_answer({"logs": [clean(line.legacy()) for line in found], "container": plain(container)})

    def _follow(self, call: Call, name: str, lines: int) -> Answer:
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
        if call.method == "HEAD":
            return Answer(200, b"", headers)
        release = self.followers.take()
        try:
            follower = self._hub.follow_logs(name, lines)
        except BaseException:
            release()
            raise
        stream = EventStream(follower, release, lambda error: spoken(call, error.text, error.remedy))
        return Answer(200, stream, headers)

    def _require_container(self, name: str, state: ServiceState | None) -> None:
        snapshot = self._hub.snapshot()
        if snapshot is not None and snapshot.engine.status == EngineStatus.UNREACHABLE:
            reason = snapshot.engine.reason or text("The Docker engine cannot be reached.")
            raise EngineUnavailable(reason, remedy=snapshot.engine.remedy)
        if state is None or state.container_status == ContainerStatus.NOT_FOUND:
            raise NoContainer(name)
