"""Have Ollama download and delete models."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing

from ..adapters.upstream_ollama import STALL, Ollama
from ..errors import HubError, LeaseLost
from ..models import StepStatus, text
from ..models.upstream import PullProgress
from ..operations import OperationRun
from ..places import Place
from ..upstream_parse import pull_note

MODEL_STEP = "model"  # the one step of both operations
EVERY = 0.5  # seconds between two reports of progress: each is written to the store


class Models:
    """Carries out both kinds of operation. `place` finds Ollama, and raises UpstreamFailed when it does not run."""

    def __init__(self, ollama: Ollama, place: Callable[[], Place], *, stall: float = STALL) -> None:
        self._ollama = ollama
        self._place = place
        self._stall = stall
        self._stopping = threading.Event()

    def interrupt(self) -> None:
        """Whatever fails from now on was cut short by the end of this process's lead."""
        self._stopping.set()

    def pull(self, run: OperationRun) -> None:
        """Download the model that the operation is about."""
        self._do(run, self._pull)

    def delete(self, run: OperationRun) -> None:
        """Delete it."""
        self._do(run, lambda run, model: self._ollama.delete(self._place(), model))

    def _do(self, run: OperationRun, act: Callable[[OperationRun, str], None]) -> None:
        model = run.operation.subject or ""
        run.step(MODEL_STEP, StepStatus.RUNNING)
        try:
            act(run, model)
        except LeaseLost:
            raise
        except HubError as error:
            if self._stopping.is_set():  # the next leader marks it as interrupted
                raise LeaseLost(text("The dashboard was stopped while it was doing this.")) from error
            run.step(MODEL_STEP, StepStatus.FAILED, error)
            if error.detail:
                run.log(error.detail)
            raise
        run.step(MODEL_STEP, StepStatus.DONE)
        run.result(model=model)

    def _pull(self, run: OperationRun, model: str) -> None:
        told = -EVERY
        progress = PullProgress()
        with closing(self._ollama.pull(self._place(), model, stall=self._stall)) as steps:
            for progress in steps:
                now = time.monotonic()
                if now - told >= EVERY:
                    run.progress(MODEL_STEP, progress.share, pull_note(progress))
                    told = now
        run.result(size=progress.total)
