"""Streams of the engine that last: events and followed logs. Both end at once when closed from any thread."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import chain
from types import TracebackType
from typing import Generic, Self, TypeVar

import requests

from hubcore.errors import EngineUnavailable, HubError
from hubcore.models import LogLine, text

from . import engine_parse
from .engine_client import Client, Guard
from .engine_errors import FOREIGN, TRY_AGAIN, translate
from .engine_logs import LineAssembler
from .engine_parse import EngineEvent

HEARTBEAT = 10.0  # seconds without a line after which a log stream yields None
BUFFERED_LINES = 2000  # lines read ahead of a slow reader; then the engine waits
CHUNK = 65536
MAX_EVENT = 1024 * 1024
log = logging.getLogger(__name__)

T = TypeVar("T")


class RawStream:
    """The bytes of one lasting response, with a client of its own. `close()` works from any thread."""

    def __init__(self, client: Client, response: requests.Response, guard: Guard, address: str) -> None:
        self._client = client
        self._response = response
        self._guard = guard
        self.address = address
        self.closed = False

    def chunks(self) -> Generator[bytes, None, None]:
        """Pieces as they arrive, until the engine ends the stream or `close()` is called. Read by one thread."""
        try:
            while not self.closed:
                piece = self._response.raw.read1(CHUNK)
                if not piece:
                    return
                yield piece
        except FOREIGN as error:
            if not self.closed:
                raise translate(error, address=self.address, seconds=self._guard.seconds) from error
        finally:
            self.dispose()

    def close(self) -> None:
        """End the stream; the thread that reads wakes at once, and disposes of it."""
        self.closed = True
        self._guard.cut()

    def dispose(self) -> None:
        """Close the descriptors. Only for the reading thread: one closed while another reads it could be reused."""
        self.closed = True
        self._response.close()
        self._client.close()


class EventStream:
    """Container events as they happen: `with engine.events() as events: for event in events: …`.

    It ends without an error only when `close()` was called (from any thread); when the engine ends it or the connection
    breaks, EngineUnavailable is raised, or EngineRefused for an answer that cannot be understood.
    """

    def __init__(self, raw: RawStream) -> None:
        self._raw = raw
        self._closing = False
        self._events = self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._events.close()
        self._raw.dispose()

    def __iter__(self) -> Iterator[EngineEvent]:
        return self._events

    def close(self) -> None:
        """End the stream; whoever waits for its next event gets the end at once."""
        self._closing = True
        self._raw.close()

    def _read(self) -> Generator[EngineEvent, None, None]:
        rest = b""
        with closing(self._raw.chunks()) as pieces:
            for piece in pieces:
                *lines, rest = (rest + piece).split(b"\n")
                if len(rest) > MAX_EVENT:
                    raise translate(ValueError("an event without an end"), address=self._raw.address, seconds=0)
                yield from filter(None, map(self._parse, lines))
        if not self._closing:
            raise EngineUnavailable(text("Docker ended the connection for events."), remedy=TRY_AGAIN)

    def _parse(self, line: bytes) -> EngineEvent | None:
        if not line.strip():
            return None
        try:
            data = json.loads(line)
        except ValueError as error:
            raise translate(error, address=self._raw.address, seconds=0) from error
        try:
            return engine_parse.event(data)
        except ValueError as error:  # the next look at the list tells what it may have been about
            log.warning("An event of the Docker engine cannot be understood: %s", error)
            return None


class _Mailbox(Generic[T]):
    """A bounded queue that can be closed from either end, which wakes both."""

    def __init__(self, size: int) -> None:
        self._items: deque[T] = deque()
        self._size = size
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> bool:
        """Wait for room; False when the mailbox was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._size)
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def get(self, timeout: float) -> T | None:
        """The next item; None after `timeout` seconds without one. EOFError when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items) or self._closed, timeout)
            if self._items:
                self._changed.notify_all()
                return self._items.popleft()
            if self._closed:
                raise EOFError
            return None

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class LogStream:
    """Lines of a followed log as they are written; None after some seconds of silence, as a sign of life.

    Ends when the container's log ends or `close()` is called (from any thread); raises EngineUnavailable when the
    connection breaks. Use it as a context manager, or call `close()`: a thread and a connection belong to it.
    """

    def __init__(self, raw: RawStream, *, tty: bool, heartbeat: float = HEARTBEAT) -> None:
        self._raw = raw
        self._heartbeat = heartbeat
        self._assembler = LineAssembler(tty=tty)
        self._lines: _Mailbox[LogLine] = _Mailbox(BUFFERED_LINES)
        self._problem: HubError | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._read, name="engine-log", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> LogLine | None:
        try:
            return self._lines.get(self._heartbeat)
        except EOFError:
            if self._problem is not None and not self._closing:
                raise self._problem from None
            raise StopIteration from None

    def close(self) -> None:
        """End the stream and its thread."""
        self._closing = True
        self._raw.close()
        self._lines.close()

    def _read(self) -> None:
        started = time.monotonic()
        try:
            with closing(self._raw.chunks()) as pieces:
                for line in chain.from_iterable(map(self._assembler.feed, pieces)):
                    if not self._lines.put(line):
                        return
            for line in self._assembler.finish():
                self._lines.put(line)
        except HubError as error:
            self._problem = error
        except ValueError as error:
            self._problem = translate(error, address=self._raw.address, seconds=0)
        finally:
            self._raw.dispose()
            self._lines.close()
            log.debug("log stream ended after %.1f s", time.monotonic() - started)
