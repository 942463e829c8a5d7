"""Limits of concurrency: whatever may block a thread for long takes a slot first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hubcore.errors import TooBusy
from hubcore.models import Text


class Slots:
    """At most `limit` holders at once; the next one is refused with TooBusy instead of waiting in a thread."""

    def __init__(self, limit: int, refusal: Text, remedy: Text) -> None:
        self.limit = limit
        self._refusal = refusal
        self._remedy = remedy
        self._free = threading.BoundedSemaphore(limit)

    def take(self) -> Callable[[], None]:
        """Occupy a slot; the result frees it, once, however often it is called. Raises TooBusy."""
        if not self._free.acquire(blocking=False):
            raise TooBusy(self._refusal, remedy=self._remedy)
        once = threading.Lock()

        def release() -> None:
            if once.acquire(blocking=False):
                self._free.release()

        return release

    @contextmanager
    def hold(self) -> Iterator[None]:
        """A slot for the length of a `with` block. Raises TooBusy."""
        release = self.take()
        try:
            yield
        finally:
            release()
