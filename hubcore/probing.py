"""How a service is asked whether it works, and what its answers mean. Pure; `adapters/probes.py` does the asking.

Sources: the PostgreSQL manual, “Message Formats” and libpq's PQping() (what pg_isready calls); the Redis serialization
protocol (RESP). Whatever a service says is untrusted text and goes into `detail` only.
"""

from __future__ import annotations

import struct
from enum import Enum
from typing import NamedTuple

from pydantic import Field, SecretStr

from .models import HealthStatus, Means, Model, Text, text

BODY_LIMIT = 65536  # bytes read of an answer
DETAIL_LIMIT = 300  # characters of a service's words that are kept
PROTOCOL_3 = 196608  # PostgreSQL's protocol version 3.0
CANNOT_CONNECT_NOW = "57P03"
TOO_MANY_CONNECTIONS = "53300"
REDIS_PING = b"*1\r\n$4\r\nPING\r\n"

LOOK_AT_LOGS = text("Restart it. If that does not help, its logs say more.")
WAIT = text("Wait a moment; it says so itself.")


class ProbeSpec(Model):
    """One way to ask a service. Which fields count depends on `means`.

    `expect` must occur in the answer's headers or body, to tell the service from another one on its port.
    `key_setting` names the setting that holds the key or password, for the remedy. `fallbacks` are tried in order while
    the way before is *unreachable*.
    """

    means: Means
    host: str = "127.0.0.1"
    port: int = 0
    scheme: str = "http"
    path: str = "/"
    bearer: SecretStr | None = Field(None, exclude=True, repr=False)
    key_setting: str = ""
    user: str = ""
    database: str = ""
    command: tuple[str, ...] = ()
    container_id: str = ""
    expect: str | None = None
    fallbacks: tuple[ProbeSpec, ...] = ()

    @property
    def target(self) -> str | None:
        """Who is asked, for people: an address or a command. Without any secret."""
        if self.means is Means.EXEC:
            return " ".join(self.command)
        if self.means in (Means.DOCKER, Means.PROCESS, Means.NONE):
            return None
        place = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return f"{self.scheme}://{place}{self.path}" if self.means is Means.HTTP else f"{self.means.value}://{place}"


class Finding(NamedTuple):
    """What one attempt found out."""

    status: HealthStatus
    reason: Text | None = None
    remedy: Text | None = None
    detail: str | None = None
    starting: bool = False


class Failure(Enum):
    """Why there was no answer."""

    TIMEOUT = "timeout"
    REFUSED = "refused"  # nobody listens
    CLOSED = "closed"  # the connection was taken and dropped: Docker's proxy does that when nobody listens behind it
    UNREACHABLE = "unreachable"  # no way there: network, firewall
    NAME = "name"  # the host's name is unknown
    SECURITY = "security"  # TLS failed
    CUT = "cut"  # it broke off within its answer
    NONSENSE = "nonsense"  # an answer, but in another language


HEALTHY = Finding(HealthStatus.HEALTHY)


def failed(failure: Failure, spec: ProbeSpec, seconds: float, detail: str | None = None) -> Finding:
    """What it means that there was no answer within `seconds`."""
    port, status = spec.port, HealthStatus.UNREACHABLE
    if failure is Failure.TIMEOUT:
        reason = text("It did not answer within {seconds} s.", seconds=round(seconds, 1))
        return Finding(HealthStatus.TIMEOUT, reason, LOOK_AT_LOGS, detail)
    if failure is Failure.REFUSED:
        return Finding(status, text("Nothing answers on port {port}.", port=port), LOOK_AT_LOGS, detail)
    if failure is Failure.CLOSED:
        return Finding(status, text("It closes connections on port {port} at once.", port=port), LOOK_AT_LOGS, detail)
    if failure is Failure.UNREACHABLE:
        remedy = text("Check the network and the firewall of this computer.")
        return Finding(status, text("{host} cannot be reached from here.", host=spec.host), remedy, detail)
    if failure is Failure.NAME:
        remedy = text("Check the address in the dashboard’s and Docker’s settings.")
        reason = text("The address {host} cannot be found.", host=spec.host)
        return Finding(HealthStatus.ERROR, reason, remedy, detail)
    if failure is Failure.SECURITY:
        remedy = text("Check its certificate.")
        return Finding(HealthStatus.ERROR, text("The secure connection to it failed."), remedy, detail)
    if failure is Failure.CUT:
        reason = text("It broke off in the middle of its answer.")
        return Finding(HealthStatus.DEGRADED, reason, LOOK_AT_LOGS, detail)
    return not_itself(spec, detail)


def not_itself(spec: ProbeSpec, detail: str | None) -> Finding:
    """Something answers, but not what is expected there."""
    reason = text("What answers on port {port} does not look like this service.", port=spec.port)
    remedy = text("Check whether another program uses the port.")
    return Finding(HealthStatus.DEGRADED, reason, remedy, detail)


def http_answer(spec: ProbeSpec, status: int, head: str, body: bytes, *, elsewhere: bool = False) -> Finding:
    """What an HTTP answer means. `head`: its headers as text; `elsewhere`: it sends us to another address, which is not
    followed but shows that it works."""
    words = printable(body)
    if elsewhere:
        return HEALTHY
    if status == 200:
        found = spec.expect is None or spec.expect in head or spec.expect in body.decode("utf-8", "replace")
        return HEALTHY if found else not_itself(spec, f"HTTP 200: {words}")
    detail = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    if status in (401, 403):
        return _key_refused(spec, status, detail)
    reason = text("It answers, but with an error (HTTP {status}).", status=status)
    if status in (502, 503, 504):
        reason = text("It says that it cannot work at the moment (HTTP {status}).", status=status)
        remedy = text("What it depends on may be down. Its logs say more.")
        return Finding(HealthStatus.UNHEALTHY, reason, remedy, detail)
    return Finding(HealthStatus.DEGRADED, reason, text("Its logs say more."), detail)


def _key_refused(spec: ProbeSpec, status: int, detail: str) -> Finding:
    remedy = text("Give the dashboard the service’s key; README and docs/settings.md name the setting.")
    if spec.key_setting:
        remedy = text("Put the service’s key into the setting {setting}.", setting=spec.key_setting)
    if spec.bearer is None:
        reason = text("It runs, but asks for a key (HTTP {status}).", status=status)
    else:
        reason = text("It runs, but refuses the dashboard’s key (HTTP {status}).", status=status)
    return Finding(HealthStatus.DEGRADED, reason, remedy, detail)


def postgres_startup(user: str, database: str) -> bytes:
    """The StartupMessage of pg_isready: length, version 3.0, pairs of names and values, each ended by a zero."""
    pairs = (("user", user or "postgres"), ("database", database or user or "postgres"))
    named = b"".join(part.encode() + b"\0" for pair in (*pairs, ("application_name", "hub-dashboard")) for part in pair)
    return struct.pack("!ii", len(named) + 9, PROTOCOL_3) + named + b"\0"


def postgres_answer(spec: ProbeSpec, data: bytes) -> Finding:
    """What the first message of a PostgreSQL server means, as PQping() judges it.

    A request for a password shows that it accepts connections, and so does every refusal but “cannot connect now”.
    """
    kind = data[:1]
    if kind in (b"R", b"v"):  # Authentication…, NegotiateProtocolVersion
        return HEALTHY
    if kind != b"E":
        return not_itself(spec, printable(data))
    fields = postgres_error(data)
    code, words = fields.get("C", ""), printable(fields.get("M", "").encode())
    if code == CANNOT_CONNECT_NOW:
        ending = "shutting down" in words
        reason = text("PostgreSQL is shutting down.") if ending else text("PostgreSQL is starting up.")
        return Finding(HealthStatus.UNHEALTHY, reason, WAIT, words, starting=not ending)
    if code == TOO_MANY_CONNECTIONS:
        reason = text("PostgreSQL has no connection left to give.")
        remedy = text("Restart what holds the connections, or raise max_connections.")
        return Finding(HealthStatus.DEGRADED, reason, remedy, words)
    return HEALTHY if len(code) == 5 else not_itself(spec, printable(data))


def postgres_error(data: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse: after type and length, a letter and a zero-ended string each."""
    fields = {}
    for part in data[5:].split(b"\0"):
        if part:
            fields[chr(part[0])] = part[1:].decode("utf-8", "replace")
    return fields


def redis_answer(spec: ProbeSpec, data: bytes) -> Finding:
    """What the answer to PING means; also for what `redis-cli ping` prints, which lacks the leading sign."""
    words = printable(data.split(b"\r\n", 1)[0]).lstrip("+-")
    code = words.partition(" ")[0].upper()
    if code in ("PONG", "NOAUTH", "WRONGPASS", "NOPERM", "DENIED"):
        return HEALTHY  # without a password it says no more, but it answers
    if code == "LOADING":
        return Finding(HealthStatus.DEGRADED, text("Redis is loading its data."), WAIT, words, starting=True)
    if code in REDIS_PROBLEMS:
        return Finding(HealthStatus.DEGRADED, REDIS_PROBLEMS[code], LOOK_AT_LOGS, words)
    return not_itself(spec, words)


REDIS_PROBLEMS = {
    "MISCONF": text("Redis cannot save its data to disk and refuses changes."),
    "MASTERDOWN": text("Redis has lost the connection to its main server."),
    "BUSY": text("Redis is held up by a long-running script."),
    "OOM": text("Redis has used up the memory it may use."),
    "ERR": text("Redis answers with an error."),
}


def exec_result(spec: ProbeSpec, exit_code: int, output: bytes) -> Finding:
    """What the end of a command in the container means."""
    program = spec.command[0].rsplit("/", 1)[-1] if spec.command else ""
    words = printable(output)
    if exit_code == 0:
        return redis_answer(spec, output) if program == "redis-cli" else HEALTHY
    if exit_code in (126, 127):
        return missing_tool(program, words)
    if program == "pg_isready" and exit_code == 1:
        return Finding(HealthStatus.UNHEALTHY, text("PostgreSQL is starting up."), WAIT, words, starting=True)
    reason = text("Its check reports a fault (exit code {code}).", code=exit_code)
    return Finding(HealthStatus.UNHEALTHY, reason, LOOK_AT_LOGS, words or None)


def missing_tool(program: str, detail: str | None) -> Finding:
    """The container has no such program: the check is wrong, not the service."""
    reason = text("It cannot be checked: the image has no program “{program}”.", program=program)
    remedy = text("Give the service a health check in the Compose file.")
    return Finding(HealthStatus.ERROR, reason, remedy, detail)


def docker_finding(docker_health: str | None, output: str | None) -> Finding:
    """What the state of Docker's own HEALTHCHECK means."""
    if docker_health == "healthy":
        return HEALTHY
    if docker_health == "unhealthy":
        reason = text("Its own health check fails.")
        return Finding(HealthStatus.UNHEALTHY, reason, LOOK_AT_LOGS, printable((output or "").encode()) or None)
    if docker_health == "starting":
        return Finding(HealthStatus.UNKNOWN, text("Its first health check is not over yet."), starting=True)
    return Finding(HealthStatus.UNKNOWN, text("Docker does not report its health."))


def printable(data: bytes) -> str:
    """The beginning of an answer as one line of text without control characters."""
    words = " ".join(data[: DETAIL_LIMIT * 4].decode("utf-8", "replace").split())
    return "".join(c for c in words if c.isprintable())[:DETAIL_LIMIT]
