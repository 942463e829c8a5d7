"""The API's hot answers, rendered once per publication instead of once per request. Pure.

`render` makes the JSON of every view from a snapshot; `finish` adds what changes without a publication (ages, reads
served) at read time, by appending to the bytes. The shapes: `docs/api.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

import orjson

from .models import CacheEntry, CacheInfo, EngineStatus, HostFigures, Model, Snapshot
from .views_services import (
    Entry,
    all_services,
    common_fields,
    engine_down,
    engine_trouble,
    resource_object,
    service_fields,
    status_fields,
)
from .views_text import number, plain

VIEW_NAMES = ("status", "metrics", "services", "services_resources", "system_stats")
GIB = 1024**3


class Ages(NamedTuple):
    """When the host's figures and the list of containers were taken (epoch seconds); None: never."""

    system: float | None = None
    docker: float | None = None


class Ttls(NamedTuple):
    """For how many seconds each kind of value is good."""

    system_metrics: float
    docker_stats: float
    service_health: float
    container_resources: float


def render(snapshot: Snapshot) -> dict[str, bytes]:
    """JSON of each view in VIEW_NAMES. `metrics` and `system_stats` lack what `finish` adds."""
    status: Entry = {}
    services: Entry = {}
    with_resources: Entry = {}
    for state in all_services(snapshot):
        common = common_fields(state, snapshot)
        name = common["name"]
        status[name] = common | status_fields(state)
        services[name] = common | service_fields(state)
        with_resources[name] = services[name] | {"resources": resource_object(state, snapshot)}
    docker = docker_block(snapshot)
    views: Entry = {
        "status": status,
        "services": services,
        "services_resources": with_resources,
        "metrics": _metrics(snapshot, docker),
        "system_stats": {"system": _system(snapshot.host), "docker": docker},
    }
    return {name: orjson.dumps(value) for name, value in views.items()}


def finish(name: str, body: bytes, ages: Ages, now: float, hits: int = 0) -> bytes:
    """The complete answer of a view: `body` as rendered, plus ages in seconds at `now` (epoch seconds).

    `hits`: reads this process has served from memory, for `performance.cache_hits`. Views without such fields come
    back as they are. Nothing is parsed: the fields are appended to the rendered object.
    """
    system, docker = _age(ages.system, now), _age(ages.docker, now)
    if name == "metrics":
        return body[:-1] + b',"cache_info":{"system_cache_age":%.3f,"docker_cache_age":%.3f}}' % (system, docker)
    if name == "system_stats":
        tail = b',"performance":{"cache_hits":%d,"cache_age":{"system":%.3f,"docker":%.3f}}}'
        return body[:-1] + tail % (hits, system, docker)
    return body


def ages_of(snapshot: Snapshot) -> Ages:
    """The times `finish` needs."""
    return Ages(snapshot.host.taken_at if snapshot.host else None, snapshot.docker.taken_at)


def etag(body: bytes) -> str:
    """Weak entity tag of a rendered view (before `finish`): equal as long as nothing but the ages has changed."""
    return f'W/"{blake2b(body, digest_size=9).hexdigest()}"'


def _age(taken_at: float | None, now: float) -> float:
    # Nothing cached counts as 0, as clients expect; so does a clock that was set back.
    return max(now - taken_at, 0.0) if taken_at else 0.0


def docker_block(snapshot: Snapshot) -> Entry:
    """The Docker block: every container of the engine; empty, with `error`, while the engine is away."""
    block = snapshot.docker
    never_seen = block.taken_at is None and snapshot.engine.status != EngineStatus.CONNECTED
    if engine_down(snapshot) or never_seen:
        empty: Entry = {"total_containers": 0, "running_containers": 0, "containers": []}
        return {**empty, "timestamp": block.taken_at or snapshot.published_at, "error": engine_trouble(snapshot)}
    return {
        "total_containers": len(block.containers),
        "running_containers": block.running,
        "containers": [
            {"name": plain(c.name), "status": plain(c.status), "short_id": plain(c.short_id)} for c in block.containers
        ],
        "timestamp": block.taken_at or snapshot.published_at,
    }


def _metrics(snapshot: Snapshot, docker: Entry) -> Entry:
    host = snapshot.host or HostFigures(taken_at=0.0)
    flat = {
        "cpu_usage": _percent(host.cpu_percent),
        "memory_usage": _percent(host.memory_percent),
        "memory_total": _gigabytes(host.memory_total),
        "disk_usage": _percent(host.disk_percent),
        "disk_total": _gigabytes(host.disk_total),
    }
    system: Entry = {**flat, "timestamp": host.taken_at, **_unread(snapshot.host)}
    return {
        **flat,
        "container_count": f"{docker['running_containers']} active",
        "system": system,
        "docker": docker,
    }


def _system(host: HostFigures | None) -> Entry:
    figures = host or HostFigures(taken_at=0.0)
    return {
        "cpu_percent": number(figures.cpu_percent, 1, 100.0),
        "memory_percent": number(figures.memory_percent, 1, 100.0),
        "disk_percent": number(figures.disk_percent, 1, 100.0),
        "memory_total": figures.memory_total,
        "memory_used": figures.memory_used,
        "disk_total": figures.disk_total,
        "disk_used": figures.disk_used,
        "swap_total": figures.swap_total,
        "swap_used": figures.swap_used,
        "cpu_count": figures.cpu_count,
        "timestamp": figures.taken_at,
        **_unread(host),
    }


def _unread(host: HostFigures | None) -> Entry:
    if host is not None:
        return {}
    return {"error": "The figures of this machine have not been read yet."}


def _percent(value: float) -> str:
    return f"{number(value, 1, 100.0):.1f}%"


def _gigabytes(value: int) -> str:
    return f"{max(value, 0) / GIB:.1f} GB"


def cache_entries(snapshot: Snapshot | None, ttls: Ttls, now: float) -> CacheInfo:
    """The legacy cache listing: one entry per value held, with its age and what is left of its time (seconds).

    Keys are `system_metrics`, `docker_stats`, `service_health_<service>` and `container_resources_<service>`; `size`
    is the length of the value as JSON. None (nothing held) gives an empty listing.
    """
    details: dict[str, CacheEntry] = {}

    def add(key: str, value: Model, taken_at: float | None, ttl: float) -> None:
        if taken_at is not None:
            age = max(now - taken_at, 0.0)
            size = len(value.model_dump_json().encode())
            details[key] = CacheEntry(age=round(age, 3), size=size, expires_in=round(ttl - age, 3))

    if snapshot is not None:
        if snapshot.host is not None:
            add("system_metrics", snapshot.host, snapshot.host.taken_at, ttls.system_metrics)
        add("docker_stats", snapshot.docker, snapshot.docker.taken_at, ttls.docker_stats)
        for state in snapshot.services.values():
            name = plain(state.name)
            checked_at = state.health.checked_at
            add(f"service_health_{name}", state.health, checked_at, ttls.service_health)
            if state.figures is not None:
                add(f"container_resources_{name}", state.figures, state.figures.taken_at, ttls.container_resources)
    return CacheInfo(details=details, durations=durations(ttls))


def durations(ttls: Ttls) -> dict[str, int]:
    """Seconds by name, the legacy aliases included; fractions are rounded up to at least one second."""
    seconds: Mapping[str, int] = {name: max(round(value), 1) for name, value in ttls._asdict().items()}
    aliases = {
        "system": "system_metrics",
        "docker": "docker_stats",
        "service": "service_health",
        "service_status": "service_health",
        "container": "container_resources",
    }
    return {**seconds, **{alias: seconds[name] for alias, name in aliases.items()}}
