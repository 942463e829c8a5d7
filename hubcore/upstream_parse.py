"""What the services' answers mean: JSON of Ollama, LiteLLM and SearXNG, words of the databases' own tools. Pure.

Functions that take an answer raise ValueError (pydantic's and orjson's errors are among them) for one that makes no
sense; whoever asked turns that into an `UpstreamFailed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from .errors import BadRequest
from .models import Text, text
from .models.upstream import (
    MOST,
    Completion,
    DatabaseReadiness,
    Engines,
    LiteLLMHealth,
    LiteLLMModels,
    LoadedModel,
    OllamaModel,
    PullProgress,
    RedisInfo,
)
from .probing import printable

M = TypeVar("M", bound=BaseModel)

LONGEST_NAME = 200
_PART = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"
_HOST = "[A-Za-z0-9][A-Za-z0-9.-]{0,150}(?::[0-9]{1,5})?"
# [host[:port]/][namespace/]name[:tag], see “Name” in https://pkg.go.dev/github.com/ollama/ollama/types/model
OLLAMA_NAME = re.compile(rf"(?:(?:{_HOST}/)?{_PART}/)?{_PART}(?::{_PART})?")
_NEARLY = 0.99  # share of a download that is complete but not yet checked
_UNITS = (
    (1e9, text("{done} of {total} GB")),
    (1e6, text("{done} of {total} MB")),
    (0.0, text("{done} of {total} KB")),
)


def ollama_name(raw: str) -> str:
    """A model's name as Ollama writes it, with its tag (`latest` without one). Raises BadRequest."""
    name = raw.strip()
    if len(name) > LONGEST_NAME or not OLLAMA_NAME.fullmatch(name):
        raise BadRequest(
            text("“{name}” cannot be the name of a model.", name=printable(raw.encode("utf-8", "replace"))[:80]),
            remedy=text("Write it as Ollama’s library does, for example llama3.2:3b."),
        )
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


def _object(body: bytes) -> dict[str, Any]:
    value = orjson.loads(body)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _field(body: bytes, name: str) -> Any:
    value = _object(body)
    if name not in value:
        raise ValueError(f"no {name}")
    return value[name]


def _each(model: type[M], entries: Any) -> Iterable[M]:
    """The entries of a list that are what they should be; null counts as an empty list."""
    if entries is None:
        return
    if not isinstance(entries, list):
        raise ValueError("not a list")
    for entry in entries:
        try:
            yield model.model_validate(entry)
        except ValidationError:
            continue


# --- Ollama


def ollama_version(body: bytes) -> str:
    """Of `/api/version`."""
    version = _object(body).get("version")
    if not isinstance(version, str):
        raise ValueError("no version")
    return printable(version.encode())[:100]


def ollama_models(body: bytes) -> tuple[OllamaModel, ...]:
    """Of `/api/tags`: what is on disk."""
    return tuple(_each(OllamaModel, _field(body, "models")))


def loaded_models(body: bytes) -> tuple[LoadedModel, ...]:
    """Of `/api/ps`: what is in memory."""
    return tuple(_each(LoadedModel, _field(body, "models")))


def advanced(before: PullProgress, line: bytes) -> PullProgress:
    """How far a download is after one more line of `/api/pull`."""
    said = _object(line)
    if "error" in said:
        return before.model_copy(update={"failure": printable(str(said["error"]).encode("utf-8", "replace"))})
    status = said.get("status")
    status = printable(status.encode("utf-8", "replace"))[:100] if isinstance(status, str) else before.status
    layers = dict(before.layers)
    digest, total, completed = said.get("digest"), said.get("total"), said.get("completed", 0)
    if isinstance(digest, str) and isinstance(total, int) and isinstance(completed, int) and 0 < total <= MOST:
        layers[digest[:100]] = (min(max(completed, 0), total), total)
    done = status == "success"
    fresh = before.model_copy(
        update={"status": status, "layers": layers, "done": done, "downloading": status.startswith("pulling")}
    )
    known = min(fresh.completed / fresh.total, _NEARLY) if fresh.total else 0.0
    return fresh.model_copy(update={"share": 1.0 if done else max(before.share, known)})


def pull_note(progress: PullProgress) -> Text:
    """How far a download is, in words."""
    if progress.done:
        return text("complete")
    if not progress.layers:
        return text("looking for it")
    if not progress.downloading:
        return text("checking what was downloaded")
    size, template = next(unit for unit in _UNITS if progress.total >= unit[0])
    size = size or 1e3
    params: dict[str, str | int | float] = {
        "done": round(progress.completed / size, 1),
        "total": round(progress.total / size, 1),
    }
    return template.model_copy(update={"params": params})


# --- LiteLLM and SearXNG


def litellm_models(body: bytes) -> LiteLLMModels:
    """Of `/v1/models`."""
    value = _object(body)
    if not isinstance(value.get("data"), list):
        raise ValueError("no list of models")
    return LiteLLMModels.model_validate(value)


def litellm_health(body: bytes) -> LiteLLMHealth:
    """Of `/health`: counts, or lists to count."""
    value = _object(body)

    def number(kind: str) -> int | None:
        count, endpoints = value.get(f"{kind}_count"), value.get(f"{kind}_endpoints")
        if isinstance(count, int) and not isinstance(count, bool):
            return max(count, 0)
        return len(endpoints) if isinstance(endpoints, list) else None

    return LiteLLMHealth(healthy=number("healthy"), unhealthy=number("unhealthy"))


def completion(model: str, body: bytes) -> Completion:
    """Of `/v1/chat/completions`."""
    value = _object(body)
    choices = value.get("choices")
    if not isinstance(choices, list):
        raise ValueError("no choices")
    first = choices[0] if choices and isinstance(choices[0], dict) else {}
    message = first.get("message")
    words = message.get("content") if isinstance(message, dict) else None
    return Completion(model=model, words=words if isinstance(words, str) else "", raw=value)


def engines(body: bytes) -> Engines:
    """Of SearXNG's `/config`."""
    found = _field(body, "engines")
    if not isinstance(found, list):
        raise ValueError("no list of engines")
    return Engines(engines=tuple(engine for engine in found if isinstance(engine, dict)))


def error_words(body: bytes) -> str:
    """What an error answer says: `error`, `detail` or `message` of its JSON, else its text."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return printable(body)
    for name in ("error", "detail", "message"):
        said = value.get(name) if isinstance(value, dict) else None
        said = said.get("message") if isinstance(said, dict) else said
        if isinstance(said, str) and said:
            return printable(said.encode("utf-8", "replace"))
    return printable(body)


# --- PostgreSQL and Redis, by their own tools


def readiness(exit_code: int, output: bytes) -> DatabaseReadiness:
    """Of `pg_isready`: 0 takes connections, 1 refuses them for now, 2 does not answer; anything else never asked."""
    words = printable(output)
    if exit_code == 0:
        return DatabaseReadiness(ready=True, detail=words)
    if exit_code == 1:
        reason, remedy = text("It is starting, stopping or recovering."), text("Wait a moment, then look again.")
    elif exit_code == 2:
        reason, remedy = text("It does not answer in its container."), text("Look at its log; restart it if need be.")
    else:
        reason = text("It could not be asked.")
        remedy = text("Check POSTGRES_USER and POSTGRES_DB in its env file.")
    return DatabaseReadiness(ready=False, reason=reason, remedy=remedy, detail=words)


def database_status(output: bytes) -> tuple[str, int]:
    """Version and number of tables: the line of `psql` that is the JSON object that was asked for."""
    for line in output.splitlines():
        if line.startswith(b"{"):
            value = _object(line)
            version, tables = value.get("version"), value.get("tables")
            if isinstance(version, str) and isinstance(tables, int) and not isinstance(tables, bool):
                return printable(version.encode("utf-8", "replace")), tables
    raise ValueError("no such line")


_REDIS_FIELDS: Mapping[str, str] = {
    "version": "redis_version",
    "memory_used": "used_memory_human",
    "connected_clients": "connected_clients",
    "total_commands_processed": "total_commands_processed",
    "uptime_in_seconds": "uptime_in_seconds",
}


def redis_info(output: bytes) -> RedisInfo:
    """Of `redis-cli INFO`: lines `name:value`."""
    lines = output.decode("utf-8", "replace").splitlines()
    said = {name: value.strip()[:100] for name, sign, value in (line.partition(":") for line in lines) if sign}
    found = {field: said[name] for field, name in _REDIS_FIELDS.items() if said.get(name)}
    if not found:
        raise ValueError("no such lines")
    return RedisInfo.model_validate(found)
