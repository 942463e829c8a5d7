"""Events that processes other than the leader want told: left in the store, collected by the leader."""

from __future__ import annotations

import threading
import time

import orjson
from pydantic import TypeAdapter

from .adapters.store import Store
from .models import Event, dump
from .operations import VERSION_KEY

NOTES_KEY = "notes"
_KEEP = 20
_AGAIN_AFTER = 300.0  # seconds in which the same thing is told once only: a page may try every second
_EVENTS = TypeAdapter(list[Event])


class Notes:
    """The notes of all processes. `leave` may be called by anybody, `collect` by the leader."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}

    def leave(self, event: Event) -> bool:
        """Leave a note; False when this process said the same a short while ago."""
        if not self._is_new(event.text.english()):
            return False
        with self._store.transaction():
            notes = [*self._read(), event][-_KEEP:]
            self._store.put(NOTES_KEY, orjson.dumps([dump(note) for note in notes]))
            self._store.increment(VERSION_KEY)
        return True

    def collect(self) -> list[Event]:
        """Take all notes, oldest first."""
        if not self._store.has(NOTES_KEY):
            return []
        with self._store.transaction():
            notes = self._read()
            self._store.delete(NOTES_KEY)
        return notes

    def _is_new(self, words: str) -> bool:
        now = time.monotonic()
        with self._lock:
            self._told = {told: at for told, at in self._told.items() if now - at < _AGAIN_AFTER}
            if words in self._told or len(self._told) >= _KEEP:
                return False
            self._told[words] = now
            return True

    def _read(self) -> list[Event]:
        raw = self._store.get_bytes(NOTES_KEY)
        try:
            return _EVENTS.validate_json(raw) if raw is not None else []
        except ValueError as error:
            self._store.discard(NOTES_KEY, type(error).__name__)
            return []
