"""One thread per process that follows the store and holds the newest values in memory, so that no read waits."""

from __future__ import annotations

import logging
import threading
from typing import NamedTuple

from . import views
from .adapters.store import Store
from .errors import HubError, UnknownOperation
from .log import Trouble
from .models import Operation, Snapshot
from .operations import VERSION_KEY, OperationQueue
from .publisher import SNAPSHOT_KEY, view_key

log = logging.getLogger(__name__)

CLEARED_KEY = "cleared"
POLL = 0.02  # seconds between two looks at the store's version; one look costs some microseconds
_AFTER_ERROR = 0.5


class Held(NamedTuple):
    """What a process holds in memory. `cleared`: the newest request to drop everything cached."""

    version: int = 0
    snapshot: Snapshot | None = None
    bodies: dict[str, tuple[bytes, str]] = {}  # noqa: RUF012  # replaced as a whole, never changed: view → body, etag
    ages: views.Ages = views.Ages()
    operations: tuple[Operation, ...] = ()
    cleared: str | None = None

    @property
    def waiting_for_fresh(self) -> bool:
        """Whether the cache was cleared and fresh values have not come yet."""
        return self.cleared is not None and (self.snapshot is None or self.snapshot.refresh_token != self.cleared)


class Reader:
    """Follows the store; `held` is the newest state, `news` a condition that is notified whenever it changed."""

    def __init__(self, store: Store, queue: OperationQueue) -> None:
        self.held = Held()
        self.news = threading.Condition()
        self._store = store
        self._seen = 0  # version of the store that is held
        self._queue = queue
        self._operations: dict[str, tuple[int, Operation]] = {}
        self._trouble = Trouble(log)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="store-reader", daemon=True)

    def start(self) -> None:
        """Read once, then follow in the background; a store that cannot be read is tried again there."""
        try:
            self.look()
        except HubError as error:
            self._trouble.tell("The store could not be read", error)
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2)
        with self.news:
            self.news.notify_all()

    def look(self) -> bool:
        """Take over what is new in the store; whether there was anything."""
        with self._lock:
            version = self._store.get_int(VERSION_KEY)
            if version == self._seen:
                return False
            # a store that was begun anew counts from 0: here the number only ever grows
            held = self._read(max(version, self.held.version + 1))
            self._seen = version
            with self.news:
                self.held = held
                self.news.notify_all()
            return True

    def _run(self) -> None:
        while not self._stopping.wait(POLL):
            try:
                self.look()
                self._trouble.over()
            except HubError as error:
                self._trouble.tell("The store could not be read", error)
                self._stopping.wait(_AFTER_ERROR)
            except Exception:
                log.exception("Reading the store failed unexpectedly.")
                self._stopping.wait(_AFTER_ERROR)

    def _read(self, version: int) -> Held:
        before = self.held
        snapshot = self._read_snapshot() or before.snapshot
        cleared = self._store.get_bytes(CLEARED_KEY)
        bodies = dict(before.bodies)
        for name in views.VIEW_NAMES:
            body = self._store.get_bytes(view_key(name))
            if body is not None and (name not in bodies or bodies[name][0] != body):
                bodies[name] = (body, views.etag(body))
        return Held(
            version=version,
            snapshot=snapshot,
            bodies=bodies,
            ages=views.ages_of(snapshot) if snapshot is not None else views.Ages(),
            operations=self._read_operations(),
            cleared=cleared.decode(errors="replace") if cleared is not None else None,
        )

    def _read_snapshot(self) -> Snapshot | None:
        raw = self._store.get_bytes(SNAPSHOT_KEY)
        try:
            return Snapshot.model_validate_json(raw) if raw is not None else None
        except ValueError as error:
            self._store.discard(SNAPSHOT_KEY, type(error).__name__)
            return None

    def _read_operations(self) -> tuple[Operation, ...]:
        """All operations, newest first; only those whose revision changed are read again."""
        index = self._queue.index()
        kept: dict[str, tuple[int, Operation]] = {}
        for operation_id, revision in index.items():
            known = self._operations.get(operation_id)
            try:
                if known is None or known[0] != revision:
                    known = (revision, self._queue.get(operation_id))
                kept[operation_id] = known
            except UnknownOperation:
                continue  # its record was dropped
        self._operations = kept
        return tuple(operation for _, operation in kept.values())
