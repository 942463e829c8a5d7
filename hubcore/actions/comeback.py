"""Making a service anew and waiting until it works again: what a changed configuration needs to act."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..adapters.compose import Compose
from ..adapters.engine import Engine
from ..catalog import Definition
from ..errors import HubError, LeaseLost, NoContainer, ServiceDown, UnknownService
from ..models import Container, ContainerStatus, Health, HealthStatus, Means, ServiceState, Text, text

PATIENCE = 120.0  # seconds a service may take to work again, beyond the start period of its health check
MOST_PATIENCE = 600.0
STEADY = 1.5  # seconds it must go on working
STEADY_UNASKED = 5.0  # seconds it must go on running where there is nothing to ask
RESTARTS = 3  # so many starts on its own mean that it ends each time
FIRST_CHECK = 5.0  # seconds to wait for a first check of a service that nobody has asked yet
_POLL = 0.1
_ENDED = (ContainerStatus.EXITED, ContainerStatus.DEAD)
_UNASKED = (Means.NONE, Means.PROCESS)


class Before(NamedTuple):
    """How a service was before a change."""

    worked: bool
    health: HealthStatus


class Comeback:
    """`definitions` and `state` give the services as observed now; `refresh` looks at the engine's list again."""

    def __init__(
        self,
        engine: Engine,
        *,
        compose: Callable[[], Compose | None],
        definitions: Callable[[], Mapping[str, Definition]],
        state: Callable[[str], ServiceState | None],
        refresh: Callable[[], None],
        timeout: float,
    ) -> None:
        self._engine = engine
        self._compose = compose
        self._definitions = definitions
        self._state = state
        self._refresh = refresh
        self._timeout = timeout
        self._stopping = threading.Event()

    def close(self) -> None:
        """End waits."""
        self._stopping.set()

    def before(self, name: str) -> Before:
        """How a service is, before it is changed; waits a moment for a first check."""
        deadline = time.monotonic() + FIRST_CHECK
        while True:
            containers, state = self.definition(name).containers, self._state(name)
            running = bool(containers) and containers[0].status == ContainerStatus.RUNNING
            health = state.health.status if state is not None else HealthStatus.UNKNOWN
            if not running:
                return Before(False, health)
            if health != HealthStatus.UNKNOWN or time.monotonic() > deadline:
                good = (HealthStatus.HEALTHY, HealthStatus.ASSUMED_HEALTHY, HealthStatus.DEGRADED)
                return Before(health in good, health)
            self._pause()

    def definition(self, name: str) -> Definition:
        """A service as it is defined and observed now. Raises UnknownService."""
        found = self._definitions().get(name)
        if found is None:
            raise UnknownService(name)
        return found

    def recreate(self, name: str, log: Callable[[str], None]) -> Text | None:
        """Make the service's containers anew, so that its env file is read again, and start them.

        Without Compose they are only restarted; the answer then says so. `log` gets what Compose says. Raises
        ComposeFailed, NoContainer, BadRequest and the engine's errors.
        """
        definition = self.definition(name)
        compose = self._compose()
        containers = definition.containers
        ours = compose is not None and definition.in_compose and all(c.project == compose.project for c in containers)
        if compose is not None and ours and compose.available() is not None:
            if containers:
                compose.recreate(name, replicas=len(containers), on_line=log)
            else:
                compose.up([name], on_line=log)
            self._refresh()
            return None
        if not containers:
            raise NoContainer(definition.title)
        for container in containers:
            self._engine.restart(container.id, timeout=self._timeout)
            log(f"{container.name}: restart")
        self._refresh()
        return text(
            "{service} was restarted, not made anew: changed variables act only when its container is made anew.",
            service=definition.title,
        )

    def wait(self, name: str, since: float, before: Before) -> None:
        """Wait until the service works, and for a moment longer. `since`: when it was made anew (epoch seconds).

        Raises ServiceDown with the reason when it does not come up; LeaseLost when the dashboard is being stopped.
        """
        deadline = time.monotonic() + self._patience(name)
        steady: float | None = None
        while True:
            now = time.monotonic()
            needed = self._works(name, since, before)
            steady = None if needed is None else steady if steady is not None else now
            if needed is not None and steady is not None and now - steady >= needed:
                return
            if now >= deadline:
                raise self._down(name, since)
            self._pause()

    def _works(self, name: str, since: float, before: Before) -> float | None:
        """The seconds for which the service must go on as it is now to count as working; None: not yet.

        Raises ServiceDown when it will not come up by itself any more.
        """
        definition = self.definition(name)
        if not definition.containers:
            return None
        health = self._fresh_health(name, definition.containers[0], since)
        running = all(c.status == ContainerStatus.RUNNING for c in definition.containers)
        good = {HealthStatus.HEALTHY, HealthStatus.ASSUMED_HEALTHY} | ({before.health} if before.worked else set())
        if running and health is not None and health.status in good:
            return STEADY_UNASKED if health.means in _UNASKED else STEADY
        for container in definition.containers:
            if container.status in _ENDED or container.restart_count >= RESTARTS:
                raise ServiceDown(
                    text(
                        "{service} was started but ended each time (exit code {code}).",
                        service=definition.title,
                        code=container.exit_code if container.exit_code is not None else "?",
                    ),
                    remedy=text("Its log says why; look at the last lines."),
                )
            if container.docker_health == "unhealthy":
                raise self._down(name, since)
        return None

    def _fresh_health(self, name: str, container: Container, since: float) -> Health | None:
        """The last check, if it asked this very container after `since`."""
        state = self._state(name)
        if state is None or state.container is None or state.container.id != container.id:
            return None
        health = state.health
        asked_at = (health.checked_at or 0.0) - (health.duration or 0.0)
        return health if asked_at >= since else None

    def _down(self, name: str, since: float) -> ServiceDown:
        definition = self.definition(name)
        health = self._fresh_health(name, definition.containers[0], since) if definition.containers else None
        if health is not None and health.reason is not None:
            return ServiceDown(health.reason, remedy=health.remedy, detail=health.detail)
        return ServiceDown(
            text("{service} runs, but it does not work.", service=definition.title),
            remedy=text("Its log says why; look at the last lines."),
        )

    def _patience(self, name: str) -> float:
        containers = self.definition(name).containers
        try:
            extra = self._engine.blueprint(containers[0].id).start_period if containers else 0.0
        except HubError:
            extra = 0.0
        return min(PATIENCE + extra, MOST_PATIENCE)

    def _pause(self) -> None:
        if self._stopping.wait(_POLL):
            raise LeaseLost(text("The dashboard is being stopped."))
