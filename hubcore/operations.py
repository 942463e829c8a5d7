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

from .adapters.store import Store
from .errors import HubError, LeaseLost, OperationActive, UnknownOperation
from .models import (
    Actor,
    Operation,
    OperationKind,
    OperationStatus,
    Step,
    StepStatus,
    dump,
    text,
)

INDEX_KEY = "ops"
OPEN_KEY = "ops:open"
VERSION_KEY = "version"
_KEEP = 100  # ended operations that stay readable
_LOG_LINES = 200


def _key(operation_id: str) -> str:
    return f"op:{operation_id}"


class OperationQueue:
    """The records of all operations; used by every process."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def submit(
        self, kind: OperationKind, services: Sequence[str], steps: Iterable[Step], *, actor: Actor, scope: str
    ) -> Operation:
        """Queue an operation. Raises OperationActive when one that has not ended works on one of the services."""
        operation = Operation(
            id=f"{int(time.time() * 1000):012x}{secrets.token_hex(4)}",
            kind=kind,
            services=tuple(services),
            scope=scope,
            actor=actor,
            created_at=time.time(),
            steps=tuple(steps),
        )
        with self._store.transaction():
            active = self._active()
            for service in services:
                if service in active:
                    raise OperationActive(service, active[service])
            self._write(operation)
        return operation

    def get(self, operation_id: str) -> Operation:
        """The record. Raises UnknownOperation."""
        raw = self._store.get_bytes(_key(operation_id))
        if raw is None:
            raise UnknownOperation(operation_id)
        return Operation.model_validate_json(raw)

    def index(self) -> dict[str, int]:
        """Ids, newest first, with their revisions."""
        raw = self._store.get_bytes(INDEX_KEY)
        return dict(orjson.loads(raw)) if raw else {}

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

    def interrupt_foreign(self, owner: str) -> list[Operation]:
        """Mark what other owners left running as interrupted; the new leader calls this first."""
        with self._store.transaction():
            left = [op for op in self._unended() if op.status == OperationStatus.RUNNING and op.owner != owner]
            ended = [_interrupted(op) for op in left]
            for operation in ended:
                self._write(operation)
        return ended

    def _active(self) -> dict[str, str]:
        return {service: op.id for op in self._unended() for service in op.services}

    def _unended(self) -> list[Operation]:
        return [self.get(operation_id) for operation_id in self._open_ids()]

    def _open_ids(self) -> list[str]:
        raw = self._store.get_bytes(OPEN_KEY)
        ids: list[str] = orjson.loads(raw) if raw else []
        return ids

    def _write(self, operation: Operation) -> None:
        index = self.index()
        index[operation.id] = index.get(operation.id, 0) + 1
        still_open = [i for i in self._open_ids() if i != operation.id]
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


def _interrupted(operation: Operation) -> Operation:
    now = time.time()
    cut = {"status": StepStatus.FAILED, "ended_at": now, "problem": text("The dashboard was stopped meanwhile.")}
    steps = [s.model_copy(update=cut) if s.status == StepStatus.RUNNING else s for s in operation.steps]
    return operation.model_copy(
        update={
            "status": OperationStatus.INTERRUPTED,
            "ended_at": now,
            "steps": tuple(steps),
            "problem": text("The dashboard was stopped while it was doing this."),
            "remedy": text("Look at the state of the services, then try again if needed."),
        }
    )


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

    def step(self, service: str, status: StepStatus, problem: HubError | None = None) -> None:
        """Set the status of a service's step; raises LeaseLost."""
        now = time.time()

        def changed(step: Step) -> Step:
            if step.service != service:
                return step
            times = {"started_at": now} if status == StepStatus.RUNNING else {"ended_at": now}
            return step.model_copy(update={"status": status, "problem": problem.text if problem else None, **times})

        with self._lock:
            steps = tuple(changed(step) for step in self._operation.steps)
            self._save({"steps": steps})

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
