"""Services: containers, health checks, figures, and all of it together."""

from __future__ import annotations

from pydantic import Field

from .base import Model, Text
from .states import Condition, ContainerStatus, HealthStatus, Means


class Health(Model):
    """Result of one health check."""

    status: HealthStatus = HealthStatus.UNKNOWN
    checked_at: float | None = None
    duration: float | None = None
    means: Means = Means.NONE
    target: str | None = None
    reason: Text | None = None
    remedy: Text | None = None
    detail: str | None = None  # raw words of the service or the engine: untrusted
    starting: bool = False  # still within Docker's start period, or answering that it is loading


class Port(Model):
    """A port of a container, and where the host publishes it (`host_port` None: inside the stack only)."""

    container_port: int
    protocol: str = "tcp"
    host_ip: str | None = None
    host_port: int | None = None


class Container(Model):
    """What the engine knows of a container. Names, labels and images are untrusted text."""

    id: str
    name: str
    image: str = ""
    status: ContainerStatus = ContainerStatus.UNKNOWN
    project: str | None = None
    service: str | None = None
    number: int = 1
    labels: dict[str, str] = Field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    address: str | None = None  # IP address inside the engine's network
    network_mode: str = ""
    pid: int = 0
    exit_code: int | None = None
    oom_killed: bool = False
    restart_count: int = 0
    created_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    docker_health: str | None = None  # starting, healthy, unhealthy; None without a HEALTHCHECK
    docker_health_output: str | None = None
    mounts: tuple[str, ...] = ()

    @property
    def short_id(self) -> str:
        """The first 12 characters of the id, as docker prints it."""
        return self.id.removeprefix("sha256:")[:12]


class Figures(Model):
    """Resource figures of one service. `network_*` and `block_*` count bytes since the container started."""

    taken_at: float
    source: str = "cgroup"  # cgroup, engine, process
    cpu_percent: float | None = None  # of one core: 200 means two cores are busy; None before the second sample
    memory_usage: int = 0
    memory_limit: int = 0
    memory_percent: float = 0.0
    network_rx: int = 0
    network_tx: int = 0
    block_read: int = 0
    block_write: int = 0
    pids: int | None = None


class ServiceState(Model):
    """Everything known of one service. Identity: engine / project / name."""

    name: str
    engine: str = "local"
    project: str = ""
    title: str
    description: str  # the API's English line
    summary: Text | None = None  # what it does, for the owner
    category: str = "other"  # ai, database, frontend, search, proxy, system, other
    group: str = "other"  # section on the pages: chat, data, search, voice, access, other
    kind: str = ""  # which preset it follows (db, redis, nginx, ...); "" without one
    known: bool = False  # one of the 13 names the API always lists
    defined: bool = False  # the stack defines it, or a container or native program was found: the pages show it
    native: bool = False  # runs as a program of the host, without Docker
    protected: bool = False  # the dashboard itself or what it needs: never stopped from here
    optional: bool = False  # of a profile: started only when it is asked for by name
    container_name: str = ""
    container: Container | None = None
    replicas: int = 0
    container_status: ContainerStatus = ContainerStatus.NOT_FOUND
    container_error: Text | None = None
    stale: bool = False  # container facts are the last known ones: the engine is away
    health: Health = Field(default_factory=Health)
    figures: Figures | None = None
    condition: Condition = Condition.UNKNOWN
    cause: Text | None = None  # why it is not well, in plain words
    remedy: Text | None = None
    since: float | None = None  # since when the condition holds, as far as known
    ports: tuple[Port, ...] = ()
    port: int | None = None  # the one host port the API names
    url: str | None = None  # where a person opens it
    health_url: str | None = None
    env_file: str | None = None  # its bare name, as the API gives it
    env_path: str | None = None  # relative to the stack's root
    env_used: bool = True  # the compose file hands it to the service
    config_files: tuple[str, ...] = ()
    data_dir: str | None = None
    depends_on: tuple[str, ...] = ()
    needed_by: tuple[str, ...] = ()
    operation_id: str | None = None  # the operation that works on it now
    updated_at: float = 0.0
