"""Runs queued operations in the leader, and marks what an earlier leader left behind."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from .errors import HubError, LeaseLost
from .models import Operation, OperationKind, text
from .operations import OperationQueue, OperationRun

log = logging.getLogger(__name__)

Action = Callable[[OperationRun], None]


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
        workers: int = 4,
    ) -> None:
        self._before_end = before_end
        self._queue = queue
        self._owner = owner
        self._actions = actions
        self._on_change = on_change
        self._running = 0
        self._ended = threading.Condition()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="operation")

    def recover(self) -> None:
        """Mark what a dead leader left behind; call once after taking the lease."""
        for operation in self._queue.interrupt_foreign(self._owner):
            log.warning("Operation %s (%s) was interrupted.", operation.id, operation.kind)
            self._on_change(operation)

    def poll(self) -> None:
        """Start everything that is queued."""
        while (operation := self._queue.claim(self._owner)) is not None:
            with self._ended:
                self._running += 1
            self._on_change(operation)
            self._pool.submit(self._carry_out, operation)

    @property
    def busy(self) -> bool:
        """Whether an operation is running."""
        return self._running > 0

    def close(self, patience: float = 8.0) -> None:
        """Start nothing more, and give running operations `patience` seconds to end."""
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
        try:
            self._actions[operation.kind](run)
            self._before_end(operation)
            ended = run.finish()
        except LeaseLost:
            log.warning("Operation %s was given up: another process leads now.", operation.id)
            return
        except HubError as error:
            ended = self._fail(run, error)
        except Exception as error:
            log.exception("Operation %s failed unexpectedly.", operation.id)
            ended = self._fail(
                run, HubError(text("Something went wrong that the dashboard did not foresee."), detail=repr(error))
            )
        self._on_change(ended)

    def _fail(self, run: OperationRun, error: HubError) -> Operation:
        log.warning("Operation %s failed: %s (%s)", run.operation.id, error, error.detail or "no detail")
        try:
            self._before_end(run.operation)
            return run.finish(error)
        except LeaseLost:
            return run.operation
