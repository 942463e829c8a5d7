"""Commands in containers, with a deadline, although the engine offers no way to end one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docker import errors as sdk

from hubcore.errors import EngineTimeout
from hubcore.models import text

from . import engine_parse
from .engine_client import Client
from .engine_connection import Connection, post
from .engine_errors import timeout_error
from .engine_logs import Demultiplexer

OUTPUT_LIMIT = 64 * 1024  # bytes kept of what a command printed
POLL = 0.01  # seconds between looks at a command whose output has ended but which has no exit code yet


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command in a container came to."""

    exit_code: int
    output: bytes  # stdout and stderr, the first 64 KiB


class Commands:
    """Runs commands, and remembers those that outlived their deadline."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._running: dict[tuple[str, ...], str] = {}  # container and command → exec id

    def run(
        self, container_id: str, command: Sequence[str], seconds: float, environment: Mapping[str, str]
    ) -> ExecResult:
        """See `Engine.exec`."""
        key = (container_id, *command)

        def action(client: Client) -> ExecResult:
            before = self._running.get(key)
            if before is not None and _state(client, before) is None:
                raise timeout_error(seconds, detail="the same command, started before, still runs")
            created = engine_parse.member(
                client.exec_create(container_id, list(command), environment=dict(environment)), "Id"
            )
            self._running[key] = created
            output = _output(client, created)
            code = _exit_code(client, created)
            self._running.pop(key, None)
            return ExecResult(code, output)

        try:
            return self._connection.call(action, seconds=seconds, container_id=container_id)
        except EngineTimeout as error:
            raise EngineTimeout(
                text("The command in the container did not end within {seconds} s.", seconds=round(seconds, 1)),
                remedy=text("Look at the service’s logs; restart it if it does not recover by itself."),
                detail=error.detail,
            ) from error


def _output(client: Client, exec_id: str) -> bytes:
    # Not the SDK's exec_start(): it reads past the buffer that read the headers, and loses what came with them.
    answer = post(client, f"/exec/{exec_id}/start", json={"Detach": False, "Tty": False}, stream=True)
    frames, output = Demultiplexer(), bytearray()
    with answer:
        while piece := answer.raw.read1(OUTPUT_LIMIT):
            for _, payload in frames.feed(piece):
                output += payload[: OUTPUT_LIMIT - len(output)]
    return bytes(output)


def _exit_code(client: Client, exec_id: str) -> int:
    # The engine notes the exit code a moment after the output ends. The deadline of the call ends this loop.
    while (code := _state(client, exec_id)) is None:
        time.sleep(POLL)
    return code


def _state(client: Client, exec_id: str) -> int | None:
    """The exit code of a command; None while it runs. One whose container is gone has ended (-1)."""
    try:
        data = client.exec_inspect(exec_id)
    except sdk.NotFound:
        return -1
    if engine_parse.member(data, "Running"):
        return None
    code = engine_parse.member(data, "ExitCode")
    return int(code) if code is not None else -1
