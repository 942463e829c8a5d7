"""Service entries of the API: what `/api/status` and `/api/services` say of one service. Pure.

The fields and their rules: `docs/api.md`. Sentences are English; clients of this API never had another language here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .models import ContainerStatus, EngineStatus, Figures, HealthStatus, ServiceState, Snapshot
from .presets import DEFAULT_CONTAINER, PRESETS, Preset
from .views_text import link, number, plain, say

CATEGORIES = frozenset({"ai", "database", "frontend", "search", "proxy", "system", "other"})
_GOOD = (HealthStatus.HEALTHY, HealthStatus.ASSUMED_HEALTHY)
_NO_STATE = (
    ContainerStatus.NOT_FOUND,
    ContainerStatus.DOCKER_UNAVAILABLE,
    ContainerStatus.ERROR,
    ContainerStatus.UNKNOWN,
)

Entry = dict[str, Any]


def engine_down(snapshot: Snapshot) -> bool:
    """Whether the Docker engine cannot be reached, so that container facts are old."""
    return snapshot.engine.status == EngineStatus.UNREACHABLE


def engine_trouble(snapshot: Snapshot) -> str:
    """Why there is no word from the engine, in English."""
    return say(snapshot.engine.reason) or "The Docker engine cannot be reached."


def all_services(snapshot: Snapshot) -> Iterator[ServiceState]:
    """Every service of the snapshot, then those of the 13 known ones that it lacks."""
    yield from snapshot.services.values()
    yield from (_absent(p, snapshot) for p in PRESETS.values() if p.name not in snapshot.services)


def _absent(preset: Preset, snapshot: Snapshot) -> ServiceState:
    return ServiceState(
        name=preset.name,
        title=preset.title,
        description=preset.description,
        category=preset.category,
        kind=preset.name,
        known=True,
        container_name=DEFAULT_CONTAINER.format(service=preset.name),
        container_status=ContainerStatus.NOT_FOUND,
        port=preset.port,
        health_url=preset.health_url,
        env_file=preset.env_file,
        config_files=preset.config_files,
        data_dir=preset.data_dir,
        updated_at=snapshot.published_at,
    )


def _container_status(state: ServiceState, snapshot: Snapshot) -> ContainerStatus:
    return ContainerStatus.DOCKER_UNAVAILABLE if engine_down(snapshot) else state.container_status


def _last_known(state: ServiceState) -> ContainerStatus | None:
    """Docker's last word on the container; None when it never was seen."""
    if state.container_status not in _NO_STATE:
        return state.container_status
    return state.container.status if state.container is not None else None


def common_fields(state: ServiceState, snapshot: Snapshot) -> Entry:
    """What both `/api/status` and `/api/services` say of a service."""
    status = _container_status(state, snapshot)
    entry: Entry = {
        "name": plain(state.name),
        "description": plain(state.description or state.title or state.name),
        "category": state.category if state.category in CATEGORIES else "other",
        "port": state.port,
        "container_status": status.value,
        "health_status": state.health.status.value,
        "timestamp": state.updated_at or snapshot.published_at,
        "condition": state.condition.value,
        "native": state.native,
        "stale": state.stale or status == ContainerStatus.DOCKER_UNAVAILABLE,
        "operation_id": state.operation_id,
    }
    entry.update(_errors(state, snapshot, status))
    if status == ContainerStatus.DOCKER_UNAVAILABLE and (last := _last_known(state)) is not None:
        entry["last_known_status"] = last.value
        entry["last_known_at"] = snapshot.engine.last_seen or state.updated_at
    return entry


def _errors(state: ServiceState, snapshot: Snapshot, status: ContainerStatus) -> Entry:
    """The error fields; only those that have something to say."""
    errors: Entry = {}
    container = say(state.container_error)
    if status == ContainerStatus.DOCKER_UNAVAILABLE:
        container = engine_trouble(snapshot)
    if container:
        errors["container_error"] = container
    health = say(state.health.reason) if state.health.status not in _GOOD else ""
    if health:
        errors["health_error"] = health
    if ContainerStatus.ERROR in (status, state.container_status) or state.health.status == HealthStatus.ERROR:
        errors["error"] = container or health or "This service could not be checked."
    return errors


def status_fields(state: ServiceState) -> Entry:
    """What `/api/status` says beyond `common_fields`; `url` is the address of the health check."""
    return {"url": link(state.health_url)}


def service_fields(state: ServiceState) -> Entry:
    """What `/api/services` says beyond `common_fields`."""
    env_file = state.env_file.replace("\\", "/").rsplit("/", 1)[-1] if state.env_file else None
    return {
        "container_name": plain(state.container_name),
        "env_file": plain(env_file) if env_file else None,
        "data_dir": plain(state.data_dir) if state.data_dir else None,
        "health_url": link(state.health_url),
        "config_files": [plain(path) for path in state.config_files],
    }


def resource_object(state: ServiceState, snapshot: Snapshot) -> Entry:
    """Resource figures of one service.

    Running: figures (zeros and `measured: false` until the first sample). Existing but not running: zeros. Without a
    container, or with the engine away: zeros and `error`, by which clients hide the card. A native program has
    figures whatever the engine does.
    """
    status = _container_status(state, snapshot)
    figures = state.figures
    if state.native and figures is not None:
        return _figures(ContainerStatus.RUNNING if status == ContainerStatus.NOT_FOUND else status, figures)
    if status == ContainerStatus.RUNNING and figures is not None:
        return _figures(status, figures)
    entry = _figures(status, Figures(taken_at=state.updated_at or snapshot.published_at))
    if status in _NO_STATE:
        entry["error"] = _no_figures(status, state, snapshot)
    elif status == ContainerStatus.RUNNING:
        entry["measured"] = False
    return entry


def _no_figures(status: ContainerStatus, state: ServiceState, snapshot: Snapshot) -> str:
    if status == ContainerStatus.DOCKER_UNAVAILABLE:
        return engine_trouble(snapshot)
    if status == ContainerStatus.NOT_FOUND:
        return "There is no container for this service."
    return say(state.container_error) or "The container’s state is not known."


def _figures(status: ContainerStatus, figures: Figures) -> Entry:
    percent = number(figures.memory_percent, 2, 100.0) if figures.memory_limit > 0 else 0.0
    return {
        "status": status.value,
        "cpu_percent": number(figures.cpu_percent, 2),
        "memory_usage": figures.memory_usage,
        "memory_limit": figures.memory_limit,
        "memory_percent": percent,
        "network_rx": figures.network_rx,
        "network_tx": figures.network_tx,
        "block_read": figures.block_read,
        "block_write": figures.block_write,
        "timestamp": figures.taken_at,
    }
