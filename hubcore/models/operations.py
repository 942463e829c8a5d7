"""Operations: commands and their progress."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from .base import Model, Text


class OperationKind(StrEnum):
    """What an operation does."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    CONFIGURE = "configure"
    BACKUP = "backup"
    PULL_MODEL = "pull_model"
    DELETE_MODEL = "delete_model"


CONTROL_KINDS = (OperationKind.START, OperationKind.STOP, OperationKind.RESTART)


class OperationStatus(StrEnum):
    """Where an operation stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (OperationStatus.QUEUED, OperationStatus.RUNNING)


class StepStatus(StrEnum):
    """Where one step of an operation stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


class Step(Model):
    """One step of an operation: one service, or one named part of the work on it (`key`)."""

    service: str | None = None
    key: str | None = None
    text: Text
    status: StepStatus = StepStatus.WAITING
    started_at: float | None = None
    ended_at: float | None = None
    problem: Text | None = None
    note: Text | None = None  # how far it has come, or what came of it
    share: float | None = None  # of the step's work that is done, 0.0 to 1.0

    @property
    def name(self) -> str | None:
        """What a report of progress calls this step by."""
        return self.key or self.service


class Actor(Model):
    """Who asked for something, and through which door."""

    name: str = "local"
    via: str = "page"  # page, api, cli, schedule
    address: str = ""  # of the client, where there is one


class Operation(Model):
    """A command and its progress, followed from anywhere by its id."""

    id: str
    kind: OperationKind
    services: tuple[str, ...] = ()
    scope: str = "one"  # one, several, all
    subject: str | None = None  # what it is about besides services: a model, a backup
    actor: Actor = Field(default_factory=Actor)
    status: OperationStatus = OperationStatus.QUEUED
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    owner: str | None = None  # the leader that runs it
    steps: tuple[Step, ...] = ()
    result: dict[str, str | int | float | bool | None] = Field(default_factory=dict)  # what came of it, by name
    log: tuple[str, ...] = ()  # last lines of what the engine or Compose said: untrusted
    problem: Text | None = None
    remedy: Text | None = None
    detail: str | None = None

    @property
    def progress(self) -> float:
        """Share of the steps that have ended, 0.0 to 1.0."""
        if self.status.ended and self.status == OperationStatus.SUCCEEDED:
            return 1.0
        ended = sum(s.share or 0.0 if s.status in _OPEN else 1.0 for s in self.steps)
        return ended / len(self.steps) if self.steps else 0.0


_OPEN = (StepStatus.WAITING, StepStatus.RUNNING)
