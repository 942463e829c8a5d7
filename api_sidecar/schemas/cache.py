"""Answers about the cache."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Age, AnswerModel, Bytes, Count, Said


class CacheEntry(AnswerModel):
    """One value that is held."""

    age: Age
    size: Bytes
    expires_in: float = Field(description="Seconds; zero or less for a value that is due for renewal.")


class Durations(AnswerModel):
    """For how many seconds each kind of value is good; the last five are older names."""

    system_metrics: Count
    docker_stats: Count
    service_health: Count
    container_resources: Count
    system: Count
    docker: Count
    service: Count
    container: Count
    service_status: Count


class CacheInfo(AnswerModel):
    """What is held in the cache."""

    cache_entries: Count = Field(description="Number of keys in `details`.")
    details: dict[str, CacheEntry]
    durations: Durations


class Cleared(AnswerModel):
    """The cache is empty; the next read waits for fresh values."""

    success: Literal[True]
    message: Said
    cleared: Count = Field(description="How many values were dropped.")
