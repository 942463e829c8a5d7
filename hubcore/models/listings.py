"""Log lines, cache listings and series."""

from __future__ import annotations

from pydantic import Field

from .base import Model


class LogLine(Model):
    """One line a service wrote. `text` is untrusted and may hold any character but a line break."""

    at: float | None = None
    stamp: str = ""  # RFC 3339 with nanoseconds, UTC, as the engine gave it
    text: str = ""
    stream: str = "stdout"
    level: str = "info"  # info, warning, error: guessed from the text

    def legacy(self) -> str:
        """The API's form: `<stamp> <text>`."""
        return f"{self.stamp} {self.text}" if self.stamp else self.text


class CacheEntry(Model):
    """One entry of the API's cache listing."""

    age: float
    size: int
    expires_in: float


class CacheInfo(Model):
    """What is cached, for how long; keys and names as the legacy API used them."""

    details: dict[str, CacheEntry] = Field(default_factory=dict)
    durations: dict[str, int] = Field(default_factory=dict)


class Series(Model):
    """Points of some figures of one entity over a period, ready to draw.

    `times` are epoch seconds; `values[name]` has the same length, None where nothing was measured. With
    `lows`/`highs` the points are means of longer intervals and those are the extremes.
    """

    entity: str
    step: float
    times: list[float] = Field(default_factory=list)
    values: dict[str, list[float | None]] = Field(default_factory=dict)
    lows: dict[str, list[float | None]] = Field(default_factory=dict)
    highs: dict[str, list[float | None]] = Field(default_factory=dict)
