"""What is told of refusals, and how often; and what the audit log says of commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubcore.adapters.auditlog import AuditLog
from hubcore.adapters.store import Store
from hubcore.audit_events import REFUSALS, Asking, by, command_finished, command_refused, command_requested
from hubcore.errors import (
    BadRequest,
    HostRefused,
    HubError,
    OperationActive,
    OriginRefused,
    RoleRefused,
    TokenRequired,
    TokensUnreadable,
    TooManyAttempts,
)
from hubcore.models import Actor, Operation, OperationKind, OperationStatus, text
from hubcore.notes import Notes
from hubcore.refusals import AGAIN_AFTER, MOST, Refusals

ASKING = Asking("script", "10.0.0.1", "api", "POST", "/api/x")


class Case:
    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "store")
        self.audit = AuditLog(folder / "security.log")
        self.notes = Notes(self.store)
        self.now = 1000.0
        self.refusals = Refusals(self.notes, self.audit, clock=lambda: self.now)

    def note(self, error: HubError, asking: Asking = ASKING) -> None:
        self.refusals.note(error, asking)

    def events(self) -> list[str]:
        return [entry["event_type"] for entry in reversed(self.audit.newest(500))]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (HostRefused(text("no")), "host_refused"),
        (OriginRefused(text("no")), "origin_refused"),
        (RoleRefused(text("no")), "role_refused"),
        (TokenRequired(text("no")), "token_refused"),
        (TokensUnreadable(text("no"), detail="/secret/path"), "token_refused"),
        (TooManyAttempts(3.2), "too_many_attempts"),
    ],
)
def test_each_refusal_has_its_event(case: Case, error: HubError, event: str) -> None:
    case.note(error)
    (entry,) = case.audit.newest(5)
    assert entry["event_type"] == event == REFUSALS[type(error)]
    assert (entry["user"], entry["user_ip"], entry["via"]) == ("script", "10.0.0.1", "api")
    assert entry["details"].keys() == {"method", "path", "reason"}
    assert "/secret" not in str(entry)
    assert [note.kind for note in case.notes.collect()] == (["refusal"] if event == "origin_refused" else [])


def test_other_errors_are_none_of_its_business(case: Case) -> None:
    case.note(BadRequest(text("no")))
    assert case.events() == []


def test_the_same_thing_is_told_once_in_a_while(case: Case) -> None:
    for _ in range(50):
        case.note(HostRefused(text("no")))
    case.note(HostRefused(text("no")), ASKING._replace(address="10.0.0.2"))
    assert case.events() == ["host_refused"] * 2
    assert case.audit.newest(1)[0]["details"]["untold"] == 49
    case.now += AGAIN_AFTER
    case.note(HostRefused(text("no")))
    assert len(case.events()) == 3


def test_a_flood_of_different_ones_is_bounded(case: Case) -> None:
    for number in range(5 * MOST):
        case.note(HostRefused(text("no")), ASKING._replace(path=f"/{number}"))
    assert len(case.events()) == MOST
    case.now += AGAIN_AFTER
    case.note(HostRefused(text("no")))
    assert case.audit.newest(1)[0]["details"]["untold"] == 4 * MOST


def test_commands() -> None:
    assert command_requested("ab", OperationKind.PULL_MODEL, [], "llama") == (
        "command_requested",
        {"operation_id": "ab", "action": "pull_model", "services": [], "subject": "llama"},
    )
    event, details = command_refused("ab", OperationKind.STOP, ["db"], OperationActive("db", "cd"))
    assert (event, details["code"], details["services"]) == ("command_refused", "operation_active", ["db"])
    operation = Operation(
        id="ab", kind=OperationKind.STOP, services=("db",), status=OperationStatus.FAILED,
        problem=text("Port {port} is taken.", port=1), detail="raw words",
    )  # fmt: skip
    assert command_finished(operation) == (
        "command_finished",
        {
            "operation_id": "ab",
            "action": "stop",
            "services": ["db"],
            "outcome": "failed",
            "error": "Port 1 is taken.",
        },
    )
    assert by(Actor(name="script", via="api", address="10.0.0.1")) == {
        "user": "script", "address": "10.0.0.1", "via": "api",
    }  # fmt: skip
