"""The hub: builds everything from the settings and offers it to pages, routes and the command line.

Reads come from memory. Commands go through the operation queue. Only log lines are fetched when asked for, with
deadlines. This is the one place that wires adapters, collector and actions together.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence

from . import views
from .access import Access
from .actions.control import plan
from .adapters.auditlog import AuditLog
from .adapters.history import History
from .adapters.store import Store
from .adapters.tokenfile import TokenFile
from .answers import Readiness, View
from .audit_events import by
from .collector import Collector, refresh_request
from .errors import HubError, NoContainer, NotReady, OperationActive, TooBusy, UnknownOperation, UnknownService
from .leadership import Candidate
from .lease import Lease
from .logfeed import LogFeed, LogTail
from .models import (
    Actor,
    CacheInfo,
    EngineStatus,
    LogLine,
    Operation,
    OperationKind,
    Series,
    ServiceState,
    Snapshot,
    text,
)
from .notes import Notes
from .operations import VERSION_KEY, OperationQueue
from .pending import Pending
from .publisher import SNAPSHOT_KEY, view_key
from .reader import CLEARED_KEY, Reader
from .refusals import Refusals
from .settings import Settings
from .statefolder import open_state
from .submission import Submission
from .wiring import Kept, make_collector, make_configuration, make_engine, make_upstreams

__all__ = ["Hub", "LogTail", "Readiness", "View"]

_LOG_REQUESTS = 8  # log requests of one process that may wait for the engine at the same time
_OWNER = Actor()
_STALE_AFTER = 30.0  # seconds without a publication after which the values are not called current any more


class Hub:
    """The core as one object; one per process. Every method may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError when the state folder is not this dashboard's, StoreBusy, StoreRefused, OSError."""
        self.settings = settings
        open_state(settings)
        self.access = Access(settings, TokenFile(settings.state_dir))
        self.audit = AuditLog(settings.state_dir / "logs" / "security.log")
        self._store = Store(settings.state_dir / "store")
        self._history = History(settings.state_dir / "history.sqlite3", resolution=settings.collect_interval)
        self._queue = OperationQueue(self._store)
        self.refusals = Refusals(Notes(self._store), self.audit)
        self._reader = Reader(self._store, self._queue)
        self._pending = Pending(settings.state_dir / "pending")
        self._submission = Submission(self._queue, self._pending, self._reader.look, self.audit)
        self.configuration = make_configuration(settings, self.snapshot, self._submission, self.audit)
        self._engine = make_engine(settings)
        self.upstreams = make_upstreams(
            settings,
            self._engine,
            snapshot=self.snapshot,
            operations=lambda: self._reader.held.operations,
            submission=self._submission,
        )
        self._logs = LogFeed(self._engine, self._container_id)
        self._log_slots = threading.BoundedSemaphore(_LOG_REQUESTS)
        self._candidate: Candidate | None = None
        self._reads = 0

    def start(self, *, collect: bool = True, preferred: bool = False) -> None:
        """Follow the store; with `collect` be a candidate for leadership, with `preferred` the one that should lead."""
        self._reader.start()
        if collect:
            lease = Lease(self._store, preferred=preferred)
            self._candidate = Candidate(lease, lambda: self._make_collector(lease))
            self._candidate.start()

    def close(self) -> None:
        """Stop everything; another process takes the lead."""
        if self._candidate is not None:
            self._candidate.close()
        self.upstreams.close()
        self._logs.close()
        self._reader.close()
        self._engine.close()
        self._history.close()
        self._store.close()

    def is_well(self) -> bool:
        """Whether what collects and publishes in this process moves on; told to the supervisor, which restarts it."""
        return self._candidate is None or self._candidate.is_well()

    # --- reads, from memory

    def snapshot(self) -> Snapshot | None:
        """Everything known; None until anything was ever published."""
        return self._reader.held.snapshot

    def version(self) -> int:
        """A number that grows whenever anything published changed."""
        return self._reader.held.version

    def wait(self, seen: int, timeout: float) -> int:
        """Wait until the version is above `seen`, `timeout` seconds at most; returns the version."""
        with self._reader.news:
            self._reader.news.wait_for(lambda: self._reader.held.version > seen, timeout)
        return self._reader.held.version

    def view(self, name: str, deadline: float = 5.0) -> View:
        """The finished answer of an endpoint (`views.VIEW_NAMES`).

        Waits, `deadline` seconds at most, only after the cache was cleared and while nothing was ever published. Raises
        NotReady when there is nothing to show by then.
        """
        held = self._reader.held
        if held.waiting_for_fresh or name not in held.bodies:
            with self._reader.news:
                self._reader.news.wait_for(
                    lambda: not self._reader.held.waiting_for_fresh and name in self._reader.held.bodies, deadline
                )
            held = self._reader.held
        if name not in held.bodies or held.snapshot is None:
            raise NotReady(
                text("The dashboard has only just started and is still looking around."),
                remedy=text("Try again in a few seconds."),
            )
        self._reads += 1
        body, etag = held.bodies[name]
        body = views.finish(name, body, held.ages, time.time(), self._reads)
        return View(body, etag, held.snapshot.published_at)

    def cache_info(self) -> CacheInfo:
        """What is cached, how old it is and for how long it is good."""
        held = self._reader.held
        snapshot = None if held.waiting_for_fresh else held.snapshot
        return views.cache_entries(snapshot, self._ttls(), time.time())

    def clear_cache(self, actor: Actor = _OWNER) -> int:
        """Drop all cached values and collect them anew; how many there were."""
        dropped = len(self.cache_info().details)
        token = secrets.token_hex(8)
        with self._store.transaction():
            for key in (SNAPSHOT_KEY, *(view_key(name) for name in views.VIEW_NAMES)):
                self._store.delete(key)
            self._store.put(CLEARED_KEY, token.encode())
            refresh_request(self._store, token)
            self._store.increment(VERSION_KEY)
        self.audit.record("cache_cleared", {"count": dropped}, **by(actor))
        self._reader.look()
        return dropped

    def request_refresh(self) -> None:
        """Collect everything anew without dropping what is there."""
        with self._store.transaction():
            refresh_request(self._store, secrets.token_hex(8))
            self._store.increment(VERSION_KEY)

    def operations(self, limit: int = 20) -> list[Operation]:
        """The newest operations, newest first."""
        return list(self._reader.held.operations[:limit])

    def operation(self, operation_id: str) -> Operation:
        """One operation. Raises UnknownOperation."""
        for operation in self._reader.held.operations:
            if operation.id == operation_id:
                return operation
        raise UnknownOperation(operation_id)

    def series(self, entity: str, names: Sequence[str], start: float, end: float, points: int = 300) -> Series:
        """History of the machine (`series.HOST`) or a service between two times (epoch seconds), in about `points`."""
        return self._history.read(entity, names, start, end, points)

    def readiness(self) -> Readiness:
        """Whether values are published and current."""
        snapshot = self.snapshot()
        if snapshot is None:
            return Readiness(False, None, EngineStatus.CONNECTING, None)
        age = max(time.time() - snapshot.published_at, 0.0)
        return Readiness(age <= _STALE_AFTER, age, snapshot.engine.status, snapshot.leader)

    # --- commands

    def submit(self, kind: OperationKind, services: Sequence[str] | None, actor: Actor) -> Operation:
        """Queue a command for some services, or for all (None), and return its record.

        Raises UnknownService, ServiceProtected, BadRequest, NotReady; OperationActive, which names the one under way.
        """
        snapshot = self._known()
        steps = plan(kind, services, snapshot)
        names = [step.service for step in steps if step.service is not None]
        scope = "all" if services is None else ("one" if len(names) == 1 else "several")
        try:
            return self._submission.submit(kind, names, steps, actor, scope=scope)
        except OperationActive as error:
            raise OperationActive(snapshot.services[error.service].title, error.operation_id) from None

    def refusal(self, kind: OperationKind, service: str) -> HubError | None:
        """Why a command for this service would be refused now; None when it would be taken on. Raises NotReady."""
        try:
            plan(kind, [service], self._known())
        except HubError as error:
            return error
        return None

    def wait_operation(self, operation_id: str, timeout: float) -> Operation:
        """Wait until an operation has ended, `timeout` seconds at most; its record then. Raises UnknownOperation."""
        with self._reader.news:
            self._reader.news.wait_for(lambda: self.operation(operation_id).status.ended, timeout)
        return self.operation(operation_id)

    # --- log lines: fresh by nature, with deadlines

    def logs(self, service: str, lines: int) -> list[LogLine]:
        """The last lines of a service, oldest first.

        Raises UnknownService, NoContainer, EngineUnavailable, EngineTimeout, TooBusy.
        """
        if (container := self._container_id(service)) and lines <= 0:
            return []
        if not self._log_slots.acquire(blocking=False):
            later = text("Wait a few seconds, then try again.")
            raise TooBusy(text("Too many logs are being read at once."), remedy=later)
        try:
            return self._engine.logs(container, lines=lines)
        finally:
            self._log_slots.release()

    def follow_logs(self, service: str, lines: int) -> Iterator[LogLine | None]:
        """The last lines and then new ones as they come; None now and then as a sign of life. Close it to stop."""
        with self._engine.follow(self._container_id(service), lines=max(lines, 0)) as stream:
            yield from stream

    def tail(self, service: str) -> LogTail:
        """A buffer of the newest lines that fills in the background; returns at once. Raises UnknownService."""
        self._service(service)
        return self._logs.tail(service)

    # --- inside

    def _known(self) -> Snapshot:
        snapshot = self.snapshot()
        if snapshot is None:
            raise NotReady(
                text("The dashboard has only just started and does not know the services yet."),
                remedy=text("Try again in a few seconds."),
            )
        return snapshot

    def _service(self, name: str) -> ServiceState:
        snapshot = self.snapshot()
        state = snapshot.services.get(name) if snapshot is not None else None
        if state is None:
            raise UnknownService(name)
        return state

    def _container_id(self, name: str) -> str:
        state = self._service(name)
        if state.container is None:
            raise NoContainer(state.title)
        return state.container.id

    def _ttls(self) -> views.Ttls:
        names = ("system_metrics", "docker_stats", "service_health", "container_resources")
        return views.Ttls(*(getattr(self.settings, f"cache_{name}_ttl") for name in names))

    def _make_collector(self, lease: Lease) -> Collector:
        self._reader.look()
        kept = Kept(self._store, self._pending, self._history, self.audit)
        return make_collector(self.settings, kept, lease, self.snapshot())
