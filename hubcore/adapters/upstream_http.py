"""HTTP to the services behind the dashboard: one deadline for all of a request, whatever a service does or does not.

A deadline of an HTTP client counts from byte to byte, so a service that drips would never trip it. Requests therefore
run in an event loop of their own thread, where `asyncio.timeout` ends all of it; callers wait as for any function.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import CancelledError
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

import httpx

from hubcore.errors import UpstreamFailed
from hubcore.places import Place
from hubcore.probing import Failure

from .http_failures import failure_of
from .upstream_errors import failed, key_unusable, makes_no_sense, refused, stopped, too_large

T = TypeVar("T")

ANSWER_LIMIT = 8 * 1024 * 1024  # bytes of an answer
ERROR_LIMIT = 64 * 1024  # bytes read of an error answer
LINE_LIMIT = 256 * 1024  # bytes of one line of a stream
MAX_REDIRECTS = 3
LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=15.0)


class Asked(NamedTuple):
    """A request. `seconds`: for all of it, the answer included; `limit`: bytes of the answer."""

    place: Place
    method: str
    path: str
    seconds: float
    json: Mapping[str, Any] | None = None
    limit: int = ANSWER_LIMIT


class UpstreamHttp:
    """A client with kept connections; used from any thread. Its own thread starts with the first request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx.AsyncClient | None = None
        self._thread: threading.Thread | None = None

    def get(self, place: Place, path: str, read: Callable[[bytes], T], *, seconds: float) -> T:
        """GET a path and read its answer. Raises UpstreamFailed, also when `read` raises ValueError."""
        return self._read(Asked(place, "GET", path, seconds), read)

    def post(
        self, place: Place, path: str, read: Callable[[bytes], T], *, json: Mapping[str, Any], seconds: float
    ) -> T:
        """POST JSON to a path and read its answer, as `get`."""
        return self._read(Asked(place, "POST", path, seconds, json), read)

    def delete(self, place: Place, path: str, *, json: Mapping[str, Any], seconds: float) -> None:
        """DELETE with a JSON body. Raises UpstreamFailed."""
        self._read(Asked(place, "DELETE", path, seconds, json), lambda _: None)

    def lines(self, place: Place, path: str, *, json: Mapping[str, Any]) -> Lines:
        """POST JSON to a path whose answer is a stream of lines; nothing is sent before the first `next`."""
        asked = Asked(place, "POST", path, 0.0, json)
        return Lines(asked, self._wait, self._stream(asked))

    def close(self) -> None:
        """End the requests under way (they raise UpstreamFailed) and the thread."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
        if loop is not None and thread is not None and thread.is_alive():
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)

    def _read(self, asked: Asked, read: Callable[[bytes], T]) -> T:
        body = self._wait(asked, self._ask(asked))
        try:
            return read(body)
        except ValueError as error:
            raise makes_no_sense(asked.place, type(error).__name__) from error

    def _wait(self, asked: Asked, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the loop's thread and wait for it."""
        with self._lock:  # so that close() finds all work that was begun
            if self._closed:
                work.close()
                raise stopped(asked.place)
            future = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return future.result()
        except CancelledError:
            raise stopped(asked.place) from None

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._run, args=(self._loop,), name="upstreams", daemon=True)
            self._thread.start()
        return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()  # until close()
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            if self._client is not None:
                loop.run_until_complete(self._client.aclose())
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    # --- in the loop's thread

    def _connections(self) -> httpx.AsyncClient:
        if self._client is None:
            # The callers' deadlines cover all of it. No proxies and no .netrc: services are asked directly.
            self._client = httpx.AsyncClient(trust_env=False, limits=LIMITS, timeout=None)  # noqa: S113
        return self._client

    async def _ask(self, asked: Asked) -> bytes:
        try:
            async with asyncio.timeout(asked.seconds):
                try:
                    return await self._followed(asked)
                except httpx.HTTPError as error:
                    # A kept connection that the service has closed meanwhile says nothing about the service.
                    if asked.method != "GET" or failure_of(error) is not Failure.CLOSED:
                        raise
                    return await self._followed(asked)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise failed(asked.place, failure_of(error), asked.seconds, error) from error

    async def _followed(self, asked: Asked) -> bytes:
        """The answer's body; redirects are followed to the same host and port only."""
        url = httpx.URL(asked.place.url + asked.path)
        for _ in range(MAX_REDIRECTS + 1):
            request = self._request(asked, url)
            answer = await self._connections().send(request, stream=True)
            try:
                if not answer.has_redirect_location:
                    return await _body(asked, answer)
                there = url.join(answer.headers["location"])
            finally:
                await answer.aclose()
            if asked.method != "GET" or (there.scheme, there.host, there.port) != (url.scheme, url.host, url.port):
                break
            url = there
        raise refused(asked.place, answer.status_code, b"")

    async def _stream(self, asked: Asked) -> AsyncIterator[bytes]:
        request = self._request(asked, httpx.URL(asked.place.url + asked.path))
        answer = await self._connections().send(request, stream=True)
        try:
            if answer.status_code != 200:
                raise refused(asked.place, answer.status_code, await _beginning(answer))
            rest = b""
            async for piece in _pieces(asked, answer):
                *lines, rest = (rest + piece).split(b"\n")
                if any(len(line) > LINE_LIMIT for line in (*lines, rest)):
                    raise too_large(asked.place)
                for line in lines:
                    if line.strip():
                        yield line
            if rest.strip():
                yield rest
        finally:
            await answer.aclose()

    def _request(self, asked: Asked, url: httpx.URL) -> httpx.Request:
        headers = {"User-Agent": "hub-dashboard", "Accept": "application/json", "Accept-Encoding": "identity"}
        if asked.place.bearer is not None:
            key = asked.place.bearer.get_secret_value()
            if not key.isascii() or not key.isprintable():
                raise key_unusable(asked.place)
            headers["Authorization"] = f"Bearer {key}"
        return self._connections().build_request(asked.method, url, headers=headers, json=asked.json)


class Lines:
    """The lines of an answer, one at a time, each with a deadline of its own. Close it to stop."""

    def __init__(
        self, asked: Asked, wait: Callable[[Asked, Coroutine[Any, Any, Any]], Any], stream: AsyncIterator[bytes]
    ) -> None:
        self._asked = asked
        self._wait = wait
        self._stream = stream

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def next(self, seconds: float) -> bytes | None:
        """The next line that is not empty; None at the end. Raises UpstreamFailed; TimeoutError after `seconds`."""
        found: bytes | None = self._wait(self._asked, self._step(seconds))
        return found

    def close(self) -> None:
        """End the request."""
        try:
            self._wait(self._asked, self._end())
        except UpstreamFailed:
            return  # everything has been ended already

    async def _step(self, seconds: float) -> bytes | None:
        try:
            async with asyncio.timeout(seconds):
                return await anext(self._stream, None)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise failed(self._asked.place, failure_of(error), seconds, error) from error

    async def _end(self) -> None:
        await self._stream.aclose()  # type: ignore[attr-defined]  # an asynchronous generator


async def _body(asked: Asked, answer: httpx.Response) -> bytes:
    if answer.status_code not in (200, 201):
        raise refused(asked.place, answer.status_code, await _beginning(answer))
    body = bytearray()
    async for piece in _pieces(asked, answer):
        body += piece
        if len(body) > asked.limit:
            raise too_large(asked.place)
    return bytes(body)


async def _beginning(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) >= ERROR_LIMIT:
            break
    return bytes(body[:ERROR_LIMIT])


async def _pieces(asked: Asked, answer: httpx.Response) -> AsyncIterator[bytes]:
    # Nothing is unpacked: a small answer that was packed against our wish could become as large as it likes.
    if answer.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise makes_no_sense(asked.place, "packed")
    async for piece in answer.aiter_raw():
        yield piece
