"""Since when each service is as it is, and what happened lately. Pure bookkeeping, no lock of its own."""

from __future__ import annotations

from collections.abc import Iterable

from .catalog import Definition
from .models import Condition, Container, ContainerStatus, EngineState, EngineStatus, Event, Text, text

EVENTS_KEPT = 50

_TOLD = {
    Condition.WORKS: ("ok", text("{service} works.")),
    Condition.ATTENTION: ("attention", text("{service} needs attention.")),
    Condition.BROKEN: ("bad", text("{service} does not work.")),
    Condition.STOPPED: ("info", text("{service} is stopped.")),
}


class Journal:
    """Conditions with their beginnings, and the newest events."""

    def __init__(self) -> None:
        self._settled: dict[str, tuple[Condition, float]] = {}
        self._gone: dict[str, float] = {}  # known services the stack does not have → since when
        self._events: list[Event] = []

    @property
    def events(self) -> tuple[Event, ...]:
        """Newest first."""
        return tuple(self._events)

    def seed(self, settled: dict[str, tuple[Condition, float]], events: Iterable[Event]) -> None:
        """Go on from what an earlier leader knew."""
        self._settled = dict(settled)
        self._events = list(events)

    def note(self, event: Event) -> None:
        """Add an event."""
        self._events = [event, *self._events][:EVENTS_KEPT]

    def settle(self, definition: Definition, container: Container | None, condition: Condition, now: float) -> float:
        """Take note of a service's condition and return since when it holds (epoch seconds).

        A passing condition (busy) is not remembered: what held before goes on until the next one settles.
        """
        if not definition.defined and condition != Condition.BUSY:
            # Gone from the stack, which is not the same as stopped; and nothing to tell when it comes back.
            self._settled.pop(definition.name, None)
            return self._gone.setdefault(definition.name, now)
        self._gone.pop(definition.name, None)
        before = self._settled.get(definition.name)
        if before is not None and before[0] == condition:
            return before[1]
        since = _beginning(container, condition, now)
        if condition != Condition.BUSY:
            self._settled[definition.name] = (condition, since)
            self._tell(definition, before[0] if before else None, condition, since)
        return since

    def engine_changed(self, before: EngineState, state: EngineState, now: float) -> None:
        """Tell that the engine went away or came back."""
        if state.status == EngineStatus.UNREACHABLE and before.last_seen is not None:
            words, level = text("Docker stopped answering."), "bad"
        elif state.status == EngineStatus.CONNECTED and before.status == EngineStatus.UNREACHABLE and before.last_seen:
            words, level = text("Docker answers again."), "ok"
        else:
            return
        self.note(Event(at=state.since or now, kind="engine", level=level, text=words))

    def _tell(self, definition: Definition, before: Condition | None, condition: Condition, at: float) -> None:
        # The first look at a service that is well, or was stopped long ago, is no news.
        first_look = before in (None, Condition.UNKNOWN) and condition not in (Condition.BROKEN, Condition.ATTENTION)
        if first_look or condition not in _TOLD:
            return
        level, template = _TOLD[condition]
        words = Text(template=template.template, params={"service": definition.title})
        self.note(Event(at=at, kind="condition", level=level, service=definition.name, text=words))


def _beginning(container: Container | None, condition: Condition, now: float) -> float:
    """When a condition began: a container that has ended says so itself."""
    if container is None or condition not in (Condition.STOPPED, Condition.BROKEN):
        return now
    ended = container.finished_at if container.status == ContainerStatus.EXITED else None
    return ended if ended is not None and ended <= now else now
