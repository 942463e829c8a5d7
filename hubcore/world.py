"""The world as the leader knows it: observations are folded in, a snapshot comes out.

No I/O and no threads of its own; one lock makes it safe to feed from several. `changed(urgent)` is called after each
observation, so that the publisher knows whether readers should hear of it at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping

from .catalog import Definition
from .health import Facts, judge
from .journal import Journal
from .models import (
    Condition,
    Container,
    ContainerStatus,
    EngineState,
    EngineStatus,
    Event,
    Figures,
    Health,
    HostFigures,
    ServiceState,
    Snapshot,
    StackInfo,
    Text,
)
from .service_view import Observed, docker_block, service_state, with_dependents

_UNASKED = Health()
_ALIVE = (ContainerStatus.RUNNING, ContainerStatus.PAUSED)


class World:
    """Everything observed. `host_name`: where published ports are reachable, for the links of the pages."""

    def __init__(self, *, host_name: str = "localhost", clock: Callable[[], float] = time.time) -> None:
        self.changed: Callable[[bool], None] = lambda _: None  # nobody listens yet
        self._clock = clock
        self._host_name = host_name
        self._lock = threading.RLock()
        self._generation = 0
        self._last = Snapshot()
        self._refresh_token: str | None = None
        self._engine = EngineState()
        self._stack = StackInfo()
        self._host: HostFigures | None = None
        self._listed_at: float | None = None
        self._containers: dict[str, Container] = {}
        self._stopped_on_purpose: set[str] = set()
        self._definitions: dict[str, Definition] = {}
        self._natives: dict[str, int | None] = {}  # service → process id of the program that answers
        self._health: dict[str, Health] = {}
        self._figures: dict[str, Figures] = {}
        self._active: dict[str, str] = {}
        self._own_problems: dict[str, Text | None] = {}
        self._journal = Journal()

    # --- observations

    def seed(self, snapshot: Snapshot) -> None:
        """Start from what an earlier leader published, so that nothing already known is lost."""
        with self._lock:
            settled: dict[str, tuple[Condition, float]] = {
                name: (state.condition, state.since)
                for name, state in snapshot.services.items()
                if state.condition != Condition.BUSY and state.since is not None
            }
            self._journal.seed(settled, snapshot.events)
            self._generation = snapshot.generation
            self._engine = snapshot.engine.model_copy(update={"status": EngineStatus.CONNECTING})
            self._host = snapshot.host
            self._listed_at, self._stack = snapshot.docker.taken_at, snapshot.stack
            for name, state in snapshot.services.items():
                self._health[name] = state.health
                if state.figures is not None:
                    self._figures[name] = state.figures
                if state.container is not None:
                    self._containers[state.container.id] = state.container
                    if state.condition == Condition.STOPPED and state.container.exit_code not in (None, 0, 143):
                        self._stopped_on_purpose.add(state.container.id)

    def set_engine(self, state: EngineState) -> None:
        """A new state of the connection to the engine."""
        with self._lock:
            before = self._engine
            if before.status == state.status and before.reason == state.reason:
                state = state.model_copy(update={"since": before.since})
            self._engine = state
            if state.status != before.status:
                self._journal.engine_changed(before, state, self._clock())
        self.changed(state.status != before.status)

    def set_containers(self, containers: Iterable[Container]) -> None:
        """The full list of the engine's containers; details already known are kept where the state is the same."""
        with self._lock:
            self._containers = {c.id: c for c in containers}
            self._stopped_on_purpose &= self._containers.keys()
            self._listed_at = self._clock()
        self.changed(True)

    def set_container(self, container: Container) -> None:
        """One container was inspected anew; a running one forgets that it was ever stopped on purpose."""
        with self._lock:
            before = self._containers.get(container.id)
            self._containers[container.id] = container
            if container.status in _ALIVE:
                self._stopped_on_purpose.discard(container.id)
            if before is None or (before.started_at, before.status) != (container.started_at, container.status):
                self._forget_check(container)
        self.changed(True)

    def remove_container(self, container_id: str) -> None:
        """A container is gone."""
        with self._lock:
            self._containers.pop(container_id, None)
            self._stopped_on_purpose.discard(container_id)
        self.changed(True)

    def mark_stopped_on_purpose(self, container_id: str) -> None:
        """The engine reported an orderly stop (not a kill, not an exit of its own)."""
        with self._lock:
            self._stopped_on_purpose.add(container_id)
        self.changed(True)

    def set_definitions(self, definitions: Mapping[str, Definition], stack: StackInfo) -> None:
        """The services of the stack as they are now."""
        with self._lock:
            different = (self._stack, self._definitions) != (stack, definitions)
            self._definitions, self._stack = dict(definitions), stack
        if different:
            self.changed(True)

    def set_natives(self, natives: Mapping[str, int | None]) -> None:
        """Known services found running without Docker, with their process ids where those are visible."""
        with self._lock:
            different, self._natives = natives != self._natives, dict(natives)
        if different:
            self.changed(True)

    def set_host(self, figures: HostFigures) -> None:
        """New figures of the machine."""
        with self._lock:
            self._host = figures
        self.changed(False)

    def set_figures(self, figures: Mapping[str, Figures]) -> None:
        """New figures of the services that run; those of others are dropped."""
        with self._lock:
            self._figures = dict(figures)
        self.changed(False)

    def set_health(self, service: str, health: Health) -> None:
        """The result of a check."""
        with self._lock:
            before, self._health[service] = self._health.get(service), health
        self.changed(before is None or (before.status, before.reason) != (health.status, health.reason))

    def set_active(self, active: Mapping[str, str]) -> None:
        """Which operation works on which service."""
        with self._lock:
            different, self._active = active != self._active, dict(active)
        if different:
            self.changed(True)

    def set_own_problem(self, what: str, problem: Text | None) -> None:
        """Why the dashboard cannot write its `history` or `audit` log; None while it can."""
        if problem != self._own_problems.get(what):
            self._own_problems[what] = problem
            self.changed(True)

    def note(self, event: Event) -> None:
        """Add an event to the list of the newest ones."""
        with self._lock:
            self._journal.note(event)
        self.changed(True)

    def answer_refresh(self, token: str) -> None:
        """Everything was collected anew for this request."""
        with self._lock:
            self._refresh_token = token
        self.changed(True)

    # --- what is known

    @property
    def engine(self) -> EngineState:
        """The connection to the engine."""
        return self._engine

    @property
    def stack(self) -> StackInfo:
        """The stack as last found."""
        return self._stack

    @property
    def is_filled(self) -> bool:
        """Whether there are figures of the machine and services to tell of."""
        return self._host is not None and bool(self._definitions)

    def definitions(self) -> dict[str, Definition]:
        """The services with their containers as last observed."""
        with self._lock:
            return {name: definition.with_current(self._containers) for name, definition in self._definitions.items()}

    def containers(self) -> list[Container]:
        """All containers of the engine as last observed."""
        with self._lock:
            return list(self._containers.values())

    def states(self) -> dict[str, tuple[Condition, Health]]:
        """Condition and last check of each service, as last published."""
        return {name: (state.condition, state.health) for name, state in self._last.services.items()}

    def state(self, service: str) -> ServiceState | None:
        """One service as last published."""
        return self._last.services.get(service)

    def all_asked(self) -> bool:
        """Whether every running service has been asked at least once how it is."""
        first = {d.name: d.containers[0].status for d in self.definitions().values() if d.containers}
        running = (name for name, status in first.items() if status == ContainerStatus.RUNNING)
        return all(self._health.get(name, _UNASKED).checked_at for name in running)

    def natives(self) -> dict[str, int | None]:
        """Known services running without Docker."""
        return dict(self._natives)

    def snapshot(self, leader: str) -> Snapshot:
        """Everything as one value, with the next generation number."""
        with self._lock:
            now = self._clock()
            self._generation += 1
            definitions = self.definitions()
            services = {name: self._state(definition, now) for name, definition in definitions.items()}
            self._last = Snapshot(
                generation=self._generation,
                published_at=now,
                leader=leader,
                refresh_token=self._refresh_token,
                engine=self._engine,
                stack=self._stack,
                host=self._host,
                docker=docker_block(self._containers.values(), self._listed_at),
                services=with_dependents(services),
                events=self._journal.events,
                history_problem=self._own_problems.get("history"),
                audit_problem=self._own_problems.get("audit"),
            )
            return self._last

    # --- inside, with the lock held

    def _state(self, definition: Definition, now: float) -> ServiceState:
        name = definition.name
        container = definition.containers[0] if definition.containers else None
        native = container is None and name in self._natives
        away = self._engine.status != EngineStatus.CONNECTED
        health = self._health.get(name, _UNASKED)
        if not native and not away and (container is None or container.status != ContainerStatus.RUNNING):
            health = _UNASKED  # nobody was asked, so nothing is known
        verdict = judge(
            Facts(
                title=definition.title,
                container=container,
                health=health,
                stopped_on_purpose=container is not None and container.id in self._stopped_on_purpose,
                engine_away=away,
                native=native,
                busy=name in self._active,
                now=now,
            )
        )
        since = self._journal.settle(definition, container, verdict.condition, now)
        return service_state(
            definition,
            Observed(
                health=health,
                figures=self._figures.get(name),
                verdict=verdict,
                since=since,
                engine_away=away,
                engine_seen=self._engine.last_seen is not None,
                native=native,
                operation_id=self._active.get(name),
                host_name=self._host_name,
                now=now,
            ),
        )

    def _forget_check(self, container: Container) -> None:
        for name, definition in self._definitions.items():
            if any(c.id == container.id for c in definition.containers):
                self._health[name] = _UNASKED
                self._figures.pop(name, None)
