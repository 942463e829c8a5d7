"""Operations: commands as records in the store, one per service at a time, followed from anywhere.

A record lives under `op:<id>`; an index names the newest ones with their revisions, so that a reader fetches only what
changed. Everything is written inside transactions: killing any process leaves a readable record, and the next leader
marks what its predecessor was doing as interrupted.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Sequence

import orjson
from pydantic import TypeAdapter

from .adapters.store import Store
from .errors import HubError, LeaseLost, OperationActive, TooBusy, UnknownOperation
from .interruptions import interrupted, is_stale, too_late
from .models import (
    Actor,
    Operation,
    OperationKind,
    OperationStatus,
    Step,
    StepStatus,
    Text,
    dump,
    text,
)

INDEX_KEY = "ops"
OPEN_KEY = "ops:open"
VERSION_KEY = "version"
_KEEP = 100  # ended operations that stay readable
_LOG_LINES = 200
_IDS = TypeAdapter(list[str])
_INDEX = TypeAdapter(list[tuple[str, int]])


def new_id() -> str:
    """An id for an operation; ids sort by time."""
    return f"{int(time.time() * 1000):012x}{secrets.token_hex(4)}"


def _key(operation_id: str) -> str:
    return f"op:{operation_id}"


class OperationQueue:
    """The records of all operations; used by every process."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def submit(
        self,
        kind: OperationKind,
        services: Sequence[str],
        steps: Iterable[Step],
        *,
        actor: Actor,
        scope: str,
        subject: str | None = None,
        operation_id: str | None = None,
        most: int | None = None,
    ) -> Operation:
        """Queue an operation. Raises OperationActive when one that has not ended works on one of the services.

        `subject`: what it is about besides services; `operation_id`: one that `new_id` gave, if it is needed earlier.
        `most`: for a kind that takes long and blocks no service: one of this kind and subject that has not ended is
        returned instead, and TooBusy raised when there are as many of the kind already.
        """
        operation = Operation(
            id=operation_id or new_id(),
            kind=kind,
            services=tuple(services),
            scope=scope,
            subject=subject,
            actor=actor,
            created_at=time.time(),
            steps=tuple(steps),
        )
        with self._store.transaction():
            active = self._active()
            for service in services:
                if service in active:
                    raise OperationActive(service, active[service])
            if most is not None and (same := self._alike(operation, most)) is not None:
                return same
            self._write(operation)
        return operation

    def get(self, operation_id: str) -> Operation:
        """The record. Raises UnknownOperation."""
        operation = self._find(operation_id)
        if operation is None:
            raise UnknownOperation(operation_id)
        return operation

    def _find(self, operation_id: str) -> Operation | None:
        raw = self._store.get_bytes(_key(operation_id))
        try:
            return Operation.model_validate_json(raw) if raw is not None else None
        except ValueError as error:
            self._store.discard(_key(operation_id), type(error).__name__)
            return None

    def index(self) -> dict[str, int]:
        """Ids, newest first, with their revisions."""
        raw = self._store.get_bytes(INDEX_KEY)
        try:
            return dict(_INDEX.validate_json(raw)) if raw else {}
        except ValueError as error:
            self._store.discard(INDEX_KEY, type(error).__name__)
            return {}

    def active(self) -> dict[str, str]:
        """Service → id of the operation that is queued or running on it."""
        with self._store.transaction():
            return self._active()

    def claim(self, owner: str) -> Operation | None:
        """Mark the oldest queued operation as running for `owner` and return it."""
        with self._store.transaction():
            queued = [op for op in self._unended() if op.status == OperationStatus.QUEUED]
            if not queued:
                return None
            oldest = min(queued, key=lambda op: op.created_at)
            claimed = oldest.model_copy(
                update={"status": OperationStatus.RUNNING, "owner": owner, "started_at": time.time()}
            )
            self._write(claimed)
            return claimed

    def update(self, operation: Operation) -> None:
        """Write a record back. Raises LeaseLost when it is no longer this owner's to write."""
        with self._store.transaction():
            current = self.get(operation.id)
            if current.owner != operation.owner or current.status != OperationStatus.RUNNING:
                raise LeaseLost(text("Another process has taken over this work."))
            self._write(operation)

    def interrupt_left(self, owner: str | None = None) -> list[Operation]:
        """Mark as interrupted what was to be done too long ago, and for a new leader, what other owners left running.

        Nobody expects a command of last week to be carried out when the dashboard is started today.
        """
        now = time.time()
        with self._store.transaction():
            ended = []
            for operation in self._unended():
                if operation.status == OperationStatus.RUNNING and owner not in (None, operation.owner):
                    ended.append(interrupted(operation, now))
                elif is_stale(operation, now):
                    ended.append(too_late(operation, now))
            for operation in ended:
                self._write(operation)
        return ended

    def open_ids(self) -> list[str]:
        """Ids of the operations that have not ended."""
        return self._open_ids()

    def _active(self) -> dict[str, str]:
        return {service: op.id for op in self._unended() for service in op.services}

    def _alike(self, operation: Operation, most: int) -> Operation | None:
        alike = [op for op in self._unended() if op.kind == operation.kind]
        same = next((op for op in alike if op.subject == operation.subject), None)
        if same is None and len(alike) >= most:
            raise TooBusy(
                text("Too many operations of this kind are under way at once."),
                remedy=text("Wait until one of them has ended, then try again."),
            )
        return same

    def _unended(self) -> list[Operation]:
        found = (self._find(operation_id) for operation_id in self._open_ids())
        return [operation for operation in found if operation is not None and not operation.status.ended]

    def _open_ids(self) -> list[str]:
        raw, index = self._store.get_bytes(OPEN_KEY), self.index()
        ids: list[str] | None = None
        try:
            ids = _IDS.validate_json(raw) if raw is not None else None
        except ValueError as error:
            self._store.discard(OPEN_KEY, type(error).__name__)
        if ids is not None and index.keys() >= set(ids):
            return ids
        # One of the lists is damaged, or there is nothing yet: the records themselves tell.
        found = ((i, self._find(i)) for i in dict.fromkeys([*(ids or []), *index]))
        ids = [i for i, operation in found if operation is not None and not operation.status.ended]
        if index or raw is not None:
            self._store.put(OPEN_KEY, orjson.dumps(ids))
        return ids

    def _write(self, operation: Operation) -> None:
        index = self.index()
        index[operation.id] = index.get(operation.id, 0) + 1
        still_open = [i for i in self._open_ids() if i != operation.id and self._store.has(_key(i))]
        if not operation.status.ended:
            still_open.append(operation.id)
        newest_first = sorted(index, reverse=True)
        for old in newest_first[_KEEP:]:
            if old not in still_open:  # whoever works on it, or waits for it, still needs its record
                del index[old]
                self._store.delete(_key(old))
        self._store.put(_key(operation.id), orjson.dumps(dump(operation)))
        self._store.put(INDEX_KEY, orjson.dumps([(i, index[i]) for i in newest_first if i in index]))
        self._store.put(OPEN_KEY, orjson.dumps(still_open))
        self._store.increment(VERSION_KEY)


class OperationRun:
    """A running operation as its action sees it: report steps and output. Safe to use from several threads."""

    def __init__(self, operation: Operation, queue: OperationQueue) -> None:
        self._operation = operation
        self._queue = queue
        self._lock = threading.Lock()

    @property
    def operation(self) -> Operation:
        """The record as last written."""
        return self._operation

    def step(self, name: str, status: StepStatus, problem: HubError | None = None, *, note: Text | None = None) -> None:
        """Set the status of a step, by its key or service; raises LeaseLost. `note`: what came of it."""
        now = time.time()
        update: dict[str, object] = {"status": status, "problem": problem.text if problem else None, "note": note}
        update |= {"started_at": now} if status == StepStatus.RUNNING else {"ended_at": now, "share": None}
        self._change(name, update)

    def progress(self, name: str, share: float, note: Text | None = None) -> None:
        """Tell how much of a running step is done, 0.0 to 1.0; raises LeaseLost."""
        self._change(name, {"share": min(max(share, 0.0), 1.0), "note": note})

    def result(self, **values: str | int | float | bool | None) -> None:
        """Add to what came of the operation; raises LeaseLost."""
        with self._lock:
            self._save({"result": {**self._operation.result, **values}})

    def _change(self, name: str, update: dict[str, object]) -> None:
        with self._lock:
            steps = (s.model_copy(update=update) if s.name == name else s for s in self._operation.steps)
            self._save({"steps": tuple(steps)})

    def log(self, line: str) -> None:
        """Add a line of output; raises LeaseLost."""
        with self._lock:
            lines = (*self._operation.log, line[:2000])[-_LOG_LINES:]
            self._save({"log": lines})

    def finish(self, error: HubError | None = None) -> Operation:
        """End the operation: succeeded, or failed with `error`."""
        with self._lock:
            update: dict[str, object] = {"ended_at": time.time(), "status": OperationStatus.SUCCEEDED}
            if error is not None:
                update |= {
                    "status": OperationStatus.FAILED,
                    "problem": error.text,
                    "remedy": error.remedy,
                    "detail": error.detail,
                }
            self._save(update)
        return self._operation

    def _save(self, update: dict[str, object]) -> None:
        operation = self._operation.model_copy(update=update)
        self._queue.update(operation)
        self._operation = operation
