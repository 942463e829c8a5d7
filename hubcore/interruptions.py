"""Operations that are not carried out to their end: what their records say then. Pure."""

from __future__ import annotations

from .models import Operation, OperationStatus, StepStatus, Text, text

STALE_AFTER = 30.0  # seconds after which a command that nobody has begun is not carried out any more


def is_stale(operation: Operation, now: float) -> bool:
    """Whether it has waited for too long, or was given in the future: the clock has been set back since."""
    return operation.status == OperationStatus.QUEUED and abs(now - operation.created_at) > STALE_AFTER


def too_late(operation: Operation, now: float) -> Operation:
    """The record of a command that nobody was there to carry out."""
    return operation.model_copy(
        update={
            "status": OperationStatus.INTERRUPTED,
            "ended_at": now,
            "problem": text("The dashboard was not running when this was to be done, so it was not done."),
            "remedy": text("Look at the state of the services, then give the command again if it is still wanted."),
        }
    )


def interrupted(operation: Operation, now: float) -> Operation:
    """The record of an operation whose process ended in the middle of it."""
    cut = {"status": StepStatus.FAILED, "ended_at": now, "problem": text("The dashboard was stopped meanwhile.")}
    steps = [s.model_copy(update=cut) if s.status == StepStatus.RUNNING else s for s in operation.steps]
    return operation.model_copy(
        update={
            "status": OperationStatus.INTERRUPTED,
            "ended_at": now,
            "steps": tuple(steps),
            "problem": text("The dashboard was stopped while it was doing this."),
            "remedy": _what_next(operation.result.get("backup_id")),
        }
    )


def _what_next(backup: object) -> Text:
    if isinstance(backup, str):
        return text("Look at the files: some may be new already. The old ones are in the backup {id}.", id=backup)
    return text("Look at the state of the services, then try again if needed.")
