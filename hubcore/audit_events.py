"""What the audit log says of commands and refusals: name of the event, and its details. Pure.

The events of a configuration have their own places and names, which the legacy contract gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypedDict

from .errors import HostRefused, HubError, OriginRefused, RoleRefused, TokenRequired, TokensUnreadable, TooManyAttempts
from .models import Actor, Operation, OperationKind
from .views_text import say

Entry = tuple[str, dict[str, Any]]

# Refusals that are recorded, and under which name.
REFUSALS: dict[type[HubError], str] = {
    HostRefused: "host_refused",
    OriginRefused: "origin_refused",
    RoleRefused: "role_refused",
    TokenRequired: "token_refused",
    TokensUnreadable: "token_refused",
    TooManyAttempts: "too_many_attempts",
}


class Asking(NamedTuple):
    """Who was refused, and what they wanted. `user`: the token's name, where one was known."""

    user: str
    address: str
    via: str
    method: str
    path: str


class By(TypedDict):
    """Who did something, as `AuditLog.record` takes it."""

    user: str
    address: str
    via: str


def by(actor: Actor) -> By:
    """Who did it."""
    return By(user=actor.name, address=actor.address, via=actor.via)


def command_requested(operation_id: str, kind: OperationKind, services: Sequence[str], subject: str | None) -> Entry:
    """A command, before it is carried out."""
    return "command_requested", _command(operation_id, kind, services, subject)


def command_refused(operation_id: str, kind: OperationKind, services: Sequence[str], error: HubError) -> Entry:
    """A command that was requested and not taken on."""
    return "command_refused", _command(operation_id, kind, services, None) | {"code": error.code}


def command_joined(operation_id: str, other_id: str) -> Entry:
    """A command that was requested while another one already does the same: it is that one now."""
    return "command_joined", {"operation_id": operation_id, "joined": other_id}


def command_finished(operation: Operation) -> Entry:
    """A command that has ended, however it did."""
    details = _command(operation.id, operation.kind, operation.services, operation.subject)
    details["outcome"] = operation.status.value
    if operation.problem is not None:
        details["error"] = say(operation.problem)[:500]
    return "command_finished", details


def refused(error: HubError, asking: Asking) -> Entry | None:
    """A request that was refused at the door; None for an error that is no such refusal."""
    event = REFUSALS.get(type(error))
    if event is None:
        return None
    return event, {"method": asking.method[:20], "path": asking.path[:200], "reason": say(error.text)[:300]}


def _command(operation_id: str, kind: OperationKind, services: Sequence[str], subject: str | None) -> dict[str, Any]:
    details: dict[str, Any] = {"operation_id": operation_id, "action": kind.value, "services": list(services)[:50]}
    if subject is not None:
        details["subject"] = subject[:200]
    return details
