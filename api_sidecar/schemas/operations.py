"""Operations, and the commands that start them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hubcore.models import OperationKind, OperationStatus, StepStatus

from .base import AnswerModel, BodyModel, Epoch, Said

Action = Literal["start", "stop", "restart"]


class ActorLine(AnswerModel):
    """Who gave the command."""

    name: str = Field(description="Name of the token, or `local`.")
    via: str = Field(description="`api`, `page` or `cli`.")


class StepLine(AnswerModel):
    """One step of an operation."""

    service: str | None
    text: str
    status: StepStatus
    problem: str | None
    note: str | None = Field(description="How far it has come, in words.")
    share: float | None = Field(ge=0, le=1, description="How much of a running step is done, where that is known.")
    started_at: Epoch | None
    ended_at: Epoch | None


class Operation(AnswerModel):
    """A command and how far it is."""

    id: Said
    kind: OperationKind
    scope: Literal["one", "several", "all"]
    services: list[str]
    subject: str | None = Field(description="What it is about besides services: a model, a backup.")
    status: OperationStatus
    progress: float = Field(ge=0, le=1)
    success: bool | None = Field(description="null until it has ended.")
    error: str | None
    output: str
    created_at: Epoch
    started_at: Epoch | None
    ended_at: Epoch | None
    actor: ActorLine
    steps: list[StepLine]


class Operations(AnswerModel):
    """The newest operations, newest first."""

    operations: list[Operation]


class AllDone(AnswerModel):
    """How a command for all services ended. `success: false` with 200: understood, but it failed in Docker."""

    success: bool
    output: str = Field(description="The steps, one a line, then what Docker or Compose said.")
    error: Said | None = Field(description="null for a success.")
    operation_id: str | None = Field(None, description="Absent when there was nothing to begin.")
    code: str | None = Field(None, description="The kind of error, when nothing was begun.")
    action: Action


class ControlBody(BodyModel):
    """What to do with the service."""

    action: Action = Field(examples=["restart"])


class ControlDone(AllDone):
    """How a command for one service ended."""

    service: Said
