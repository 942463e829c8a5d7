"""Start, stop and restart services in the order of their dependencies.

Stopping keeps the containers. Starting creates missing ones through Compose. The dashboard itself, and what it needs,
is never touched: `plan` leaves it out of "all" and refuses it by name.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ..adapters.compose import Compose
from ..adapters.engine import Engine
from ..catalog import Definition, dependency_levels
from ..errors import BadRequest, EngineRefused, HubError, LeaseLost, NoContainer, ServiceProtected, UnknownService
from ..models import (
    Condition,
    Container,
    ContainerStatus,
    OperationKind,
    ServiceState,
    Snapshot,
    Step,
    StepStatus,
    text,
)
from ..operations import OperationRun

_SETTLE = 0.7  # seconds a started container must live: one with a bad command ends at once
_READY_WAIT = 60.0  # seconds to wait until a dependency is healthy before its dependents are started anyway
_POLL = 0.1
_AT_ONCE = 8
_WORDS = {
    OperationKind.START: text("Start {service}"),
    OperationKind.STOP: text("Stop {service}"),
    OperationKind.RESTART: text("Restart {service}"),
}


def plan(kind: OperationKind, services: Sequence[str] | None, snapshot: Snapshot) -> list[Step]:
    """The steps of a command, in order; None means all services of the stack.

    Raises UnknownService, ServiceProtected, BadRequest (nothing to do, or a program that runs without Docker).
    """
    known = snapshot.services
    if services is None:
        chosen = [s.name for s in known.values() if _controllable(s) and (s.container or _is_created(kind, s))]
    else:
        chosen = list(dict.fromkeys(services))
        for name in chosen:
            _check(name, known)
    if not chosen:
        raise BadRequest(
            text("There is no service to do this with."), remedy=text("Check that the dashboard found your stack.")
        )
    levels = dependency_levels(chosen, {name: known[name].depends_on for name in chosen})
    order = [name for level in levels for name in level]
    if kind == OperationKind.STOP:
        order.reverse()
    template = _WORDS[kind].template
    return [Step(service=name, text=text(template, service=known[name].title)) for name in order]


def _is_created(kind: OperationKind, service: ServiceState) -> bool:
    """Whether a command for all services creates one that has no container, as `docker compose up` would."""
    return kind != OperationKind.STOP and not service.optional


def _controllable(service: ServiceState) -> bool:
    return service.defined and not service.protected and not service.native


def _check(name: str, known: Mapping[str, ServiceState]) -> None:
    service = known.get(name)
    if service is None:
        raise UnknownService(name)
    if service.protected:
        raise ServiceProtected(
            text("{service} belongs to the dashboard itself and is never stopped or started from here.", service=name),
            remedy=text("Use Docker's own tools for it."),
        )
    if service.native:
        raise BadRequest(
            text("{service} runs without Docker, so the dashboard cannot control it.", service=service.title),
            remedy=text("Start and stop it where you installed it."),
        )


class Control:
    """Carries out control operations. `definitions` and `state` give the services as observed now; `refresh` looks at
    the engine's list again, `inspect` at one container."""

    def __init__(
        self,
        engine: Engine,
        *,
        compose: Callable[[], Compose | None],
        definitions: Callable[[], Mapping[str, Definition]],
        state: Callable[[str], ServiceState | None],
        inspect: Callable[[str], None],
        refresh: Callable[[], None],
        timeout: float,
    ) -> None:
        self._engine = engine
        self._compose = compose
        self._definitions = definitions
        self._state = state
        self._inspect = inspect
        self._refresh = refresh
        self._timeout = timeout
        self._stopping = threading.Event()

    def close(self) -> None:
        """End waits; a request to the engine under way ends by its own deadline."""
        self._stopping.set()

    def run(self, run: OperationRun) -> None:
        """Carry out an operation. Raises HubError when a service failed; the others are done all the same."""
        names = [step.service for step in run.operation.steps if step.service]
        definitions = self._definitions()
        levels = dependency_levels(names, {n: definitions[n].depends_on for n in names if n in definitions})
        kind = run.operation.kind
        if kind == OperationKind.STOP:
            levels.reverse()
        if kind != OperationKind.STOP:
            self._create_together(run, names)
        failures: list[HubError] = []
        for number, level in enumerate(levels):
            if kind == OperationKind.START:
                failures += self._create_missing(run, level)
            with ThreadPoolExecutor(min(_AT_ONCE, len(level))) as pool:
                outcomes = pool.map(lambda name: self._do(run, kind, name), level)
                failures += [error for error in outcomes if error is not None]
            if kind != OperationKind.STOP and number + 1 < len(levels):
                self._wait_ready(level, [name for later in levels[number + 1 :] for name in later])
        if failures:
            raise failures[0]

    def _do(self, run: OperationRun, kind: OperationKind, name: str) -> HubError | None:
        """One service; its error is written into its step and handed back."""
        if any(step.service == name and step.status == StepStatus.FAILED for step in run.operation.steps):
            return None
        run.step(name, StepStatus.RUNNING)
        try:
            definition = self._definitions().get(name)
            if definition is None:
                raise UnknownService(name)
            self._act(run, kind, definition)
        except LeaseLost:
            raise
        except HubError as error:
            run.step(name, StepStatus.FAILED, error)
            return error
        run.step(name, StepStatus.DONE)
        return None

    def _act(self, run: OperationRun, kind: OperationKind, definition: Definition) -> None:
        if not definition.containers:
            if kind != OperationKind.RESTART:
                raise NoContainer(definition.title)
            failures = self._create_missing(run, [definition.name])
            if failures:
                raise failures[0]
            return
        for container in definition.containers:
            self._apply(kind, container)
            self._inspect(container.id)
        if kind != OperationKind.STOP:
            self._check_alive(definition)
        run.log(f"{definition.container_name}: {kind}")

    def _apply(self, kind: OperationKind, container: Container) -> None:
        if kind == OperationKind.STOP:
            self._engine.stop(container.id, timeout=self._timeout)
        elif kind == OperationKind.START and container.status != ContainerStatus.PAUSED:
            self._engine.start(container.id, timeout=self._timeout)
        else:
            self._engine.restart(container.id, timeout=self._timeout)

    def _check_alive(self, definition: Definition) -> None:
        """A container that ends right after its start did not start."""
        self._stopping.wait(_SETTLE)
        for container in definition.containers:
            self._inspect(container.id)
        ended = [c for c in self._definitions()[definition.name].containers if c.status in _ENDED and c.exit_code]
        if ended:
            raise EngineRefused(
                text(
                    "{service} was started but ended at once (exit code {code}).",
                    service=definition.title,
                    code=ended[0].exit_code or 0,
                ),
                remedy=text("Its log says why; look at the last lines."),
            )

    def _create_together(self, run: OperationRun, names: Sequence[str]) -> None:
        """Create several missing containers with one call. What fails here is tried again, and told, one by one."""
        missing = self._missing(names)
        compose = self._compose()
        if len(missing) < 2 or compose is None:
            return
        try:
            compose.create(missing, on_line=run.log)
        except LeaseLost:
            raise
        except HubError as error:
            run.log(str(error))
        self._refresh()

    def _missing(self, names: Iterable[str]) -> list[str]:
        """Those that Compose could create and that have no container."""
        definitions = self._definitions()
        return [n for n in names if n in definitions and definitions[n].in_compose and not definitions[n].containers]

    def _create_missing(self, run: OperationRun, names: Iterable[str]) -> list[HubError]:
        """Have Compose create and start what has no container; the errors of the services it could not create."""
        failures: list[HubError] = []
        for name in names:
            definition = self._definitions().get(name)
            if definition is None or definition.containers:
                continue
            run.step(name, StepStatus.RUNNING)
            problem = self._up(run, definition)
            if problem is not None:
                run.step(name, StepStatus.FAILED, problem)
                failures.append(problem)
        return failures

    def _up(self, run: OperationRun, definition: Definition) -> HubError | None:
        compose = self._compose()
        if compose is None or not definition.in_compose:
            return NoContainer(definition.title)
        try:
            compose.up([definition.name], on_line=run.log)
            self._refresh()
        except LeaseLost:
            raise
        except HubError as error:
            return error
        return None

    def _wait_ready(self, level: Iterable[str], later: Iterable[str]) -> None:
        """Wait, within limits, until those of a level that later services need healthy are so."""
        definitions = self._definitions()
        needed = {
            name
            for dependent in later
            for name, condition in definitions[dependent].depends_on.items()
            if dependent in definitions and condition == "service_healthy"
        }
        waiting = needed.intersection(level)
        passed = 0.0
        while waiting and passed < _READY_WAIT and not self._stopping.wait(_POLL):
            passed += _POLL
            waiting = {name for name in waiting if not self._is_ready(name)}

    def _is_ready(self, name: str) -> bool:
        definition, state = self._definitions().get(name), self._state(name)
        if definition is None or state is None or not definition.containers:
            return True
        container = definition.containers[0]
        if container.status in _ENDED:
            return True  # it will not get ready; its own step or condition says so
        return (
            container.docker_health == "healthy"
            or state.health.status == "healthy"
            or (state.condition == Condition.UNKNOWN and container.docker_health is None)
        )


_ENDED = (ContainerStatus.EXITED, ContainerStatus.DEAD, ContainerStatus.RESTARTING)
