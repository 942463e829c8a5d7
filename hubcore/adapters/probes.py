"""Asks a service whether it works. One hard deadline for the whole attempt, whatever the service does or does not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from hubcore.errors import EngineRefused, EngineTimeout, HubError, NoContainer
from hubcore.models import Container, ContainerStatus, Health, HealthStatus, Means, text
from hubcore.probing import (
    HEALTHY,
    REDIS_PING,
    Failure,
    Finding,
    ProbeSpec,
    docker_finding,
    exec_result,
    failed,
    missing_tool,
    postgres_answer,
    postgres_startup,
    redis_answer,
)

from . import probe_http

log = logging.getLogger(__name__)

PROXY_WAIT = 0.3  # seconds within which Docker's proxy drops a connection that nobody takes behind it
ANSWER_LIMIT = 4096
# Not asyncio's own threads: a few commands that hang would keep name look-ups and others waiting.
_threads = ThreadPoolExecutor(32, thread_name_prefix="probe-exec")


class Output(Protocol):
    """What the engine's exec returns."""

    @property
    def exit_code(self) -> int: ...
    @property
    def output(self) -> bytes: ...


class Execute(Protocol):
    """The engine's exec: blocks, ends within `timeout` seconds."""

    def __call__(self, container_id: str, command: Sequence[str], *, timeout: float) -> Output: ...


async def run(
    spec: ProbeSpec, *, timeout: float, container: Container | None = None, execute: Execute | None = None
) -> Health:
    """Ask a service. Takes at most `timeout` seconds, fallbacks included, and never raises.

    `container` is what the engine knows of the service's container (for Docker's own health check), `execute` runs a
    command in a container.
    """
    began = time.monotonic()
    used = spec
    finding: Finding | None = None
    try:
        async with asyncio.timeout(timeout):
            for attempt in (spec, *spec.fallbacks):
                remaining = timeout - (time.monotonic() - began)
                result = await _ask(attempt, max(remaining, 0.05), container, execute)
                # A way that cannot be gone says nothing new: then the first way's finding stands.
                if finding is None or result.status not in (HealthStatus.ERROR, HealthStatus.UNREACHABLE):
                    finding, used = result, attempt
                if finding.status is not HealthStatus.UNREACHABLE:
                    break
    except TimeoutError:
        finding = finding or failed(Failure.TIMEOUT, used, timeout)
    except Exception as error:
        log.exception("The check of %s failed unexpectedly.", used.target)
        finding = Finding(HealthStatus.ERROR, text("The check itself failed."), None, type(error).__name__)
    return Health(
        status=finding.status if finding else HealthStatus.ERROR,
        checked_at=time.time(),
        duration=round(time.monotonic() - began, 4),
        means=used.means,
        target=used.target,
        reason=finding.reason if finding else None,
        remedy=finding.remedy if finding else None,
        detail=finding.detail if finding else None,
        starting=finding.starting if finding else False,
    )


async def _ask(spec: ProbeSpec, seconds: float, container: Container | None, execute: Execute | None) -> Finding:
    if spec.means is Means.HTTP:
        return await probe_http.check(spec, seconds)
    if spec.means in (Means.TCP, Means.REDIS, Means.POSTGRES):
        return await _over_tcp(spec, seconds)
    if spec.means is Means.EXEC:
        return await _in_container(spec, seconds, execute)
    if container is None:
        return Finding(HealthStatus.UNKNOWN, text("There is no container to look at."))
    if spec.means is Means.DOCKER:
        return docker_finding(container.docker_health, container.docker_health_output)
    if spec.means is Means.PROCESS and container.status is ContainerStatus.RUNNING:
        return HEALTHY
    return Finding(HealthStatus.UNKNOWN, text("It is not running."))


async def _over_tcp(spec: ProbeSpec, seconds: float) -> Finding:
    talk = {Means.TCP: _tcp, Means.REDIS: _redis, Means.POSTGRES: _postgres}[spec.means]
    try:
        async with _connection(spec.host, spec.port) as (reader, writer):
            return await talk(spec, reader, writer, seconds)
    except ConnectionRefusedError as error:
        return failed(Failure.REFUSED, spec, seconds, str(error))
    except ConnectionError as error:  # reset or broken pipe: taken, then dropped
        return failed(Failure.CLOSED, spec, seconds, str(error))
    except socket.gaierror as error:
        return failed(Failure.NAME, spec, seconds, str(error))
    except TimeoutError:
        raise  # the deadline, or the network's own “timed out”, which says the same
    except (OSError, OverflowError, UnicodeError) as error:
        return failed(Failure.UNREACHABLE, spec, seconds, str(error))


@contextlib.asynccontextmanager
async def _connection(host: str, port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # close() would wait for a peer that takes nothing


async def _tcp(spec: ProbeSpec, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> Finding:
    try:
        async with asyncio.timeout(min(PROXY_WAIT, seconds / 2)):
            first = await reader.read(1)
    except TimeoutError:
        return HEALTHY  # it waits for us to speak
    return HEALTHY if first else failed(Failure.CLOSED, spec, seconds)


async def _redis(
    spec: ProbeSpec, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> Finding:
    writer.write(REDIS_PING)
    await writer.drain()
    data = await _until(reader, lambda got: b"\n" in got)
    return redis_answer(spec, data) if data else failed(Failure.CLOSED, spec, seconds)


async def _postgres(
    spec: ProbeSpec, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> Finding:
    writer.write(postgres_startup(spec.user, spec.database))
    await writer.drain()
    data = await _until(reader, lambda got: len(got) >= 5 and len(got) > int.from_bytes(got[1:5], "big"))
    return postgres_answer(spec, data) if data else failed(Failure.CLOSED, spec, seconds)


async def _until(reader: asyncio.StreamReader, complete: Callable[[bytes], bool]) -> bytes:
    """What arrives until it is complete, the other side closes, or the limit is reached."""
    data = b""
    while len(data) < ANSWER_LIMIT and not complete(data):
        piece = await reader.read(ANSWER_LIMIT)
        if not piece:
            break
        data += piece
    return data


async def _in_container(spec: ProbeSpec, seconds: float, execute: Execute | None) -> Finding:
    if execute is None:
        return Finding(HealthStatus.UNKNOWN, text("There is no container to look at."))
    loop = asyncio.get_running_loop()
    try:
        result = await loop.run_in_executor(_threads, lambda: execute(spec.container_id, spec.command, timeout=seconds))
    except EngineTimeout as error:
        return failed(Failure.TIMEOUT, spec, seconds, error.detail)
    except NoContainer as error:
        return Finding(HealthStatus.UNKNOWN, error.text, error.remedy)
    except EngineRefused as error:
        if "executable file not found" in (error.detail or ""):
            return missing_tool(spec.command[0] if spec.command else "", error.detail)
        return Finding(HealthStatus.ERROR, error.text, error.remedy, error.detail)
    except HubError as error:
        return Finding(HealthStatus.UNKNOWN, error.text, error.remedy, error.detail)
    return exec_result(spec, result.exit_code, result.output)
