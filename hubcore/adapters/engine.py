"""The Docker engine, behind deadlines. This module and its `engine_*` parts are the only importers of `docker`.

Every method may be called from any thread, ends within its deadline whatever the engine does, and raises only
EngineUnavailable, EngineTimeout, EngineRefused or NoContainer.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from hubcore.errors import HubError
from hubcore.models import Container, LogLine
from hubcore.rates import RawSample

from . import engine_parse
from .engine_client import Address, Client
from .engine_connection import Connection, get, post
from .engine_errors import timeout_error
from .engine_exec import Commands, ExecResult
from .engine_logs import LineAssembler
from .engine_parse import EngineEvent, EngineVersion
from .engine_streams import HEARTBEAT, EventStream, LogStream
from .engine_trial import Blueprint, Mount, Trials, blueprint

__all__ = ["Blueprint", "Engine", "EngineEvent", "EngineVersion", "EventStream", "ExecResult", "LogStream", "Mount"]

CHUNK = 65536
LOG_LIMIT = 16 * 1024 * 1024  # characters kept of one log answer
STOP_GRACE = 10.0  # Docker's default: seconds between SIGTERM and SIGKILL
STOP_MARGIN = 5.0  # what the engine may need beyond the grace period
STATS_WORKERS = 64  # waiting threads: the engine takes one to two seconds per container, for all of them in parallel
# The engine also reports each exec of each health check; the filter spares both sides that.
ACTIONS = (
    *("create", "start", "die", "kill", "stop", "restart", "pause", "unpause", "oom", "destroy", "rename", "update"),
    "health_status",
)


class Engine:
    """One Docker engine, found as the docker command finds it. Connects when first used.

    `read_timeout` and `operation_timeout` are the seconds a reading and a start, stop or restart may take.
    """

    def __init__(self, *, read_timeout: float = 5.0, operation_timeout: float = 30.0) -> None:
        self.read_timeout = read_timeout
        self.operation_timeout = operation_timeout
        self._connection = Connection()
        self._commands = Commands(self._connection)
        self._trials = Trials(self._connection)
        self._workers: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    # -- where it is

    @property
    def address(self) -> str:
        """The engine's address as configured, without a password; "" when Docker's settings cannot be used."""
        found = self._where()
        return found.shown if found else ""

    @property
    def is_local(self) -> bool:
        """Whether the engine is reached by a Unix socket of this machine."""
        found = self._where()
        return found is not None and found.is_local

    @property
    def host(self) -> str:
        """The host on which published ports can be reached: 127.0.0.1, or that of the engine's address."""
        found = self._where()
        return found.host if found else "127.0.0.1"

    def _where(self) -> Address | None:
        try:
            return self._connection.address()
        except HubError:
            return None  # every request raises it, with the reason

    # -- readings

    def ping(self) -> EngineVersion:
        """Ask for the version. Also notices when another version has taken the engine's place."""
        found = self._connection.call(
            lambda client: engine_parse.version(client.version(api_version=False)), seconds=self.read_timeout
        )
        if found.api_version != self._connection.clients.api_version:
            self._connection.clients.clear()
        return found

    def containers(self) -> list[Container]:
        """All containers, also stopped ones, in one request; without what only `inspect` tells."""
        return self._connection.call(
            lambda client: engine_parse.listed(client.containers(all=True)), seconds=self.read_timeout
        )

    def inspect(self, container_id: str) -> Container:
        """One container in full."""
        return engine_parse.inspected(self._inspect(container_id))

    def _inspect(self, container_id: str) -> dict[str, Any]:
        return self._connection.call(
            lambda client: engine_parse.checked_inspection(client.inspect_container(container_id)),
            seconds=self.read_timeout,
            container_id=container_id,
        )

    def stats(self, container_ids: Sequence[str]) -> dict[str, RawSample]:
        """Counters as the engine reports them, asked for in parallel; containers without an answer in time are missing.

        The way for engines on other machines: it takes seconds where reading cgroup files takes microseconds. Raises
        only when no container at all got an answer.
        """
        futures = [self._pool().submit(self._stats_of, container_id) for container_id in container_ids]
        done, late = wait(futures, timeout=self.read_timeout)
        for future in late:
            future.cancel()
        samples: dict[str, RawSample] = {}
        problem: HubError | None = None
        for container_id, future in zip(container_ids, futures, strict=True):
            try:
                sample = future.result() if future in done else None
            except HubError as error:
                problem = error
                continue
            if sample is not None:
                samples[container_id] = sample
        if not samples and (problem or (late and not done)):
            raise problem or timeout_error(self.read_timeout)
        return samples

    def _pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(STATS_WORKERS, thread_name_prefix="engine-stats")
            return self._workers

    def _stats_of(self, container_id: str) -> RawSample | None:
        def read(client: Client) -> RawSample | None:
            # one-shot spares newer engines the second they otherwise wait for a second sample
            answer = get(client, f"/containers/{container_id}/stats", {"stream": "false", "one-shot": "true"})
            return engine_parse.stats(answer.json(), time.time(), time.monotonic_ns())

        return self._connection.call(read, seconds=self.read_timeout, container_id=container_id)

    def own_container_id(self) -> str | None:
        """The id of the container this program runs in; None outside of one."""
        try:
            mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None  # not Linux: the program itself is in no container then
        return engine_parse.own_id(mounts)

    # -- control

    def start(self, container_id: str, *, timeout: float | None = None) -> None:
        """Start a container; nothing happens to one that runs. `timeout` in seconds, default `operation_timeout`."""
        self._command("start", container_id, timeout or self.operation_timeout, {})

    def stop(self, container_id: str, *, timeout: float | None = None, grace: float | None = None) -> None:
        """Stop a container: SIGTERM, then SIGKILL after `grace` seconds (default: the container's own period).

        `timeout` seconds for all of it, but never less than the grace period and a few seconds for the engine.
        """
        self._end("stop", container_id, timeout, grace)

    def restart(self, container_id: str, *, timeout: float | None = None, grace: float | None = None) -> None:
        """Stop and start a container; arguments as for `stop`."""
        self._end("restart", container_id, timeout, grace)

    def _end(self, verb: str, container_id: str, timeout: float | None, grace: float | None) -> None:
        if grace is None:
            grace = float(self._inspect(container_id)["Config"].get("StopTimeout") or STOP_GRACE)
        seconds = max(timeout or self.operation_timeout, grace + STOP_MARGIN)
        self._command(verb, container_id, seconds, {"t": str(math.ceil(grace))})

    def _command(self, verb: str, container_id: str, seconds: float, params: dict[str, str]) -> None:
        self._connection.call(
            lambda client: post(client, f"/containers/{container_id}/{verb}", params=params),
            seconds=seconds,
            container_id=container_id,
        )

    def exec(
        self, container_id: str, command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None
    ) -> ExecResult:
        """Run a command in a running container. EngineTimeout when it has not ended within `timeout` seconds.

        `environment`: variables besides the container's own, for what must not stand among the arguments.

        The engine offers no way to end a command; as long as one that outlived its deadline still runs, the same
        command is not started again (EngineTimeout at once), so that a hanging container does not fill up with them.
        """
        return self._commands.run(container_id, command, timeout, environment or {})

    def blueprint(self, container_id: str) -> Blueprint:
        """What a container was made from, for `trial`."""
        return blueprint(self._inspect(container_id))

    def trial(
        self, plan: Blueprint, command: Sequence[str], overlays: Mapping[str, str], *, owner: str, seconds: float
    ) -> ExecResult:
        """Run a command in a throw-away container like another one; it is removed whatever happens.

        `overlays`: path in the container → file of the engine's machine that lies over it, read-only. `owner` marks the
        container for `sweep_trials`. `seconds` for the command itself.
        """
        return self._trials.run(plan, command, overlays, owner=owner, seconds=seconds)

    def sweep_trials(self, owner: str) -> int:
        """Remove the throw-away containers that a killed process left; how many."""
        return self._trials.sweep(owner)

    # -- streams

    def events(self) -> EventStream:
        """Container events from now on: the engine has answered when this returns. EventStream says how it ends."""
        filters = json.dumps({"type": ["container"], "event": ACTIONS})
        return EventStream(self._connection.stream("/events", {"filters": filters}, seconds=self.read_timeout))

    def logs(self, container_id: str, *, lines: int) -> list[LogLine]:
        """The newest `lines` lines, oldest first, standard output and error in the engine's order."""
        tty = bool(self._inspect(container_id)["Config"].get("Tty"))

        def read(client: Client) -> list[LogLine]:
            answer = get(client, f"/containers/{container_id}/logs", _log_params(lines), stream=True)
            assembler, kept = LineAssembler(tty=tty), _Newest(lines)
            with answer:
                while piece := answer.raw.read1(CHUNK):
                    kept.extend(assembler.feed(piece))
            kept.extend(assembler.finish())
            return list(kept.lines)

        return self._connection.call(read, seconds=self.read_timeout, container_id=container_id)

    def follow(self, container_id: str, *, lines: int, heartbeat: float = HEARTBEAT) -> LogStream:
        """The newest `lines` lines and then every new one; None after `heartbeat` seconds of silence."""
        tty = bool(self._inspect(container_id)["Config"].get("Tty"))
        params = {**_log_params(lines), "follow": "1"}
        raw = self._connection.stream(
            f"/containers/{container_id}/logs", params, seconds=self.read_timeout, container_id=container_id
        )
        return LogStream(raw, tty=tty, heartbeat=heartbeat)

    def close(self) -> None:
        """Close idle connections. Open streams go on until they are closed themselves."""
        self._connection.clients.clear()
        with self._lock:
            workers, self._workers = self._workers, None
        if workers is not None:
            workers.shutdown(wait=False, cancel_futures=True)


class _Newest:
    """The newest lines of a log that fit the limits."""

    def __init__(self, count: int) -> None:
        self.lines: deque[LogLine] = deque(maxlen=max(count, 0))
        self._size = 0

    def extend(self, lines: Iterable[LogLine]) -> None:
        for line in lines:
            if self.lines and len(self.lines) == self.lines.maxlen:
                self._size -= len(self.lines.popleft().text)
            self.lines.append(line)
            self._size += len(line.text)
            while self._size > LOG_LIMIT:
                self._size -= len(self.lines.popleft().text)


def _log_params(lines: int) -> dict[str, str]:
    return {"stdout": "1", "stderr": "1", "timestamps": "1", "tail": str(max(lines, 0))}
