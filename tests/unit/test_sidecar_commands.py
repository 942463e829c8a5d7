"""Commands: operations run to their end, and the answers the contract asks for."""

import threading
from collections.abc import Iterator

import pytest

from api_sidecar import commands
from api_sidecar.operation_json import error_of, operation_json, output_of
from hubcore.errors import EngineRefused
from hubcore.models import Actor, Operation, OperationKind, OperationStatus, Step, StepStatus, text
from hubcore.operations import OperationRun
from hubcore.texts import Translator

from .sidecar_kit import Bench, bench, state

EN = Translator("en")


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with bench(monkeypatch) as made:
        made.publish(state("redis"), state("db"))
        yield made


def works(run: OperationRun) -> None:
    for step in run.operation.steps:
        assert step.service is not None
        run.step(step.service, StepStatus.RUNNING)
        run.step(step.service, StepStatus.DONE)
    run.log("Container <hub> stopped")


def fails(run: OperationRun) -> None:
    raise EngineRefused(text("The port is taken."), remedy=text("Free it."), detail="/var/secret: driver failed")


@pytest.mark.parametrize("action", ["start", "stop", "restart"])
def test_control_of_one_service(ready: Bench, action: str) -> None:
    with ready.executor(works):
        response = ready.client("POST", "/api/service/redis/control", f'{{"action":"{action}"}}'.encode())
    answer = response.json()
    assert response.status == 200
    assert {k: answer[k] for k in ("success", "error", "action", "service")} == {
        "success": True,
        "error": None,
        "action": action,
        "service": "redis",
    }
    assert "done" in answer["output"]
    assert "Container ‹hub› stopped" in answer["output"]
    record = ready.hub.operation(answer["operation_id"])
    assert (record.services, record.scope, record.actor.via) == (("redis",), "one", "api")


@pytest.mark.parametrize("action", ["start", "stop", "restart"])
def test_control_of_all(ready: Bench, action: str) -> None:
    with ready.executor(works):
        response = ready.client("POST", f"/api/services/{action}-all", b"", {"Content-Type": "application/json"})
    answer = response.json()
    assert (response.status, answer["success"], answer["error"]) == (200, True, None)
    assert set(ready.hub.operation(answer["operation_id"]).services) == {"redis", "db"}


def test_a_failure_in_docker_is_200_without_success(ready: Bench) -> None:
    with ready.executor(fails):
        response = ready.client("POST", "/api/service/redis/control", b'{"action":"start"}')
    answer = response.json()
    assert (response.status, answer["success"]) == (200, False)
    assert answer["error"] == "The port is taken. Free it."
    assert b"/var/secret" not in response.body


def test_nothing_to_act_on_is_200_without_success(ready: Bench) -> None:
    ready.publish()
    answer = ready.client("POST", "/api/services/start-all")
    assert answer.status == 200
    assert answer.json()["success"] is False
    assert answer.json()["error"]
    ready.publish(state("redis", native=True, container=None))
    answer = ready.client("POST", "/api/service/redis/control", b'{"action":"stop"}')
    assert (answer.status, answer.json()["success"]) == (200, False)


def test_a_protected_service_is_403(ready: Bench) -> None:
    ready.publish(state("redis", protected=True))
    response = ready.client("POST", "/api/service/redis/control", b'{"action":"stop"}')
    assert response.status == 403
    assert response.json()["code"] == "service_protected"


def test_a_second_command_gets_409_with_the_first_ones_id(ready: Bench) -> None:
    first = ready.hub.submit(OperationKind.STOP, ["redis"], Actor())
    for path, body in (("/api/service/redis/control", b'{"action":"start"}'), ("/api/services/stop-all", b"")):
        response = ready.client("POST", path, body)
        assert response.status == 409
        answer = response.json()
        assert answer["operation_id"] == first.id
        assert answer["success"] is False


def test_a_command_that_goes_on_is_said_to(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "LONGEST_WAIT", 0.05)
    response = ready.client("POST", "/api/service/redis/control", b'{"action":"stop"}')  # nobody executes it
    answer = response.json()
    assert (response.status, answer["success"]) == (200, False)
    assert answer["operation_id"] in answer["error"]


def test_waiting_commands_leave_threads_for_reads(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    answers: list[int] = []
    begun = threading.Semaphore(0)
    wait = ready.hub.wait_operation

    def waits(operation_id: str, timeout: float) -> Operation:
        begun.release()
        return wait(operation_id, timeout)

    def blocks(run: OperationRun) -> None:
        assert gate.wait(30)

    ready.publish(*(state(f"s{n}") for n in range(commands.WAITS + 1)))
    monkeypatch.setattr(ready.hub, "wait_operation", waits)

    def control(number: int) -> None:
        answers.append(ready.client("POST", f"/api/service/s{number}/control", b'{"action":"stop"}').status)

    threads = [threading.Thread(target=control, args=(n,)) for n in range(commands.WAITS)]
    with ready.executor(blocks):
        for thread in threads:
            thread.start()
        for _ in threads:
            assert begun.acquire(timeout=30)
        refused = ready.client("POST", f"/api/service/s{commands.WAITS}/control", b'{"action":"stop"}')
        assert (refused.status, refused.json()["code"]) == (503, "too_busy")
        assert refused.headers["retry-after"]
        assert len(ready.hub.operations(100)) == commands.WAITS, "a refused command must not have begun"
        assert ready.client("GET", "/api/status").status == 200
        gate.set()
        for thread in threads:
            thread.join(30)
    assert answers == [200] * commands.WAITS


def test_operations_can_be_followed(ready: Bench) -> None:
    submitted = ready.hub.submit(OperationKind.STOP, ["redis"], Actor(name="<b>", via="page"))
    shown = ready.client("GET", f"/api/operations/{submitted.id}").json()
    assert (shown["status"], shown["success"], shown["progress"]) == ("queued", None, 0.0)
    assert shown["actor"] == {"name": "‹b›", "via": "page"}
    assert shown["steps"][0]["service"] == "redis"
    assert [op["id"] for op in ready.client("GET", "/api/operations").json()["operations"]] == [submitted.id]


# --- texts


def operation(status: OperationStatus, *steps: Step, **fields: object) -> Operation:
    return Operation.model_validate({"id": "op1", "kind": "stop", "status": status, "steps": steps, **fields})


def test_output_names_every_step_with_its_outcome() -> None:
    steps = [
        Step(service=status.value, text=text("Stop {service}", service=status.value), status=status)
        for status in StepStatus
    ]
    lines = output_of(operation(OperationStatus.RUNNING, *steps, log=("a", "b")), EN).splitlines()
    assert lines == [
        "Stop waiting: not begun",
        "Stop running: under way",
        "Stop done: done",
        "Stop skipped: not needed",
        "Stop failed: failed",
        "a",
        "b",
    ]


@pytest.mark.parametrize("status", [s for s in OperationStatus if s != OperationStatus.SUCCEEDED])
def test_everything_but_success_has_an_error_text(status: OperationStatus) -> None:
    assert error_of(operation(status), EN)
    assert error_of(operation(status, problem=text("Bad."), remedy=text("Do it.")), EN) == "Bad. Do it."


def test_success_has_no_error_text() -> None:
    done = operation(OperationStatus.SUCCEEDED)
    assert error_of(done, EN) is None
    assert operation_json(done, EN)["progress"] == 1.0


def test_problems_of_steps_are_told_when_the_operation_has_none() -> None:
    step = Step(service="db", text=text("Stop"), status=StepStatus.FAILED, problem=text("It would not."))
    assert error_of(operation(OperationStatus.FAILED, step), EN) == "It would not."
    assert "It would not." in output_of(operation(OperationStatus.FAILED, step), EN)
