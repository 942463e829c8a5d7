"""Watches the Docker engine: its events as they come, its full list now and then; reconnects with backoff."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from .adapters.engine import Engine, EngineEvent, EventStream
from .adapters.stackfile import StackFiles
from .catalog import build, detect_project
from .compose_file import StackFile, project_name
from .errors import EngineTimeout, EngineUnavailable, HubError, NoContainer
from .models import Container, ContainerStatus, EngineState, EngineStatus, StackInfo
from .world import World

log = logging.getLogger(__name__)

RECONCILE_INTERVAL = 10.0  # seconds between two full lists: events tell the rest
_BACKOFF = (0.3, 10.0)  # seconds before the first and between the last attempts to reconnect
_STATE_ACTIONS = frozenset(
    {
        "create",
        "start",
        "die",
        "stop",
        "kill",
        "oom",
        "pause",
        "unpause",
        "restart",
        "rename",
        "update",
        "health_status",
    }
)


class EngineWatcher:
    """Keeps the world's containers and the state of the connection current.

    `on_start(service name)` is called when containers have started or changed health, so that they are asked at once.
    """

    def __init__(
        self, engine: Engine, files: StackFiles, world: World, *, project: str | None, on_start: Callable[[str], None]
    ) -> None:
        self._engine = engine
        self._files = files
        self._world = world
        self._project = project
        self._on_start = on_start
        self._stopping = threading.Event()
        self._stream: EventStream | None = None
        self._delay = _BACKOFF[0]
        self._reconcile_lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._watch, name="engine-events", daemon=True),
            threading.Thread(target=self._reconcile_regularly, name="engine-list", daemon=True),
        ]

    def start(self) -> None:
        """Begin to watch."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop watching; the engine itself is closed by its owner."""
        self._stopping.set()
        self._cut()
        for thread in self._threads:
            thread.join(3)

    def refresh(self) -> None:
        """Read the stack's files and the engine's full list now. Raises EngineUnavailable, EngineTimeout."""
        with self._reconcile_lock:
            try:
                listed = self._engine.containers()
            except (EngineUnavailable, EngineTimeout) as error:
                self._lost(error)
                self._define(self._world.containers())
                raise
            known = {c.id: c for c in self._world.containers()}
            containers = [_with_details(container, known.get(container.id)) for container in listed]
            self._world.set_containers(containers)
            self._define(containers)
            self._seen()
            for definition in self._world.definitions().values():
                for container in definition.containers:
                    if container.started_at is None or _outdated(container, known.get(container.id)):
                        self.inspect(container.id)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except HubError as error:
                if self._stopping.is_set():
                    return
                self._lost(error)
            except Exception:
                log.exception("Watching the Docker engine failed unexpectedly.")
            self._stopping.wait(self._delay)
            self._delay = min(self._delay * 2, _BACKOFF[1])

    def _follow(self) -> None:
        version = self._engine.ping()
        # Subscribe first, list second: whatever happens in between is in the stream.
        with self._engine.events() as events:
            self._stream = events
            if self._stopping.is_set():
                return
            self.refresh()
            self._connected(version.version)
            self._delay = _BACKOFF[0]
            for event in events:
                self._handle(event)
                if self._stopping.is_set():
                    return

    def _cut(self) -> None:
        """End the event stream, so that the connection is made anew (or, when stopping, not at all)."""
        stream = self._stream
        if stream is not None:
            stream.close()

    def _reconcile_regularly(self) -> None:
        while not self._stopping.wait(RECONCILE_INTERVAL):
            if self._world.engine.status != EngineStatus.CONNECTED:
                self._define(self._world.containers())
                continue
            try:
                self.refresh()
            except HubError as error:
                log.warning("The list of containers could not be read: %s", error)
                self._cut()
            except Exception:
                log.exception("Reading the list of containers failed unexpectedly.")

    def _handle(self, event: EngineEvent) -> None:
        action = event.action.split(":", 1)[0]
        if action == "destroy":
            self._world.remove_container(event.container_id)
            self._define(self._world.containers())
            return
        if action not in _STATE_ACTIONS:
            return
        if action == "stop":
            self._world.mark_stopped_on_purpose(event.container_id)
        known = {c.id: c for c in self._world.containers()}.get(event.container_id)
        if action == "die" and known is not None:
            # Tell readers before asking the engine anything: a busy engine answers late.
            died = {"status": ContainerStatus.EXITED, "exit_code": event.exit_code, "finished_at": event.at, "pid": 0}
            self._world.set_container(known.model_copy(update=died))
        self.inspect(event.container_id)
        if known is None:
            self._define(self._world.containers())
        if action in ("start", "unpause", "health_status"):
            self._notify(event.container_id)

    def inspect(self, container_id: str) -> None:
        """Look at one container now."""
        try:
            self._world.set_container(self._engine.inspect(container_id))
        except NoContainer:
            self._world.remove_container(container_id)

    def _notify(self, container_id: str) -> None:
        for name, definition in self._world.definitions().items():
            if any(c.id == container_id for c in definition.containers):
                self._on_start(name)

    def _define(self, containers: list[Container]) -> None:
        stack = self._files.load()
        project = self._project or stack.project or self._project_without_file(stack, containers)
        self._world.set_definitions(
            build(stack, project, containers, self._find_protected(containers)),
            self._stack_info(stack, project, containers),
        )

    def _project_without_file(self, stack: StackFile, containers: list[Container]) -> str | None:
        """The project where no compose file tells it: the one with known services; but never another stack's because
        this one's file is broken."""
        if stack.path is None:
            return detect_project(containers)
        before = self._world.stack
        same = before.directory == str(self._files.stack_dir)
        return (same and before.project) or project_name(self._files.stack_dir.name)

    def _stack_info(self, stack: StackFile, project: str | None, containers: list[Container]) -> StackInfo:
        projects = {c.project for c in containers if c.project} - {project}
        return StackInfo(
            directory=str(self._files.stack_dir),
            compose_file=stack.path,
            project=project or "",
            services=len(stack.services),
            problem=stack.problem,
            other_projects=tuple(sorted(projects)),
        )

    def _find_protected(self, containers: list[Container]) -> frozenset[str]:
        """Our own container, if we run in one, what its service depends on, and the host that leads to the engine."""
        own_id = self._engine.own_container_id()
        own = next((c for c in containers if own_id and c.id.startswith(own_id)), None)
        if own is None:
            return frozenset()
        needs = {part.split(":")[0] for part in own.labels.get("com.docker.compose.depends_on", "").split(",") if part}
        return frozenset({own.id, *needs, self._engine.host})

    def _connected(self, version: str) -> None:
        now = time.time()
        log.info("Connected to the Docker engine %s at %s.", version, self._engine.address)
        self._world.set_engine(
            EngineState(
                status=EngineStatus.CONNECTED, since=now, last_seen=now, address=self._engine.address, version=version
            )
        )

    def _seen(self) -> None:
        if self._world.engine.status == EngineStatus.CONNECTED:
            self._world.set_engine(self._world.engine.model_copy(update={"last_seen": time.time()}))

    def _lost(self, error: HubError) -> None:
        before = self._world.engine
        if before.status != EngineStatus.UNREACHABLE:
            log.warning("The Docker engine is away: %s (%s)", error, error.detail or "no detail")
        self._world.set_engine(
            EngineState(
                status=EngineStatus.UNREACHABLE,
                since=time.time(),
                last_seen=before.last_seen,
                address=self._engine.address,
                version=before.version,
                reason=error.text,
                remedy=error.remedy,
                detail=error.detail,
            )
        )
        if not self._world.definitions():
            self._define(self._world.containers())


def _with_details(listed: Container, known: Container | None) -> Container:
    """The list tells less than an inspection: keep what is known of a container whose state has not changed."""
    if known is None or known.started_at is None or known.status != listed.status:
        return listed
    if not listed.ports:  # the list names the ports of what runs only
        listed = listed.model_copy(update={"ports": known.ports})
    keep = ("exit_code", "oom_killed", "restart_count", "pid", "started_at", "finished_at", "docker_health_output")
    return listed.model_copy(update={name: getattr(known, name) for name in keep})


def _outdated(container: Container, known: Container | None) -> bool:
    return known is None or (known.status, known.docker_health) != (container.status, container.docker_health)
