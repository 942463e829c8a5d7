"""The machine, the engine, the stack, and everything known as one value."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from .base import Model, Text
from .services import ServiceState
from .states import ContainerStatus


class HostFigures(Model):
    """Figures of the machine the collector runs on."""

    taken_at: float
    hostname: str = ""
    cpu_percent: float = 0.0  # of all cores together
    cpu_count: int = 1
    memory_total: int = 0
    memory_used: int = 0
    memory_available: int = 0
    memory_percent: float = 0.0
    swap_total: int = 0
    swap_used: int = 0
    disk_path: str = "/"
    disk_total: int = 0
    disk_used: int = 0
    disk_free: int = 0
    disk_percent: float = 0.0
    load: tuple[float, float, float] | None = None
    network_rx: int = 0
    network_tx: int = 0
    disk_read: int = 0
    disk_write: int = 0
    booted_at: float | None = None


class EngineStatus(StrEnum):
    """Whether the collector has a working connection to the Docker engine."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    UNREACHABLE = "unreachable"


class EngineState(Model):
    """The Docker engine as the collector sees it."""

    status: EngineStatus = EngineStatus.CONNECTING
    since: float | None = None  # of this status
    last_seen: float | None = None  # last answer of any kind
    address: str = ""
    version: str | None = None
    reason: Text | None = None
    remedy: Text | None = None
    detail: str | None = None


class ContainerSummary(Model):
    """One row of the API's Docker block."""

    name: str
    status: str
    short_id: str


class DockerBlock(Model):
    """All containers of the engine, also those outside the stack."""

    taken_at: float | None = None
    containers: tuple[ContainerSummary, ...] = ()

    @property
    def running(self) -> int:
        """Number of running containers."""
        return sum(1 for c in self.containers if c.status == ContainerStatus.RUNNING)


class Event(Model):
    """Something that happened, for the list on the Overview."""

    at: float
    kind: str  # condition, operation, engine, stack
    level: str = "info"  # ok, attention, bad, info
    service: str | None = None
    text: Text


class StackInfo(Model):
    """The stack the dashboard looks after, as found on disk and in the engine."""

    directory: str = ""
    compose_file: str | None = None
    project: str = ""
    services: int = 0  # how many the compose file defines
    problem: Text | None = None  # the compose file is missing or cannot be read
    other_projects: tuple[str, ...] = ()  # Compose projects of the engine that are not this one


class Snapshot(Model):
    """Everything the leader knows, published as one value."""

    generation: int = 0
    published_at: float = 0.0
    leader: str = ""
    refresh_token: str | None = None  # the newest refresh request this snapshot answers
    engine: EngineState = Field(default_factory=EngineState)
    stack: StackInfo = Field(default_factory=StackInfo)
    host: HostFigures | None = None
    docker: DockerBlock = Field(default_factory=DockerBlock)
    services: dict[str, ServiceState] = Field(default_factory=dict)
    events: tuple[Event, ...] = ()  # newest first
    history_problem: Text | None = None  # why figures are not being recorded
    audit_problem: Text | None = None  # why the audit log is not being written
