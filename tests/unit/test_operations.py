"""Operations: one per service, visible progress, nothing lost or half-done when a leader goes."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from hubcore import executor as executor_module
from hubcore import operations
from hubcore.adapters.store import Store
from hubcore.errors import EngineRefused, LeaseLost, OperationActive, StoreBusy, UnknownOperation
from hubcore.executor import Executor
from hubcore.models import Actor, Operation, OperationKind, OperationStatus, Step, StepStatus, text
from hubcore.operations import OperationQueue, OperationRun
from hubcore.reader import Reader


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


def queued_ago(queue: OperationQueue, seconds: float) -> Operation:
    then = time.time() - seconds
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations.time, "time", lambda: then)
        return submit(queue, "db")


@pytest.mark.parametrize("seconds", [31.0, 7 * 86400.0, -3600.0])
def test_a_command_of_earlier_is_not_carried_out_by_a_new_leader(queue: OperationQueue, seconds: float) -> None:
    """Also when the clock has been set back since."""
    stale = queued_ago(queue, seconds)
    done: list[str] = []
    executor = Executor(
        queue,
        "leader",
        dict.fromkeys(OperationKind, lambda run: done.append(run.operation.id)),
        on_change=lambda _: None,
    )
    executor.recover()
    executor.poll()
    executor.close()
    ended = queue.get(stale.id)
    assert done == []
    assert ended.status == OperationStatus.INTERRUPTED
    assert ended.problem is not None and "was not running" in ended.problem.english()
    assert queue.active() == {}


def test_a_command_of_a_moment_ago_is_carried_out_by_a_new_leader(queue: OperationQueue) -> None:
    young = queued_ago(queue, 20.0)
    changes, _ = run_to_end(queue, lambda run: None)
    assert changes[-1].id == young.id and changes[-1].status == OperationStatus.SUCCEEDED


def test_a_leader_that_could_not_look_for_a_while_does_not_carry_it_out_either(queue: OperationQueue) -> None:
    stale = queued_ago(queue, 60.0)
    Executor(queue, "leader", {}, on_change=lambda _: None).poll()
    assert queue.get(stale.id).status == OperationStatus.INTERRUPTED


@pytest.mark.parametrize("garbage", [b'["nosuch"]', b"garbage", b"[1, 2]", b"null", b"{}", "text", 5])
@pytest.mark.parametrize("key", ["ops", "ops:open", "op:"])
def test_records_that_nobody_can_read_stop_nothing(queue: OperationQueue, key: str, garbage: bytes | str | int) -> None:
    submit(queue, "db")
    running = queue.claim("old leader")
    assert running is not None
    queue._store.put(key if key != "op:" else f"op:{running.id}", garbage)
    executor = Executor(queue, "leader", {}, on_change=lambda _: None)
    executor.recover()
    executor.poll()
    executor.close()
    assert queue.active() == {}
    if key != "op:":
        assert queue.get(running.id).status == OperationStatus.INTERRUPTED, "the other list names it"
    again = submit(queue, "db")
    assert queue.active() == {"db": again.id}
    reader = Reader(queue._store, queue)
    reader.look()
    assert again.id in [operation.id for operation in reader.held.operations]


def test_the_end_is_written_when_the_store_can_be_written_again(
    queue: OperationQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = submit(queue, "db")
    monkeypatch.setattr(executor_module, "_AGAIN", 0.01)
    update, refused = queue.update, []

    def fail_at_first(record: Operation) -> None:
        if record.status.ended and len(refused) < 5:
            refused.append(record.id)
            raise StoreBusy(text("The disk is full."))
        update(record)

    monkeypatch.setattr(queue, "update", fail_at_first)
    run_to_end(queue, lambda run: None)
    assert len(refused) == 5
    assert queue.get(operation.id).status == OperationStatus.SUCCEEDED


def test_trouble_with_telling_others_changes_nothing(queue: OperationQueue) -> None:
    operation, done = submit(queue, "db"), threading.Event()

    def fail(_: Operation) -> None:
        raise StoreBusy(text("The disk is full."))

    executor = Executor(
        queue, "leader", dict.fromkeys(OperationKind, lambda run: done.set()), on_change=fail, before_end=fail
    )
    executor.poll()
    assert done.wait(5)
    executor.close()
    assert not executor.busy
    assert queue.get(operation.id).status == OperationStatus.SUCCEEDED
