"""The collector, run by the leader: watches the engine, samples, asks services, publishes, executes commands."""

from __future__ import annotations

import logging
import threading
import time
from typing import NamedTuple

from .actions.control import Control
from .adapters.cgroups import CgroupSampler
from .adapters.compose import Compose
from .adapters.engine import Engine
from .adapters.history import History
from .adapters.host import HostSampler
from .adapters.native import find_native
from .adapters.stackfile import StackFiles
from .adapters.store import Store
from .collect_engine import EngineWatcher
from .collect_figures import Sampler
from .collect_health import Prober
from .errors import HubError
from .executor import Executor
from .lease import Lease
from .models import EngineStatus, Event, Operation, OperationKind, OperationStatus, Snapshot, Text, text
from .notes import Notes
from .operations import VERSION_KEY, OperationQueue
from .presets import PRESETS
from .publisher import Publisher, PublishLoop
from .settings import Settings
from .targets import Key, Reach
from .world import World

log = logging.getLogger(__name__)

REFRESH_KEY = "refresh"
_FIRST_LOOK = 4.0  # seconds after which a new leader publishes even if the engine has not decided to answer or not
_FIRST_CHECKS = 1.5  # seconds its first publication waits for health checks
_REFRESH_CHECKS = 2.0  # seconds a refresh waits for health checks; slower ones are published when they come
_DONE = {
    OperationKind.START: text("Started: {services}."),
    OperationKind.STOP: text("Stopped: {services}."),
    OperationKind.RESTART: text("Restarted: {services}."),
}
_NOT_DONE = {
    OperationKind.START: text("Could not start everything: {services}."),
    OperationKind.STOP: text("Could not stop everything: {services}."),
    OperationKind.RESTART: text("Could not restart everything: {services}."),
}


class Parts(NamedTuple):
    """The adapters a collector works with; built by the hub."""

    store: Store
    engine: Engine
    files: StackFiles
    history: History
    host: HostSampler
    cgroups: CgroupSampler
    key: Key


class Collector:
    """Everything a leader does. `start` returns at once; `close` ends all threads within seconds."""

    def __init__(self, settings: Settings, parts: Parts, lease: Lease, previous: Snapshot | None) -> None:
        self._settings = settings
        self._parts = parts
        self._lease = lease
        self._began = time.monotonic()
        self._knows_enough = False
        self._refresh_seen: bytes | None = None
        self._version_seen = -1
        self._compose: Compose | None = None
        self._refreshing = threading.Lock()
        self.world = World(host_name="localhost")
        if previous is not None:
            self.world.seed(previous)
        self._queue = OperationQueue(parts.store)
        self._notes = Notes(parts.store)
        self._publishing = PublishLoop(
            Publisher(parts.store), lambda: self.world.snapshot(lease.owner), self._may_publish
        )
        self._prober = self._make_prober()
        self._sampler = Sampler(
            host=parts.host,
            cgroups=parts.cgroups,
            engine=parts.engine,
            history=parts.history,
            world=self.world,
            interval=min(settings.collect_interval, settings.cache_system_metrics_ttl),
        )
        self._watcher = EngineWatcher(
            parts.engine, parts.files, self.world, project=settings.project, on_start=self._prober.soon
        )
        self._control = self._make_control()
        actions = dict.fromkeys(OperationKind, self._control.run)
        self._executor = Executor(
            self._queue, lease.owner, actions, on_change=self._operation_changed, before_end=self._before_end
        )
        self._upkeep_due = 0.0

    def start(self) -> None:
        """Begin to collect."""
        self._executor.recover()
        self.world.set_active(self._queue.active())
        self.world.changed = self._publishing.changed
        self._publishing.start()
        self._watcher.start()
        self._sampler.start()
        self._prober.start()

    def poll(self) -> None:
        """Look into the store for commands and requests; called often, and whenever the store changed."""
        if time.monotonic() >= self._upkeep_due:
            self._upkeep()
        version = self._parts.store.get_int(VERSION_KEY)
        if version == self._version_seen:
            return
        self._version_seen = version
        self._executor.poll()
        for event in self._notes.collect():
            self.world.note(event)
        request = self._parts.store.get_bytes(REFRESH_KEY)
        if request != self._refresh_seen:
            self._refresh_seen = request
            if request is not None:
                threading.Thread(target=self._refresh, args=(request.decode(),), name="refresh", daemon=True).start()

    @property
    def busy(self) -> bool:
        """Whether a command is being carried out."""
        return self._executor.busy

    def close(self) -> None:
        """Stop collecting; a command under way is given some seconds to end."""
        self._executor.close()
        self._control.close()
        if self._compose is not None:
            self._compose.close()
        for part in (self._publishing, self._watcher, self._prober, self._sampler):
            part.close()
        self._parts.engine.close()

    def _make_prober(self) -> Prober:
        engine, settings = self._parts.engine, self._settings
        candidates = {name: preset.native for name, preset in PRESETS.items() if preset.native is not None}
        return Prober(
            self.world,
            execute=engine.exec,
            reach=lambda: Reach(host=engine.host, networks=engine.is_local),
            key=self._parts.key,
            find_native=lambda published: find_native(candidates, published),
            interval=min(settings.probe_interval, settings.cache_service_health_ttl),
            timeout=settings.health_check_timeout,
        )

    def _make_control(self) -> Control:
        return Control(
            self._parts.engine,
            compose=self._current_compose,
            definitions=self.world.definitions,
            state=self.world.state,
            inspect=self._watcher.inspect,
            refresh=self._watcher.refresh,
            timeout=self._settings.docker_operation_timeout,
        )

    def _current_compose(self) -> Compose | None:
        stack = self._parts.files.load()
        if stack.path is None or stack.problem is not None:
            return None
        project = self._settings.project or stack.project or ""
        path = self._parts.files.stack_dir / stack.path
        if self._compose is None or (self._compose.compose_file, self._compose.project) != (path, project):
            self._compose = Compose(self._parts.files.stack_dir, path, project)
        return self._compose

    def _may_publish(self) -> bool:
        if not self._lease.held:
            return False
        if not self._knows_enough:
            age = time.monotonic() - self._began
            decided = self.world.engine.status != EngineStatus.CONNECTING and bool(self.world.definitions())
            asked = decided and (self.world.all_asked() or age > _FIRST_CHECKS)
            self._knows_enough = asked or age > _FIRST_LOOK
        return self._knows_enough

    def _refresh(self, token: str) -> None:
        """Collect everything anew, then say that this request was answered."""
        with self._refreshing:
            try:
                self._watcher.refresh()
            except HubError as error:
                log.info("Refreshing without the engine: %s", error)
            self._sampler.sample()
            if not self._prober.check_all(_REFRESH_CHECKS):
                log.info("Some health checks take longer; they are published when they end.")
            self.world.answer_refresh(token)

    def _before_end(self, operation: Operation) -> None:
        active = self._queue.active()
        self.world.set_active({service: i for service, i in active.items() if i != operation.id})
        self._publishing.publish_now()

    def _operation_changed(self, operation: Operation) -> None:
        self.world.set_active(self._queue.active())
        if not operation.status.ended:
            return
        for service in operation.services:
            self._prober.soon(service)
        self.world.note(operation_event(operation))

    def _upkeep(self) -> None:
        self._upkeep_due = time.monotonic() + self._settings.cache_cleanup_interval
        purged = self._parts.store.purge_expired()
        log.debug("Purged %d expired entries of the store.", purged)


def operation_event(operation: Operation) -> Event:
    """What the list of events says of an ended operation."""
    done = operation.status == OperationStatus.SUCCEEDED
    template = (_DONE if done else _NOT_DONE)[operation.kind].template
    names = [str(step.text.params.get("service", step.service)) for step in operation.steps]
    shown = ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
    return Event(
        at=operation.ended_at or time.time(),
        kind="operation",
        level="ok" if done else "bad",
        service=operation.services[0] if len(operation.services) == 1 else None,
        text=Text(template=template, params={"services": shown}),
    )


def refresh_request(store: Store, token: str) -> None:
    """Ask the leader, from any process, to collect everything anew."""
    store.put(REFRESH_KEY, token.encode())
