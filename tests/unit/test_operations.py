"""Operations: one per service, visible progress, nothing lost or half-done when a leader goes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hubcore.adapters.store import Store
from hubcore.errors import EngineRefused, LeaseLost, OperationActive, UnknownOperation
from hubcore.executor import Executor
from hubcore.models import Actor, Operation, OperationKind, OperationStatus, Step, StepStatus, text
from hubcore.operations import OperationQueue, OperationRun


@pytest.fixture
def queue(tmp_path: Path) -> OperationQueue:
    return OperationQueue(Store(tmp_path / "store"))


def submit(queue: OperationQueue, *services: str) -> Operation:
    steps = [Step(service=name, text=text("Start {service}", service=name)) for name in services]
    return queue.submit(OperationKind.START, services, steps, actor=Actor(), scope="one")


def run_to_end(queue: OperationQueue, action: object) -> tuple[list[Operation], Executor]:
    ended, changes = threading.Event(), []

    def changed(operation: Operation) -> None:
        changes.append(operation)
        if operation.status.ended:
            ended.set()

    executor = Executor(queue, "leader", dict.fromkeys(OperationKind, action), on_change=changed)  # type: ignore[arg-type]
    executor.poll()
    assert ended.wait(10)
    return changes, executor


def test_a_second_operation_on_a_service_is_refused_with_the_first_ones_id(queue: OperationQueue) -> None:
    first = submit(queue, "db", "redis")
    submit(queue, "nginx")
    with pytest.raises(OperationActive) as refused:
        submit(queue, "tika", "redis")
    assert refused.value.operation_id == first.id
    assert set(queue.active()) == {"db", "redis", "nginx"}


def test_an_operation_runs_and_frees_its_service(queue: OperationQueue) -> None:
    operation = submit(queue, "db")

    def action(run: OperationRun) -> None:
        run.step("db", StepStatus.RUNNING)
        run.log("up")
        run.step("db", StepStatus.DONE)

    changes, _ = run_to_end(queue, action)
    ended = queue.get(operation.id)
    assert [c.status for c in changes] == [OperationStatus.RUNNING, OperationStatus.SUCCEEDED]
    assert ended.status == OperationStatus.SUCCEEDED and ended.progress == 1.0 and ended.log == ("up",)
    assert ended.steps[0].started_at and ended.steps[0].ended_at
    assert queue.active() == {}
    submit(queue, "db")


def test_a_failed_action_tells_why(queue: OperationQueue) -> None:
    operation = submit(queue, "db")

    def action(run: OperationRun) -> None:
        raise EngineRefused(text("The port is taken."), remedy=text("Free it."), detail="bind: in use")

    run_to_end(queue, action)
    ended = queue.get(operation.id)
    assert ended.status == OperationStatus.FAILED
    assert ended.problem == text("The port is taken.") and ended.remedy == text("Free it.")


def test_an_unforeseen_fault_ends_the_operation_too(queue: OperationQueue) -> None:
    operation = submit(queue, "db")
    run_to_end(queue, lambda run: 1 / 0)
    ended = queue.get(operation.id)
    assert ended.status == OperationStatus.FAILED and "ZeroDivisionError" in (ended.detail or "")


def test_a_new_leader_marks_foreign_work_as_interrupted(queue: OperationQueue) -> None:
    operation = submit(queue, "db", "redis")
    waiting = submit(queue, "nginx")
    claimed = queue.claim("old leader")
    assert claimed is not None and claimed.id == operation.id
    stale = OperationRun(claimed, queue)
    stale.step("db", StepStatus.RUNNING)

    seen: list[Operation] = []
    Executor(queue, "new leader", {}, on_change=seen.append).recover()

    ended = queue.get(operation.id)
    assert [o.id for o in seen] == [operation.id]
    assert ended.status == OperationStatus.INTERRUPTED and ended.steps[0].status == StepStatus.FAILED
    assert queue.get(waiting.id).status == OperationStatus.QUEUED, "what had not begun is simply begun later"
    assert set(queue.active()) == {"nginx"}
    with pytest.raises(LeaseLost):
        stale.step("db", StepStatus.DONE)
    with pytest.raises(LeaseLost):
        stale.finish()


def test_records_are_kept_to_a_number(queue: OperationQueue) -> None:
    first = submit(queue, "s")
    for _ in range(101):
        claimed = queue.claim("me")
        assert claimed is not None
        OperationRun(claimed, queue).finish()
        submit(queue, "s")
    assert len(queue.index()) == 100
    with pytest.raises(UnknownOperation):
        queue.get(first.id)
    assert next(iter(queue.index())) == max(queue.index()), "newest first"


def test_a_record_that_is_still_needed_outlives_the_newest(queue: OperationQueue) -> None:
    waiting = submit(queue, "slow")
    assert queue.claim("me") is not None
    for _ in range(101):
        submit(queue, "s")
        claimed = queue.claim("me")
        assert claimed is not None
        OperationRun(claimed, queue).finish()
    assert queue.get(waiting.id).status == OperationStatus.RUNNING
    assert queue.active() == {"slow": waiting.id}
