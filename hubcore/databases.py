"""PostgreSQL and Redis, asked by their own tools inside their containers: no shell, no password among the arguments.

The environment of such a command is seen by whoever may look into the container, and that is where the password is
already. Questions to one container wait for each other: the engine cannot end a command, so there is never a heap.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from .errors import EngineRefused, NoContainer, UpstreamFailed
from .models import ServiceState, text
from .models.upstream import DatabaseReadiness, DatabaseStatus, RedisInfo
from .places import container_of
from .probing import printable
from .targets import Key
from .upstream_parse import database_status, readiness, redis_info

READY = 8.0  # seconds a question may take
STATUS = 10.0
NOT_STARTED = (126, 127)  # exit codes of a command that does not exist
PATIENCE = 15.0  # seconds to wait for a question that somebody else asks
_QUERY = (
    "SELECT json_build_object('version', version(), 'tables',"
    " (SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'))"
)
# The query ends itself when it takes too long, and nothing but the answer is printed.
_OPTIONS = "-c statement_timeout=8000 -c client_min_messages=error"


class Output(Protocol):
    """What the engine's exec returns."""

    @property
    def exit_code(self) -> int: ...
    @property
    def output(self) -> bytes: ...


class Execute(Protocol):
    """The engine's exec: blocks, ends within `timeout` seconds."""

    def __call__(
        self, container_id: str, command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None
    ) -> Output: ...


class Databases:
    """Asks; every method takes a service that runs, and raises UpstreamFailed, EngineUnavailable or EngineTimeout."""

    def __init__(self, execute: Execute, key: Key) -> None:
        self._execute = execute
        self._key = key
        self._turns: dict[str, threading.Lock] = {}  # container → held while it is asked

    def ready(self, service: ServiceState) -> DatabaseReadiness:
        """Whether PostgreSQL takes connections."""
        user, database = self._account(service)
        result = self._run(service, ("pg_isready", "-t", "5", "-U", user, "-d", database), READY, {})
        return readiness(result.exit_code, result.output)

    def status(self, service: ServiceState) -> DatabaseStatus:
        """Version and tables of PostgreSQL."""
        user, database = self._account(service)
        command = ("psql", "-X", "-w", "-A", "-t", "-q", "-U", user, "-d", database, "-c", _QUERY)
        environment = {"PGCONNECT_TIMEOUT": "5", "PGOPTIONS": _OPTIONS}
        if password := self._key("", service.env_file, "POSTGRES_PASSWORD"):
            environment["PGPASSWORD"] = password
        result = self._run(service, command, STATUS, environment)
        try:
            version, tables = database_status(result.output)
        except ValueError as error:
            raise UpstreamFailed(
                text("{service} did not answer the question for its tables.", service=service.title),
                remedy=text("Check POSTGRES_USER and POSTGRES_DB in its env file; its log says more."),
                detail=_without(printable(result.output), password),
            ) from error
        return DatabaseStatus(version=version, table_count=tables, user=user, database=database)

    def redis(self, service: ServiceState) -> RedisInfo:
        """What Redis says of itself."""
        password = self._key("", service.env_file, "REDIS_PASSWORD")
        environment = {"REDISCLI_AUTH": password} if password else {}
        result = self._run(service, ("redis-cli", "INFO"), READY, environment)
        try:
            return redis_info(result.output)
        except ValueError as error:
            raise self._redis_refusal(service, _without(printable(result.output), password)) from error

    def _redis_refusal(self, service: ServiceState, words: str) -> UpstreamFailed:
        if any(sign in words for sign in ("NOAUTH", "WRONGPASS", "AUTH failed")):
            return UpstreamFailed(
                text("{service} asks for another password than the dashboard has.", service=service.title),
                remedy=text("Put the right one into its env file as REDIS_PASSWORD."),
                detail=words,
            )
        return UpstreamFailed(
            text("{service} did not say how it is.", service=service.title),
            remedy=text("Look at its state and its log."),
            detail=words,
        )

    def _account(self, service: ServiceState) -> tuple[str, str]:
        """User and database, as PostgreSQL's image takes them from the env file."""
        user = self._key("", service.env_file, "POSTGRES_USER") or "postgres"
        return user, self._key("", service.env_file, "POSTGRES_DB") or user

    def _run(
        self, service: ServiceState, command: Sequence[str], seconds: float, environment: Mapping[str, str]
    ) -> Output:
        container = container_of(service)
        turn = self._turns.setdefault(container.id, threading.Lock())
        if not turn.acquire(timeout=PATIENCE):
            raise UpstreamFailed(
                text("{service} did not answer within {seconds} s.", service=service.title, seconds=round(PATIENCE)),
                remedy=text("It may be busy. Try again; if that does not help, look at its log."),
            )
        try:
            result = self._execute(container.id, command, timeout=seconds, environment=environment)
            if result.exit_code in NOT_STARTED and b"executable file not found" in result.output:
                raise _no_tool(service, command[0])
            return result
        except NoContainer as error:
            raise UpstreamFailed(
                text("The container of {service} is gone.", service=service.title), remedy=text("Start the service.")
            ) from error
        except EngineRefused as error:
            if "executable file not found" in (error.detail or ""):
                raise _no_tool(service, command[0]) from error
            raise UpstreamFailed(error.text, remedy=error.remedy, detail=error.detail) from error
        finally:
            turn.release()


def _no_tool(service: ServiceState, tool: str) -> UpstreamFailed:
    return UpstreamFailed(
        text("The program {tool} is not in the container of {service}.", tool=tool, service=service.title),
        remedy=text("It comes with the official image; with another one the dashboard cannot ask."),
    )


def _without(words: str, secret: str | None) -> str:
    return words.replace(secret, "…") if secret else words
