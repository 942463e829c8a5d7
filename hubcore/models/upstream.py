"""What the services behind the dashboard say of themselves: models, engines, databases. All of it is untrusted text.

Where a model allows extra fields, they are the service's own and are handed on as they are.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from .base import Model, Text

MOST = 2**63 - 1  # what JSON written for other programs can carry as a whole number


def _text(value: Any) -> Any:
    return "" if value is None else value


def _whole(value: Any) -> Any:
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
    return value if usable else 0


Word = Annotated[str, BeforeValidator(_text)]
Whole = Annotated[int, BeforeValidator(_whole)]


class _Open(Model):
    model_config = ConfigDict(frozen=True, extra="allow")


class OllamaModel(_Open):
    """A model that Ollama has on disk. `modified_at`: RFC 3339 with the zone of its machine."""

    name: str
    size: Whole = 0
    modified_at: Word = ""
    digest: Word = ""


class LoadedModel(_Open):
    """A model that Ollama holds in memory, and how much of it in that of the graphics card."""

    name: str
    size: Whole = 0
    size_vram: Whole = 0
    expires_at: Word = ""


class LiteLLMModel(_Open):
    """A model that LiteLLM offers."""

    id: str


class LiteLLMModels(_Open):
    """LiteLLM's list of models."""

    object: Word = "list"
    data: tuple[LiteLLMModel, ...] = ()


class LiteLLMHealth(Model):
    """How many of LiteLLM's models answered its own check; None where it did not say."""

    healthy: int | None = None
    unhealthy: int | None = None


class Completion(Model):
    """A model's answer. `raw`: the whole of it; `words`: the reply, "" when there is none."""

    model: str
    words: str = ""
    raw: dict[str, Any] = Field(default_factory=dict)


class PullProgress(Model):
    """How far Ollama has come with a download: `completed` of `total` bytes of the layers it has begun with.

    `status`: Ollama's own words; `share` never shrinks, though more layers come in.
    """

    status: str = ""
    layers: dict[str, tuple[int, int]] = Field(default_factory=dict)  # digest → completed, total
    share: float = 0.0
    downloading: bool = True  # False once all is there and only checked and written
    done: bool = False
    failure: str | None = None

    @property
    def completed(self) -> int:
        """Bytes that are there."""
        return sum(done for done, _ in self.layers.values())

    @property
    def total(self) -> int:
        """Bytes of all layers begun with."""
        return sum(total for _, total in self.layers.values())


class DatabaseReadiness(Model):
    """Whether PostgreSQL takes connections. `reason`, `detail`: why not."""

    ready: bool
    reason: Text | None = None
    remedy: Text | None = None
    detail: str = ""


class DatabaseStatus(Model):
    """What PostgreSQL says of itself. `table_count`: tables and views of the schema `public`."""

    version: str
    table_count: int
    user: str = ""
    database: str = ""


class RedisInfo(Model):
    """What Redis says of itself, in its own words; `unknown` where it does not."""

    version: str = "unknown"
    memory_used: str = "unknown"
    connected_clients: str = "unknown"
    total_commands_processed: str = "unknown"
    uptime_in_seconds: str = "unknown"


class Engines(Model):
    """SearXNG's search engines, as it describes them."""

    engines: tuple[dict[str, Any], ...] = ()
