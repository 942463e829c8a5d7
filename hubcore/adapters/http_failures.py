"""What httpx's errors mean; for every adapter that speaks HTTP to a service."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from hubcore.probing import Failure


def failure_of(error: BaseException) -> Failure:
    """Why there was no answer."""
    links = list(_chain(error))
    if isinstance(error, httpx.TimeoutException) or _any(links, TimeoutError):
        return Failure.TIMEOUT
    if _any(links, socket.gaierror):
        return Failure.NAME
    if _any(links, ssl.SSLError):
        return Failure.SECURITY
    if _any(links, ConnectionRefusedError):
        return Failure.REFUSED
    if isinstance(error, httpx.ConnectError):
        return Failure.UNREACHABLE
    if "complete message" in str(error):
        return Failure.CUT
    if isinstance(error, httpx.NetworkError) or "without sending a response" in str(error):
        return Failure.CLOSED
    return Failure.NONSENSE


def _any(links: list[BaseException], kind: type[BaseException]) -> bool:
    return any(isinstance(link, kind) for link in links)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was made from; several addresses of one name give a group of errors."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _chain(inner)
        error = error.__cause__ or error.__context__
