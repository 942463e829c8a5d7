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
    """One step of an operation, usually one service."""

    service: str | None = None
    text: Text
    status: StepStatus = StepStatus.WAITING
    started_at: float | None = None
    ended_at: float | None = None
    problem: Text | None = None


class Actor(Model):
    """Who asked for something, and through which door."""

    name: str = "local"
    via: str = "page"  # page, api, cli, schedule


class Operation(Model):
    """A command and its progress, followed from anywhere by its id."""

    id: str
    kind: OperationKind
    services: tuple[str, ...] = ()
    scope: str = "one"  # one, several, all
    actor: Actor = Field(default_factory=Actor)
    status: OperationStatus = OperationStatus.QUEUED
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    owner: str | None = None  # the leader that runs it
    steps: tuple[Step, ...] = ()
    log: tuple[str, ...] = ()  # last lines of what the engine or Compose said: untrusted
    problem: Text | None = None
    remedy: Text | None = None
    detail: str | None = None

    @property
    def progress(self) -> float:
        """Share of the steps that have ended, 0.0 to 1.0."""
        if self.status.ended and self.status == OperationStatus.SUCCEEDED:
            return 1.0
        ended = sum(1 for s in self.steps if s.status not in (StepStatus.WAITING, StepStatus.RUNNING))
        return ended / len(self.steps) if self.steps else 0.0
