"""One service's published state, put together from its definition and what was observed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .catalog import Definition
from .health import Verdict
from .models import (
    Container,
    ContainerStatus,
    ContainerSummary,
    DockerBlock,
    Figures,
    Health,
    Means,
    Port,
    ServiceState,
    Text,
    text,
)


class Observed(NamedTuple):
    """What was observed of one service. `engine_seen`: the engine has ever answered. `host_name`: where its published
    ports are reachable. `now`: epoch seconds."""

    health: Health
    figures: Figures | None
    verdict: Verdict
    since: float
    engine_away: bool
    engine_seen: bool
    native: bool
    operation_id: str | None
    host_name: str
    now: float


def service_state(definition: Definition, seen: Observed) -> ServiceState:
    """The state the pages and the API show."""
    container = definition.containers[0] if definition.containers else None
    status, problem = container_status(definition, container, seen)
    return ServiceState(
        **_fixed(definition),
        defined=definition.defined or seen.native,
        native=seen.native,
        container=container,
        container_status=status,
        container_error=problem,
        stale=seen.engine_away and container is not None,
        health=seen.health,
        figures=seen.figures,
        condition=seen.verdict.condition,
        cause=seen.verdict.cause,
        remedy=seen.verdict.remedy,
        since=seen.since,
        operation_id=seen.operation_id,
        updated_at=seen.health.checked_at or seen.now,
        **_addresses(definition, container, seen),
    )


_COPIED = (
    "name",
    "optional",
    "project",
    "title",
    "description",
    "summary",
    "category",
    "group",
    "kind",
    "known",
    "protected",
    "container_name",
    "env_file",
    "env_path",
    "env_used",
    "config_files",
    "data_dir",
)


def _fixed(definition: Definition) -> dict[str, Any]:
    """What the definition alone decides."""
    copied = {name: getattr(definition, name) for name in _COPIED}
    return copied | {"replicas": len(definition.containers), "depends_on": tuple(definition.depends_on)}


def _addresses(definition: Definition, container: Container | None, seen: Observed) -> dict[str, Any]:
    """Ports, and where a person or a probe finds the service."""
    port = main_port(definition, container, seen)
    is_http = definition.web or seen.health.means == Means.HTTP
    return {
        "ports": container.ports if container else (),
        "port": port,
        "url": f"http://{seen.host_name}:{port}" if is_http and _published(container, port, seen) else None,
        "health_url": seen.health.target if seen.health.means == Means.HTTP else _usual_health_url(definition, port),
    }


def _usual_health_url(definition: Definition, port: int | None) -> str | None:
    """Where a service that is not asked over HTTP now would be: the preset's address at the port it has here.

    None where the stack leads that address to nothing: the preset's port is another one than the service's.
    """
    preset = definition.health_url
    if preset is None or not definition.defined:
        return preset
    parts = urlsplit(preset)
    if (parts.port or 80) != definition.default_port:
        return None
    return parts._replace(netloc=f"{parts.hostname}:{port}").geturl() if port != parts.port and port != 80 else preset


def container_status(
    definition: Definition, container: Container | None, seen: Observed
) -> tuple[ContainerStatus, Text | None]:
    """Docker's state of a service, and what there is to say about it. The last known state while the engine is away."""
    if container is not None:
        return container.status, None
    if seen.engine_away and not seen.engine_seen:
        return ContainerStatus.DOCKER_UNAVAILABLE, text("Docker does not answer.")
    if seen.native:
        return ContainerStatus.NOT_FOUND, text("{service} runs without Docker.", service=definition.title)
    return ContainerStatus.NOT_FOUND, None


def main_port(definition: Definition, container: Container | None, seen: Observed) -> int | None:
    """The one host port of a service: the published port that people or clients use."""
    published = published_ports(container)
    if published:
        return next((p.host_port for p in published if p.host_port == definition.default_port), published[0].host_port)
    return definition.default_port


def published_ports(container: Container | None) -> list[Port]:
    """TCP ports the engine publishes on the host, each once (IPv4 and IPv6 are two entries), by container port."""
    found: dict[int, Port] = {}
    for port in container.ports if container else ():
        if port.host_port and port.protocol == "tcp":
            found.setdefault(port.host_port, port)
    return sorted(found.values(), key=lambda p: (p.container_port, p.host_port or 0))


def _published(container: Container | None, port: int | None, seen: Observed) -> bool:
    return port is not None and (seen.native or any(p.host_port == port for p in published_ports(container)))


def with_dependents(services: Mapping[str, ServiceState]) -> dict[str, ServiceState]:
    """The same services, each with the names of those that need it."""
    needed_by: dict[str, list[str]] = {}
    for name, state in services.items():
        for other in state.depends_on:
            needed_by.setdefault(other, []).append(name)
    return {
        name: state.model_copy(update={"needed_by": tuple(needed_by.get(name, ()))}) for name, state in services.items()
    }


def docker_block(containers: Iterable[Container], listed_at: float | None) -> DockerBlock:
    """All containers of the engine, by name."""
    rows = sorted(containers, key=lambda c: c.name)
    summaries = tuple(ContainerSummary(name=c.name, status=c.status, short_id=c.short_id) for c in rows)
    return DockerBlock(taken_at=listed_at, containers=summaries)
