"""Answers about the machine and its containers: `/api/metrics`, `/api/system/stats`; life and readiness."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hubcore.models import EngineStatus

from .base import Age, AnswerModel, Bytes, Count, Epoch, Percent, Said

PercentText = Annotated[str, Field(pattern=r"^[0-9]{1,3}\.[0-9]%$", examples=["12.3%"])]
GigabytesText = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9] GB$", examples=["23.5 GB"])]


class ContainerLine(AnswerModel):
    """A container of the engine, of the stack or not."""

    name: str
    status: str
    short_id: str = Field(description="The first 12 characters of the id.")


class DockerBlock(AnswerModel):
    """All containers of the engine; none, with `error`, while it is away."""

    total_containers: Count
    running_containers: Count
    containers: list[ContainerLine]
    timestamp: Epoch
    error: Said | None = None


class FlatFigures(AnswerModel):
    """Figures of the machine as text."""

    cpu_usage: PercentText
    memory_usage: PercentText
    memory_total: GigabytesText
    disk_usage: PercentText
    disk_total: GigabytesText


class TimedFigures(FlatFigures):
    """The same with their time."""

    timestamp: Epoch
    error: Said | None = Field(None, description="Until the first sample.")


class CacheAges(AnswerModel):
    """How old the values are."""

    system_cache_age: Age
    docker_cache_age: Age


class Metrics(FlatFigures):
    """Figures of the machine as text, flat (v1) and nested (v2), from one sample."""

    container_count: str = Field(pattern=r"^[0-9]+ active$", description="Running containers.", examples=["6 active"])
    system: TimedFigures
    docker: DockerBlock
    cache_info: CacheAges


class SystemFigures(AnswerModel):
    """Figures of the machine as numbers."""

    cpu_percent: Percent
    memory_percent: Percent
    disk_percent: Percent
    memory_total: Bytes
    memory_used: Bytes
    disk_total: Bytes
    disk_used: Bytes
    swap_total: Bytes
    swap_used: Bytes
    cpu_count: Count
    timestamp: Epoch
    error: Said | None = Field(None, description="Until the first sample.")


class Ages(AnswerModel):
    """How old the values are."""

    system: Age
    docker: Age


class Performance(AnswerModel):
    """How the answer was made."""

    cache_hits: Count = Field(description="Answers this process has given from memory.")
    cache_age: Ages


class SystemStats(AnswerModel):
    """Figures of the machine as numbers, and the engine's containers."""

    system: SystemFigures
    docker: DockerBlock
    performance: Performance


class Alive(AnswerModel):
    """The process lives."""

    status: str = Field(pattern="^ok$")


class Ready(AnswerModel):
    """Whether values are published and current."""

    ready: bool
    snapshot_age: Age | None = Field(description="Seconds since the last publication; null before the first.")
    engine: EngineStatus
    leader: str | None = Field(description="The process that collects.")
