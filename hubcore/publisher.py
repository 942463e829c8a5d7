"""Writes what readers read: the snapshot and the finished answers of the API, in one transaction."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from . import views
from .adapters.store import Store
from .errors import HubError
from .log import Trouble
from .models import Snapshot
from .operations import VERSION_KEY

log = logging.getLogger(__name__)

SNAPSHOT_KEY = "snapshot"
_COALESCE = 0.02  # seconds in which further urgent news join the same publication
_STUCK_AFTER = 30.0  # seconds; the store gives up after five
_LAZY = 1.0  # seconds that news of no urgency (another healthy answer, a new sample) may wait


def view_key(name: str) -> str:
    """Where the finished answer of an endpoint lies in the store."""
    return f"view:{name}"


class Publisher:
    """Publishes snapshots into the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def publish(self, snapshot: Snapshot) -> None:
        """Make a snapshot visible to every reader at once."""
        rendered = views.render(snapshot)
        body = snapshot.model_dump_json().encode()
        with self._store.transaction():
            self._store.put(SNAPSHOT_KEY, body)
            for name, answer in rendered.items():
                self._store.put(view_key(name), answer)
            self._store.increment(VERSION_KEY)


class PublishLoop:
    """A thread that publishes whenever something changed: at once when it is urgent, else within a second.

    `take` makes the snapshot; `may_publish` says whether this process still leads and knows enough.
    """

    def __init__(self, publisher: Publisher, take: Callable[[], Snapshot], may_publish: Callable[[], bool]) -> None:
        self._publisher = publisher
        self._take = take
        self._may_publish = may_publish
        self._trouble = Trouble(log)
        self._began: float | None = None  # when the publication under way began
        self._news = threading.Event()
        self._urgent = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def changed(self, urgent: bool) -> None:
        """Something was observed; called from any thread."""
        if urgent:
            self._urgent.set()
        self._news.set()

    def close(self) -> None:
        """Stop after the publication under way."""
        self._stopping.set()
        self._urgent.set()
        self._news.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._news.wait()
            self._urgent.wait(_LAZY)
            self._stopping.wait(_COALESCE)
            if self._stopping.is_set():
                return
            if not self._may_publish():
                self._stopping.wait(_COALESCE)
                continue
            self._news.clear()
            self._urgent.clear()
            self._publish()

    def is_well(self) -> bool:
        """Whether no publication has been under way for so long that it will never end."""
        began = self._began
        return began is None or time.monotonic() - began < _STUCK_AFTER

    def publish_now(self) -> None:
        """Publish in the calling thread, so that readers know before whatever is told them next."""
        if self._may_publish():
            self._publish()

    def _publish(self) -> None:
        began = self._began = time.monotonic()
        try:
            with self._lock:  # the older of two snapshots must not be written last
                self._publisher.publish(self._take())
            self._trouble.over()
        except HubError as error:
            self._trouble.tell("Could not publish", error)
            self._news.set()
            self._stopping.wait(_LAZY)
        except Exception:
            log.exception("Could not publish what was collected.")
            self._stopping.wait(_LAZY)
        finally:
            self._began = None
        log.debug("Published in %.1f ms.", (time.monotonic() - began) * 1000)
