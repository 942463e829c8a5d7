"""Runs queued operations in the leader, and marks what an earlier leader left behind."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from .errors import HubError, LeaseLost, StoreBusy
from .models import Operation, OperationKind, text
from .operations import OperationQueue, OperationRun

log = logging.getLogger(__name__)

Action = Callable[[OperationRun], None]
_AGAIN = 1.0  # seconds between two attempts to write how an operation ended
WORKERS = 16  # more than downloads and deletions of models at once (`upstreams.MOST`): they may take hours


class Executor:
    """Runs queued operations; only the leader starts one.

    `on_change` is told when an operation began and after it ended, `before_end` when its work is done but nobody has
    been told yet: whoever waits for the end then sees what it led to.
    """

    def __init__(
        self,
        queue: OperationQueue,
        owner: str,
        actions: Mapping[OperationKind, Action],
        *,
        on_change: Callable[[Operation], None],
        before_end: Callable[[Operation], None] = lambda _: None,
        workers: int = WORKERS,
    ) -> None:
        self._before_end = before_end
        self._queue = queue
        self._owner = owner
        self._actions = actions
        self._on_change = on_change
        self._running = 0
        self._ended = threading.Condition()
        self._closing = threading.Event()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="operation")

    def recover(self) -> None:
        """Mark what a dead leader left behind; call once after taking the lease."""
        self._tell(self._queue.interrupt_left(self._owner))

    def poll(self) -> None:
        """Start everything that is queued; what has waited for too long (the store was stuck) is not done any more."""
        self._tell(self._queue.interrupt_left())
        while (operation := self._queue.claim(self._owner)) is not None:
            with self._ended:
                self._running += 1
            self._guarded(self._on_change, operation)
            self._pool.submit(self._carry_out, operation)

    def _tell(self, interrupted: Iterable[Operation]) -> None:
        for operation in interrupted:
            log.warning("Operation %s (%s) was interrupted.", operation.id, operation.kind)
            self._guarded(self._on_change, operation)

    @property
    def busy(self) -> bool:
        """Whether an operation is running."""
        return self._running > 0

    def close(self, patience: float = 8.0) -> None:
        """Start nothing more, and give running operations `patience` seconds to end."""
        self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._ended:
            if not self._ended.wait_for(lambda: self._running == 0, patience):
                log.warning(
                    "%d operations are still running; the next leader marks them as interrupted.", self._running
                )

    def _carry_out(self, operation: Operation) -> None:
        try:
            self._run(operation)
        finally:
            with self._ended:
                self._running -= 1
                self._ended.notify_all()

    def _run(self, operation: Operation) -> None:
        run = OperationRun(operation, self._queue)
        problem: HubError | None = None
        try:
            self._actions[operation.kind](run)
        except LeaseLost as error:
            problem = error
        except HubError as error:
            log.warning("Operation %s failed: %s (%s)", operation.id, error, error.detail or "no detail")
            problem = error
        except Exception as error:
            log.exception("Operation %s failed unexpectedly.", operation.id)
            problem = HubError(text("Something went wrong that the dashboard did not foresee."), detail=repr(error))
        try:
            if isinstance(problem, LeaseLost):
                raise problem
            self._guarded(self._before_end, operation)
            ended = self._finish(run, problem)
        except LeaseLost:
            log.warning("Operation %s was given up: another process leads now.", operation.id)
            return
        self._guarded(self._on_change, ended)

    def _finish(self, run: OperationRun, problem: HubError | None) -> Operation:
        """Write how it ended, as soon as the store can be written: else its services would stay occupied."""
        while True:
            try:
                return run.finish(problem)
            except StoreBusy as error:
                log.warning("The end of operation %s cannot be written yet: %s", run.operation.id, error)
                if self._closing.wait(_AGAIN):
                    raise

    def _guarded(self, tell: Callable[[Operation], None], operation: Operation) -> None:
        """Trouble with telling others must not change what came of an operation."""
        try:
            tell(operation)
        except Exception:
            log.exception("Not everybody could be told of operation %s.", operation.id)
