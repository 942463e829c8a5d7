"""From the engine's JSON to our models. Pure; the field names are those of the Docker Engine API (v1.24 to v1.5x).

Every function raises MalformedAnswer when the answer is not what the API promises. Names, labels, images and health
output are untrusted text and stay so.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from hubcore.models import Container, ContainerStatus
from hubcore.rates import RawSample, resident

from .engine_errors import MalformedAnswer
from .engine_ports import ports_of_inspect, ports_of_list, whole

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"
HEALTH_OUTPUT_LIMIT = 2000  # characters kept of what a HEALTHCHECK printed

_HEALTH = re.compile(r"\((?:health: )?(healthy|unhealthy|starting)\)\s*$")
_EXITED = re.compile(r"^Exited \((-?\d+)\)")
_NANOSECONDS = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$")


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """What the engine says of itself."""

    version: str
    api_version: str
    name: str = ""  # of the product, such as “Docker Engine - Community” or “Docker Desktop”
    os: str = ""


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """Something that happened to a container. `at` is epoch seconds by the engine's clock."""

    at: float
    action: str  # create, start, die, kill, stop, restart, pause, unpause, oom, destroy, rename, update, health_status
    detail: str  # what follows the action's colon: the new state of a health_status
    container_id: str
    name: str
    image: str = ""
    project: str | None = None
    service: str | None = None
    exit_code: int | None = None


_WRONG_SHAPE = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)


def _strict(function: Callable[P, T]) -> Callable[P, T]:
    """Turn the errors of a look into the wrong shape into MalformedAnswer."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except _WRONG_SHAPE as error:
            raise MalformedAnswer(f"{function.__name__}: {type(error).__name__}: {error}") from error

    return checked


@_strict
def version(data: Mapping[str, Any]) -> EngineVersion:
    """The answer of `GET /version`."""
    name = (data.get("Platform") or {}).get("Name") or "Docker Engine"
    return EngineVersion(str(data["Version"]), str(data["ApiVersion"]), str(name), str(data.get("Os", "")))


@_strict
def listed(data: Iterable[Mapping[str, Any]]) -> list[Container]:
    """The answer of `GET /containers/json`: all that one call tells, without the details of `inspected`."""
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise MalformedAnswer(f"a list of containers, not {type(data).__name__}")
    containers = []
    for item in data:
        try:
            containers.append(_listed(item))
        except _WRONG_SHAPE as error:  # one odd container must not hide all the others
            log.warning("A container of the list cannot be understood: %s: %s", type(error).__name__, error)
    if data and not containers:
        raise MalformedAnswer("no container of the list can be understood")
    return containers


def _listed(item: Mapping[str, Any]) -> Container:
    words = str(item.get("Status") or "")
    exited = _EXITED.match(words)
    labels = _labels(item.get("Labels"))
    return Container(
        id=str(item["Id"]),
        name=_name(item.get("Names") or (), str(item["Id"])),
        image=str(item.get("Image") or ""),
        status=_status(item.get("State")),
        **_compose(labels),
        labels=labels,
        ports=ports_of_list(item.get("Ports") or ()),
        address=_address((item.get("NetworkSettings") or {}).get("Networks")),
        network_mode=str((item.get("HostConfig") or {}).get("NetworkMode") or ""),
        exit_code=int(exited[1]) if exited else None,
        created_at=float(item["Created"]) if item.get("Created") else None,
        docker_health=health_of(words),
        mounts=_mounts(item.get("Mounts")),
    )


@_strict
def inspected(data: Mapping[str, Any]) -> Container:
    """The answer of `GET /containers/{id}/json`."""
    state, config = data["State"], data["Config"]
    host, network = data.get("HostConfig") or {}, data.get("NetworkSettings") or {}
    labels = _labels(config.get("Labels"))
    status = _status(state.get("Status"))
    health = state.get("Health") or {}
    log = health.get("Log") or ()
    ended = status in (ContainerStatus.EXITED, ContainerStatus.DEAD, ContainerStatus.RESTARTING)
    return Container(
        id=str(data["Id"]),
        name=str(data["Name"]).lstrip("/"),
        image=str(config.get("Image") or ""),
        status=status,
        **_compose(labels),
        labels=labels,
        ports=ports_of_inspect(
            network.get("Ports") or host.get("PortBindings") or {}, config.get("ExposedPorts") or {}
        ),
        address=_address(network.get("Networks")),
        network_mode=str(host.get("NetworkMode") or ""),
        pid=int(state.get("Pid") or 0),
        exit_code=int(state["ExitCode"]) if ended else None,
        oom_killed=bool(state.get("OOMKilled")),
        restart_count=int(data.get("RestartCount") or 0),
        created_at=timestamp(data.get("Created")),
        started_at=timestamp(state.get("StartedAt")),
        finished_at=timestamp(state.get("FinishedAt")),
        docker_health=None if health.get("Status") in (None, "", "none") else str(health["Status"]),
        docker_health_output=str(log[-1].get("Output", ""))[:HEALTH_OUTPUT_LIMIT] if log else None,
        mounts=_mounts(data.get("Mounts")),
    )


@_strict
def event(data: Mapping[str, Any]) -> EngineEvent | None:
    """One line of `GET /events`; None for what is not about a container."""
    if data.get("Type", "container") != "container":
        return None
    action, _, detail = str(data.get("Action") or data["status"]).partition(":")
    actor = data.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    code = attributes.get("exitCode")
    at = int(data["timeNano"]) / 1e9 if data.get("timeNano") else float(data["time"])
    return EngineEvent(
        at=at,
        action=action.strip(),
        detail=detail.strip(),
        container_id=str(actor.get("ID") or data["id"]),
        name=str(attributes.get("name", "")),
        image=str(attributes.get("image", "")),
        project=attributes.get(PROJECT_LABEL),
        service=attributes.get(SERVICE_LABEL),
        exit_code=whole(code),
    )


@_strict
def stats(data: Mapping[str, Any], taken_at: float, clock_ns: int) -> RawSample | None:
    """The answer of `GET /containers/{id}/stats`; None for a container that does not run."""
    cpu, memory = data["cpu_stats"], data.get("memory_stats") or {}
    usage = cpu["cpu_usage"]
    if "usage" not in memory and not usage.get("total_usage"):
        return None
    details = memory.get("stats") or {}
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))  # cgroup v1, v2
    networks = (data.get("networks") or {}).values()
    blocks = (data.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()
    pids = (data.get("pids_stats") or {}).get("current")
    return RawSample(
        taken_at=taken_at,
        clock_ns=clock_ns,
        cpu_ns=int(usage["total_usage"]),
        system_ns=int(cpu["system_cpu_usage"]) if cpu.get("system_cpu_usage") else None,
        online_cpus=int(cpu.get("online_cpus") or len(usage.get("percpu_usage") or ()) or 1),
        memory_usage=resident(int(memory.get("usage", 0)), int(cache)),
        memory_limit=int(memory.get("limit", 0)) or None,
        network_rx=sum(int(n.get("rx_bytes", 0)) for n in networks),
        network_tx=sum(int(n.get("tx_bytes", 0)) for n in networks),
        block_read=sum(int(b["value"]) for b in blocks if b["op"].lower() == "read"),
        block_write=sum(int(b["value"]) for b in blocks if b["op"].lower() == "write"),
        pids=int(pids) if pids is not None else None,
    )


@_strict
def member(data: Mapping[str, Any], key: str) -> Any:
    """A member that must be there."""
    return data[key]


@_strict
def checked_inspection(data: dict[str, Any]) -> dict[str, Any]:
    """The answer of `GET /containers/{id}/json` as it is, once it holds what is always read from it."""
    inspected(data)
    return data


_OWN = re.compile(r" /(?:\S*/)?containers/(?:\S+/)?([0-9a-f]{64})/\S* /etc/(?:hostname|hosts|resolv\.conf) ")


def own_id(mountinfo: str) -> str | None:
    """The id of the container whose `/proc/self/mountinfo` this is; None outside of one.

    Docker mounts these three files from the container's own directory, with any driver and cgroup version.
    """
    found = _OWN.search(mountinfo)
    return found[1] if found else None


def timestamp(value: str | None) -> float | None:
    """Epoch seconds of an RFC 3339 time with up to nanoseconds; None for “never” (year 1) and for nothing."""
    found = _NANOSECONDS.match(value or "")
    if not found or found[1].startswith("0001-"):
        return None
    whole = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00")).timestamp()
    return whole + (float(found[2]) if found[2] else 0.0)


def health_of(words: str) -> str | None:
    """The health in a list's status text: `Up 5 minutes (healthy)`, `Up 2 seconds (health: starting)`."""
    found = _HEALTH.search(words)
    return found[1] if found else None


def _compose(labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "project": labels.get(PROJECT_LABEL),
        "service": labels.get(SERVICE_LABEL),
        "number": whole(labels.get(NUMBER_LABEL)) or 1,
    }


def _labels(labels: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in (labels or {}).items()}


def _name(names: Iterable[str], container_id: str) -> str:
    # A container that another one links to has that alias as well: “/web/db”. Its own name has one slash.
    return min((str(n).lstrip("/") for n in names), key=lambda n: n.count("/"), default=container_id[:12])


def _status(word: Any) -> ContainerStatus:
    try:
        return ContainerStatus(word)
    except ValueError:
        return ContainerStatus.UNKNOWN


def _address(networks: Mapping[str, Any] | None) -> str | None:
    return next((str(n["IPAddress"]) for n in (networks or {}).values() if (n or {}).get("IPAddress")), None)


def _mounts(mounts: Iterable[Mapping[str, Any]] | None) -> tuple[str, ...]:
    return tuple(f"{m.get('Name') or m.get('Source') or ''}:{m.get('Destination', '')}" for m in mounts or ())
