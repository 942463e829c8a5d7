"""Hand-made snapshots for the page tests: small stacks in every state the pages know."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hubcore.models import (
    Condition,
    Container,
    ContainerStatus,
    EngineState,
    EngineStatus,
    Event,
    Figures,
    Health,
    HealthStatus,
    HostFigures,
    Means,
    Port,
    ServiceState,
    Snapshot,
    StackInfo,
    text,
)

GIB = 1024**3
EVIL = "**<b>x</b>** [y](http://evil.test) :red[z] `c`"


def service(name: str, title: str, condition: Condition = Condition.WORKS, **more: object) -> ServiceState:
    """One service of the sample stack, in a condition; `more` replaces fields."""
    now = time.time()
    up = condition in (Condition.WORKS, Condition.ATTENTION, Condition.BUSY)
    status = ContainerStatus.RUNNING if up else ContainerStatus.EXITED
    fields: dict[str, object] = {
        "name": name,
        "title": title,
        "description": f"Service {name}",
        "kind": name,
        "group": "data",
        "known": True,
        "defined": True,
        "container_status": status,
        "container": Container(
            id="a" * 64, name=f"s-{name}-1", image=f"{name}:1.2", status=status, started_at=now - 7200, restart_count=2
        ),
        "health": Health(
            status=HealthStatus.HEALTHY, checked_at=now - 4, duration=0.012, means=Means.TCP, target="t:1"
        ),
        "figures": Figures(taken_at=now, cpu_percent=12.5, memory_usage=GIB, memory_limit=4 * GIB, memory_percent=25.0),
        "condition": condition,
        "since": now - 720,
        "ports": (Port(container_port=80, host_port=8080, host_ip="127.0.0.1"),),
    }
    return ServiceState.model_validate(fields | more)


def host() -> HostFigures:
    """A calm computer."""
    return HostFigures(
        taken_at=time.time(),
        cpu_percent=12.0,
        cpu_count=4,
        memory_total=32 * GIB,
        memory_used=18 * GIB,
        memory_percent=57.0,
        disk_total=500 * GIB,
        disk_used=288 * GIB,
        disk_free=212 * GIB,
        disk_percent=57.6,
    )


def snapshot(services: Sequence[ServiceState], **more: object) -> Snapshot:
    """A snapshot of these services with a connected engine; `more` replaces fields."""
    now = time.time()
    fields: dict[str, object] = {
        "generation": 1,
        "published_at": now,
        "leader": "test",
        "engine": EngineState(status=EngineStatus.CONNECTED, since=now - 900, last_seen=now, version="27.0"),
        "stack": StackInfo(directory="/srv/stack", compose_file="compose.yml", project="s", services=len(services)),
        "host": host(),
        "services": {one.name: one for one in services},
        "events": (Event(at=now - 60, kind="condition", level="ok", text=text("{service} works.", service="Redis")),),
    }
    return Snapshot.model_validate(fields | more)


def well() -> Snapshot:
    """Everything works."""
    return snapshot([service("db", "PostgreSQL", needed_by=("redis",)), service("redis", "Redis")])


def trouble() -> Snapshot:
    """One does not work, one needs attention, one is stopped, one works."""
    cause = text("{service} was stopped from outside, all of a sudden.", service="LiteLLM")
    return snapshot(
        [
            service("docling", "Docling", Condition.ATTENTION, group="search", cause=text("The disk is full.")),
            service("litellm", "LiteLLM", Condition.BROKEN, group="chat", cause=cause, remedy=text("Start it again.")),
            service("redis", "Redis", Condition.STOPPED),
            service("db", "PostgreSQL"),
        ]
    )


def away() -> Snapshot:
    """Docker answered until three minutes ago."""
    now = time.time()
    engine = EngineState(
        status=EngineStatus.UNREACHABLE,
        since=now - 180,
        last_seen=now - 180,
        reason=text("Docker does not answer."),
        remedy=text("It may be restarting. The dashboard keeps trying by itself."),
        detail="connection refused",
    )
    services = [service("db", "PostgreSQL", Condition.UNKNOWN, stale=True)]
    return snapshot(services, engine=engine)


def first_run() -> Snapshot:
    """No engine was ever seen; Ollama runs without Docker."""
    engine = EngineState(status=EngineStatus.UNREACHABLE, since=time.time() - 5, reason=text("Docker does not answer."))
    native = service("ollama", "Ollama", native=True, container=None, port=11434, container_status="not_found")
    return snapshot([native], engine=engine, stack=StackInfo(directory="/srv/stack"), events=())


def no_stack() -> Snapshot:
    """Docker answers, but there is no compose file and no service."""
    stack = StackInfo(
        directory="/srv/nothing",
        problem=text("There is no compose file in {folder}.", folder="/srv/nothing"),
        other_projects=("blog",),
    )
    return snapshot([], stack=stack, events=())


def hostile() -> Snapshot:
    """A service whose every word is Markdown."""
    bad = service(
        "evil",
        EVIL,
        Condition.BROKEN,
        kind="",
        group="other",
        description=EVIL,
        cause=text("{service} is paused.", service=EVIL),
        container=Container(id="b" * 64, name="evil", image=EVIL, status=ContainerStatus.RUNNING),
        depends_on=("evil",),
        health=Health(status=HealthStatus.ERROR, target=EVIL, detail=EVIL, reason=text("Its own health check fails.")),
    )
    return snapshot([bad])
