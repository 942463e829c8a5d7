"""Answers of the services behind the dashboard, and what they are asked with."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from hubcore.upstream_parse import OLLAMA_NAME

from .base import AnswerModel, BodyModel, Bytes, Count, Said
from .operations import Action


class OpenAnswer(AnswerModel):
    """An object that comes from another program: it may have further fields."""

    model_config = ConfigDict(extra="allow", strict=True)


class ModelBody(BodyModel):
    """Which model of Ollama."""

    model: str = Field(
        min_length=1,
        max_length=200,
        description="As Ollama's library writes it; `latest` without a tag.",
        examples=["llama3.2:3b"],
        json_schema_extra={"pattern": f"^(?:{OLLAMA_NAME.pattern})$"},  # told here, judged where the remedy is known
    )


class CompletionBody(BodyModel):
    """What to ask a model."""

    model: str = Field("llama3", min_length=1, max_length=200, examples=["llama3"])
    # 5000 characters fit into a body of 64 KB, however they are escaped
    message: str = Field("Hello! Please answer with one short sentence.", min_length=1, max_length=5000)


class OllamaEntry(OpenAnswer):
    """A model on Ollama's disk."""

    name: Said
    size: Bytes
    modified_at: str = Field(description="RFC 3339, with the zone of Ollama's machine.")
    digest: str


class OllamaModels(AnswerModel):
    """The models on Ollama's disk, as Ollama lists them."""

    models: list[OllamaEntry]


class LiteLLMEntry(OpenAnswer):
    """A model that LiteLLM offers."""

    id: str


class LiteLLMModels(OpenAnswer):
    """LiteLLM's list of models, as it is."""

    object: str
    data: list[LiteLLMEntry]


class ServiceModels(OpenAnswer):
    """For `ollama`: `models`; for `litellm`: `object` and `data`, as in `/api/litellm/models`."""

    models: list[OllamaEntry] | None = None
    object: str | None = None
    data: list[LiteLLMEntry] | None = None


class Begun(AnswerModel):
    """The download has begun, or goes on already."""

    success: Literal[True]
    message: Said
    operation_id: Said = Field(description="Where to follow it: `/api/operations/{operation_id}`.")


class ModelDone(AnswerModel):
    """How it ended. `success: false` with 200: it goes on, and `error` says where to follow it."""

    success: bool
    message: Said | None = None
    error: Said | None = None
    operation_id: Said


class LiteLLMStatus(AnswerModel):
    """That LiteLLM answers, and how its models are."""

    status: Literal["healthy"]
    models: list[LiteLLMEntry]
    total_models: Count
    healthy_endpoints: int | Literal["unknown"]
    unhealthy_endpoints: int | Literal["unknown"]
    health_data_available: bool


class CompletionAnswer(AnswerModel):
    """The whole answer of the model, in the form of OpenAI's API; its text is not altered."""

    status: Literal["success"]
    response: dict[str, Any]


class CompletionText(AnswerModel):
    """The words of the model; not altered."""

    success: Literal[True]
    response: str
    model: Said


class DatabaseHealth(AnswerModel):
    """PostgreSQL takes connections."""

    status: Literal["healthy"]
    message: Said


class DatabaseStatus(AnswerModel):
    """What PostgreSQL says of itself."""

    status: Literal["connected"]
    version: Said
    table_count: Count = Field(description="Tables and views of the schema `public`.")
    user: str
    database: str


class RedisInfo(AnswerModel):
    """What Redis says of itself, in its own words; `unknown` where it does not."""

    status: Literal["connected"]
    version: str
    memory_used: str
    connected_clients: str
    total_commands_processed: str
    uptime_in_seconds: str


class SearchEngines(AnswerModel):
    """SearXNG's engines, as it describes them."""

    engines: list[dict[str, Any]]
    count: Count


class SelfTest(AnswerModel):
    """How the test went; which fields there are depends on the service."""

    status: Literal["success", "error"]
    message: Said | None = None
    version: str | None = Field(None, description="ollama")
    model_count: Count | None = Field(None, description="ollama, litellm")
    generation_test: Literal["passed", "failed"] | None = Field(None, description="litellm")
    available_models: list[str] | None = Field(None, description="litellm")
    web_ui: str | None = Field(None, description="redis: `available` or `not available`")
    container_status: str | None = Field(None, description="db")


class MultiControlBody(BodyModel):
    """What to do with which services."""

    action: Action = Field(examples=["restart"])
    services: list[str] = Field(min_length=1, max_length=200, examples=[["redis"]])


class MultiControlResult(AnswerModel):
    """How it went with one service; only `error` for one that there is not."""

    success: bool | None = None
    output: str | None = None
    error: Said | None = None


class MultiControl(AnswerModel):
    """How it went with each service."""

    action: Action
    results: dict[str, MultiControlResult]
    operation_id: str | None = None
