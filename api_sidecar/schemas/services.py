"""Answers about services: `/api/status` and `/api/services`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, RootModel

from hubcore.models import Condition, ContainerStatus, HealthStatus

from .base import AnswerModel, Bytes, Epoch, Percent, Said

Category = Literal["ai", "database", "frontend", "search", "proxy", "system", "other"]


class ServiceEntry(AnswerModel):
    """What both lists say of a service."""

    name: Said = Field(description="Equal to the key.")
    description: Said
    category: Category
    port: int | None = Field(ge=0, le=65535, description="The port of this machine.")
    container_status: ContainerStatus
    health_status: HealthStatus
    timestamp: Epoch = Field(description="When the state was taken (epoch seconds).")
    condition: Condition = Field(description="State and health in one word.")
    native: bool = Field(description="Runs on this machine without Docker.")
    stale: bool = Field(description="The facts are the last known ones: Docker is away.")
    operation_id: str | None = Field(description="The operation that works on it now.")
    container_error: Said | None = Field(None, description="Only when there is something to say.")
    health_error: Said | None = Field(None, description="Only when there is something to say.")
    error: Said | None = Field(None, description="Only when the check itself failed.")
    last_known_status: ContainerStatus | None = Field(None, description="Docker's last word, while it is away.")
    last_known_at: Epoch | None = Field(None, description="When that was (epoch seconds).")


class StatusEntry(ServiceEntry):
    """An entry of `/api/status`."""

    url: str | None = Field(description="Address of the health check.")


class Resources(AnswerModel):
    """Figures of a service. Zeros with `error` when there is no container, zeros without when it does not run."""

    status: ContainerStatus
    cpu_percent: float = Field(ge=0, description="Of one core: 200 means two busy cores.")
    memory_usage: Bytes
    memory_limit: Bytes
    memory_percent: Percent
    network_rx: Bytes
    network_tx: Bytes
    block_read: Bytes
    block_write: Bytes
    timestamp: Epoch
    measured: bool | None = Field(None, description="`false` before the first sample of a running service.")
    error: Said | None = Field(None, description="Why there are no figures.")


class ServicesEntry(ServiceEntry):
    """An entry of `/api/services`."""

    container_name: str
    env_file: str | None = Field(description="Name of the env file, without its folder.")
    data_dir: str | None
    health_url: str | None
    config_files: list[str] = Field(description="Paths relative to the stack's root.")
    resources: Resources | None = Field(None, description="Only with `resources=true`.")


class Status(RootModel[dict[str, StatusEntry]]):
    """Service name → state and health."""


class Services(RootModel[dict[str, ServicesEntry]]):
    """Service name → description, files, state."""
