"""Handing a command over to the leader: its record in the queue, and what must not stand there in a private file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .adapters.auditlog import AuditLog
from .audit_events import by, command_joined, command_refused, command_requested
from .errors import HubError
from .models import Actor, Operation, OperationKind, Step
from .operations import OperationQueue, new_id
from .pending import Pending


class Submission:
    """`look`: has the reader of this process look at the store at once."""

    def __init__(self, queue: OperationQueue, pending: Pending, look: Callable[[], object], audit: AuditLog) -> None:
        self._queue = queue
        self._pending = pending
        self._look = look
        self._audit = audit

    def submit(
        self,
        kind: OperationKind,
        services: Sequence[str],
        steps: Iterable[Step],
        actor: Actor,
        *,
        scope: str = "one",
        subject: str | None = None,
        private: Mapping[str, Any] | None = None,
        most: int | None = None,
    ) -> Operation:
        """Queue an operation and return its record. `private`: JSON-ready input that must not stand in the record.

        Raises OperationActive when one that has not ended works on one of the services; OSError. `most`: see
        `OperationQueue.submit`; the record may be that of an earlier one then.
        """
        operation_id = new_id()
        if private is not None:
            self._pending.put(operation_id, private)
        self._audit.record(*command_requested(operation_id, kind, services, subject), **by(actor))
        try:
            operation = self._queue.submit(
                kind, services, steps, actor=actor, scope=scope, subject=subject, operation_id=operation_id, most=most
            )
        except BaseException as error:
            self._pending.drop(operation_id)
            if isinstance(error, HubError):
                self._audit.record(*command_refused(operation_id, kind, services, error), **by(actor))
            raise
        if operation.id != operation_id:
            self._pending.drop(operation_id)
            self._audit.record(*command_joined(operation_id, operation.id), **by(actor))
        self._look()
        return operation
