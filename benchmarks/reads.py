"""Reading what the collector published: from memory, from the store, and as diskcache's own JSON disk would do it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import diskcache

from hubcore.adapters.store import Store
from hubcore.hub import Hub
from hubcore.models import (
    Container,
    ContainerStatus,
    EngineState,
    EngineStatus,
    Figures,
    Health,
    HealthStatus,
    HostFigures,
    ServiceState,
    Snapshot,
)
from hubcore.presets import PRESETS
from hubcore.publisher import Publisher, view_key
from hubcore.settings import Settings

from .measure import Result, compare


def snapshot() -> Snapshot:
    """Thirteen healthy services."""
    now = time.time()
    figures = Figures(taken_at=now, cpu_percent=1.5, memory_usage=100 << 20, memory_limit=1 << 30, memory_percent=9.8)
    services = {
        name: ServiceState(
            name=name,
            title=name,
            description="A service",
            known=True,
            defined=True,
            container=Container(id=f"{index:064x}", name=f"hub-{name}-1", status=ContainerStatus.RUNNING),
            container_status=ContainerStatus.RUNNING,
            container_name=f"hub-{name}-1",
            health=Health(status=HealthStatus.HEALTHY, checked_at=now, duration=0.01),
            figures=figures,
            updated_at=now,
        )
        for index, name in enumerate(PRESETS)
    }
    return Snapshot(
        generation=1,
        published_at=now,
        engine=EngineState(status=EngineStatus.CONNECTED, version="20.10"),
        host=HostFigures(taken_at=now, memory_total=1 << 34, disk_total=1 << 39),
        services=services,
    )


def run(directory: Path) -> Iterator[Result]:
    """All measurements of reading."""
    settings = Settings(state_dir=directory / "state", stack_dir=directory)
    hub = Hub(settings)
    store = Store(settings.state_dir / "store")
    Publisher(store).publish(snapshot())
    hub.start(collect=False)
    hub.view("status")
    key = view_key("services")
    body = store.get_bytes(key) or b""
    beside = diskcache.Cache(str(directory / "json"), disk=diskcache.JSONDisk)
    beside.set(key, body.decode())
    yield compare(
        f"store: one view of {len(body)} bytes",
        lambda: store.get_bytes(key),
        "diskcache with JSONDisk",
        lambda: beside.get(key),
        times=5000,
    )
    yield compare(
        "hub: one view from memory",
        lambda: hub.view("services"),
        "the same from the store",
        lambda: store.get_bytes(key),
        times=5000,
    )
    yield compare(
        "hub: the snapshot",
        hub.snapshot,
        "reading its row of the store",
        lambda: store.get_bytes("snapshot"),
        times=5000,
    )
    hub.close()
    store.close()
    beside.close()
