"""GET /api/security/logs, and what the requests of the API leave in the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api_sidecar.schemas.security import SecurityLog
from api_sidecar.security import wanted_entries
from hubcore.models import OperationKind, StepStatus
from hubcore.operations import OperationRun

from .sidecar_kit import FOREIGN, Bench, bench, state


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with bench(monkeypatch) as made:
        made.publish(state("redis"), state("db"))
        yield made


def logs(ready: Bench, query: str = "") -> list[dict[str, Any]]:
    answer = ready.client("GET", "/api/security/logs", query=query)
    assert answer.status == 200
    SecurityLog.model_validate(answer.json(), strict=True)
    found: list[dict[str, Any]] = answer.json()["logs"]
    return found


def test_empty(ready: Bench) -> None:
    assert logs(ready) == []


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [(None, 100), ("", 100), ("x", 100), ("-1", 100), ("0", 0), ("7", 7), (" 7 ", 7), ("99999999999999999", 1000)],
)
def test_limits(raw: str | None, wanted: int) -> None:
    assert wanted_entries(raw) == wanted


def test_the_newest_first_and_as_many_as_asked_for(ready: Bench) -> None:
    for number in range(120):
        ready.hub.audit.record("event", {"n": number}, user="u", address="10.0.0.1", via="api")
    assert [entry["details"]["n"] for entry in logs(ready, "limit=2")] == [119, 118]
    assert len(logs(ready)) == 100
    assert len(logs(ready, "limit=nonsense")) == 100
    assert logs(ready, "limit=0") == []


def test_markup_of_strangers_is_harmless(ready: Bench) -> None:
    evil = "<img src=x onerror='steal()'>"
    ready.client("POST", f"/{evil}", headers={"Origin": FOREIGN + "/<script>"}, host="localhost")
    ready.hub.audit.record(evil, {evil: {"list": [evil]}}, user=evil, address=evil, via=evil)
    answer = ready.client("GET", "/api/security/logs")
    assert len(answer.json()["logs"]) == 2
    assert b"<" not in answer.body and b"'" not in answer.body


def works(run: OperationRun) -> None:
    for step in run.operation.steps:
        run.step(str(step.name), StepStatus.DONE)


def test_a_command_is_recorded_when_it_is_asked_for(ready: Bench) -> None:
    with ready.executor(works):
        answer = ready.client("POST", "/api/service/redis/control", b'{"action":"stop"}').json()
    (entry,) = logs(ready)
    assert (entry["event_type"], entry["user"], entry["via"]) == ("command_requested", "local", "api")
    assert entry["details"] == {
        "operation_id": answer["operation_id"], "action": OperationKind.STOP, "services": ["redis"],
    }  # fmt: skip


def test_a_command_that_was_not_taken_on_is_recorded_too(ready: Bench) -> None:
    first = ready.hub.submit(OperationKind.STOP, ["redis"], _actor())
    assert ready.client("POST", "/api/service/redis/control", b'{"action":"stop"}').status == 409
    kinds = [(e["event_type"], e["details"].get("code")) for e in logs(ready)]
    assert kinds == [("command_refused", "operation_active"), ("command_requested", None), ("command_requested", None)]
    assert logs(ready)[-1]["details"]["operation_id"] == first.id


def _actor() -> Any:
    from hubcore.models import Actor

    return Actor(name="schedule", via="schedule")


def test_clearing_the_cache_is_recorded(ready: Bench) -> None:
    count = ready.client("POST", "/api/cache/clear").json()["cleared"]
    (entry,) = logs(ready)
    assert (entry["event_type"], entry["details"]) == ("cache_cleared", {"count": count})


def test_refusals_are_recorded_once_each(ready: Bench) -> None:
    for _ in range(3):
        ready.client("POST", "/api/cache/clear", headers={"Origin": FOREIGN})
        ready.client("GET", "/api/status", host="evil.example")
        ready.client("GET", "/api/status", headers={"Authorization": "Bearer hub_0badc0de_" + "s3cret" * 7 + "x"})
    found = logs(ready)
    assert sorted(entry["event_type"] for entry in found) == ["host_refused", "origin_refused", "token_refused"]
    assert {"method", "path", "reason"} <= found[0]["details"].keys()
    assert "s3cret" not in str(found)
    assert "evil.example" in str(found)


def test_the_command_goes_on_when_nothing_can_be_recorded(ready: Bench) -> None:
    ready.hub.audit.path.mkdir(parents=True)
    with ready.executor(works):
        answer = ready.client("POST", "/api/service/redis/control", b'{"action":"stop"}')
    assert answer.json()["success"] is True
    assert ready.hub.audit.problem is not None
    assert logs(ready) == []
