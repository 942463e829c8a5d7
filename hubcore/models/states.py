"""The words for states: those of the engine, of health checks and of the pages."""

from __future__ import annotations

from enum import StrEnum


class ContainerStatus(StrEnum):
    """Docker's state of a container, or why there is none."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"
    NOT_FOUND = "not_found"
    DOCKER_UNAVAILABLE = "docker_unavailable"
    ERROR = "error"
    UNKNOWN = "unknown"


class HealthStatus(StrEnum):
    """Outcome of the last health check, in the API's vocabulary."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DEGRADED = "degraded"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    ASSUMED_HEALTHY = "assumed_healthy"
    UNKNOWN = "unknown"
    ERROR = "error"


class Means(StrEnum):
    """How a health check was made."""

    HTTP = "http"
    TCP = "tcp"
    REDIS = "redis"
    POSTGRES = "postgres"
    EXEC = "exec"
    DOCKER = "docker"
    PROCESS = "process"
    NONE = "none"


class Condition(StrEnum):
    """What the owner sees: one word for container state and health together."""

    WORKS = "works"
    ATTENTION = "attention"
    BROKEN = "broken"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    BUSY = "busy"
