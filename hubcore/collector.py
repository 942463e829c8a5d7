"""The collector, run by the leader: watches the engine, samples, asks services, publishes, executes commands."""

from __future__ import annotations

import logging
import threading
import time
from typing import NamedTuple

from .adapters.auditlog import AuditLog
from .adapters.cgroups import CgroupSampler
from .adapters.engine import Engine
from .adapters.history import History
from .adapters.host import HostSampler
from .adapters.native import find_native
from .adapters.stackfile import StackFiles
from .adapters.store import Store
from .audit_events import by, command_finished
from .collect_engine import EngineWatcher
from .collect_figures import Sampler
from .collect_health import Prober
from .errors import HubError
from .executor import Executor
from .lease import Lease
from .models import EngineStatus, Operation, Snapshot
from .notes import Notes
from .operation_events import operation_event
from .operations import VERSION_KEY, OperationQueue
from .pending import Pending
from .presets import PRESETS
from .publisher import Publisher, PublishLoop
from .settings import Settings
from .targets import Key, Reach
from .workshop import Tools, Workshop
from .world import World

log = logging.getLogger(__name__)

REFRESH_KEY = "refresh"
_AUDIT_CHECK = 10.0  # seconds between two looks whether the audit log can be written
_FIRST_LOOK = 4.0  # seconds after which a new leader publishes even if the engine has not decided to answer or not
_FIRST_CHECKS = 1.5  # seconds its first publication waits for health checks
_FIRST_COMMAND = 15.0  # seconds a command waits for a new leader to know the services
_REFRESH_CHECKS = 2.0  # seconds a refresh waits for health checks; slower ones are published when they come


class Parts(NamedTuple):
    """The adapters a collector works with; built by the hub."""

    store: Store
    pending: Pending
    audit: AuditLog
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
        self._workshop = self._make_workshop()
        self._executor = Executor(
            self._queue,
            lease.owner,
            self._workshop.actions(),
            on_change=self._operation_changed,
            before_end=self._before_end,
        )
        self._upkeep_due = self._audit_due = 0.0
        self._started: list[PublishLoop | EngineWatcher | Sampler | Prober] = []

    def start(self) -> None:
        """Begin to collect."""
        self._executor.recover()
        self._parts.pending.sweep(self._queue.open_ids())
        self._workshop.tidy_up()
        self.world.set_active(self._queue.active())
        self.world.changed = self._publishing.changed
        for part in (self._publishing, self._watcher, self._sampler, self._prober):
            part.start()
            self._started.append(part)

    def poll(self) -> None:
        """Look into the store for commands and requests; called often, and whenever the store changed."""
        now = time.monotonic()
        if now >= self._upkeep_due:
            self._upkeep()
        if now >= self._audit_due:
            self._audit_due = now + _AUDIT_CHECK
            self._parts.audit.check()
            self.world.set_own_problem("audit", self._parts.audit.problem)
        version = self._parts.store.get_int(VERSION_KEY)
        if version != self._version_seen and self._may_command():
            self._take_over()
            self._version_seen = version  # only now: what failed is tried again

    def _take_over(self) -> None:
        self._executor.poll()
        for event in self._notes.collect():
            self.world.note(event)
        request = self._parts.store.get_bytes(REFRESH_KEY)
        if request != self._refresh_seen:
            self._refresh_seen = request
            if request is not None:
                threading.Thread(
                    target=self._refresh, args=(request.decode(errors="replace"),), name="refresh", daemon=True
                ).start()

    @property
    def busy(self) -> bool:
        """Whether a command is being carried out."""
        return self._executor.busy

    def is_well(self) -> bool:
        """Whether what was collected still gets published."""
        return self._publishing.is_well()

    def close(self) -> None:
        """Stop collecting; a command under way is given some seconds to end. What was not started is not waited for."""
        self._workshop.interrupt()
        self._executor.close()
        for part in (self._workshop, *self._started, self._parts.engine):
            try:
                part.close()
            except Exception:
                log.exception("A part of the collector could not be ended in order.")

    def _make_workshop(self) -> Workshop:
        parts = self._parts
        return Workshop(
            Tools(
                settings=self._settings,
                engine=parts.engine,
                files=parts.files,
                pending=parts.pending,
                audit=parts.audit,
                world=self.world,
                watcher=self._watcher,
                key=parts.key,
            )
        )

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

    def _may_publish(self) -> bool:
        if not self._lease.held:
            return False
        if not self._knows_enough:
            age = time.monotonic() - self._began
            decided = self.world.engine.status != EngineStatus.CONNECTING and self.world.is_filled
            asked = decided and (self.world.all_asked() or age > _FIRST_CHECKS)
            self._knows_enough = asked or age > _FIRST_LOOK
        return self._knows_enough

    def _may_command(self) -> bool:
        """Whether the services are known: a new leader would take a command for an unknown one otherwise."""
        known = bool(self.world.definitions()) or time.monotonic() - self._began > _FIRST_COMMAND
        return self._may_publish() and known

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
        self._parts.pending.drop(operation.id)
        for service in operation.services:
            self._prober.soon(service)
        self._parts.audit.record(*command_finished(operation), **by(operation.actor))
        self.world.set_own_problem("audit", self._parts.audit.problem)
        self.world.note(operation_event(operation))

    def _upkeep(self) -> None:
        self._upkeep_due = time.monotonic() + self._settings.cache_cleanup_interval
        purged = self._parts.store.purge_expired()
        log.debug("Purged %d expired entries of the store.", purged)


def refresh_request(store: Store, token: str) -> None:
    """Ask the leader, from any process, to collect everything anew."""
    store.put(REFRESH_KEY, token.encode())
