"""What a compose file says of its services, as far as the dashboard needs it. Pure.

The format: Compose specification, https://github.com/compose-spec/compose-spec.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from .compose_yaml import Override, Reset
from .models import Model, Text

# What Compose allows, but for a leading dot or dash, with which no container can be made.
SERVICE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
MOST_SERVICES = 2000


class ComposeService(Model):
    """One service as the compose file defines it."""

    name: str
    image: str = ""
    container_name: str | None = None
    depends_on: dict[str, str] = Field(default_factory=dict)  # service → condition
    env_files: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    profiles: tuple[str, ...] = ()


class StackFile(Model):
    """The compose file of a stack, parsed, with what is merged into it.

    `problem` says why it cannot be read now; the rest is then what it said when it could be read last.
    """

    path: str | None = None
    more_paths: tuple[str, ...] = ()  # override files, in the order in which they are merged
    project: str | None = None
    services: dict[str, ComposeService] = Field(default_factory=dict)
    problem: Text | None = None


_USED = ("image", "container_name", "depends_on", "env_file", "labels", "profiles")


def merged(documents: Sequence[Any]) -> dict[str, Any]:
    """Compose files one after another, each merged into those before it, as Compose does for the fields used here."""
    name: Any = None
    services: dict[Any, Any] = {}
    for document in documents:
        data = document if isinstance(document, dict) else {}
        name = data.get("name") or name
        found = data.get("services")
        more = _plain(found)
        if isinstance(found, Reset | Override):
            services = {}
        for service, entry in (more if isinstance(more, dict) else {}).items():
            if isinstance(entry, Reset):
                services.pop(service, None)
            elif isinstance(entry, Override):
                services[service] = entry.value
            else:
                services[service] = _merged_service(services.get(service), entry)
    return {"name": name, "services": services}


def _merged_service(before: Any, entry: Any) -> dict[str, Any]:
    result = dict(before) if isinstance(before, dict) else {}
    for key, value in (entry if isinstance(entry, dict) else {}).items():
        if isinstance(value, Reset):
            result.pop(key, None)
        elif key in _USED:
            result[key] = _merged_field(key, _plain(result.get(key)), value)
    return result


def _merged_field(key: str, before: Any, value: Any) -> Any:
    if isinstance(value, Override):
        return value.value
    if before is None:
        return value
    if key == "labels":
        return {**_labels(before), **_labels(value)}
    if key == "depends_on":
        rules = {name: {"condition": condition} for name, condition in _depends_on(before).items()}
        return rules | {name: {"condition": condition} for name, condition in _depends_on(value).items()}
    if key in ("env_file", "profiles"):
        return [*_list(before), *_list(value)]
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def parse_compose(data: Any, *, path: str, variables: Mapping[str, str]) -> StackFile:
    """A `StackFile` from the tree of a compose file; entries of an unexpected type or name are passed over.

    `variables` (environment and `.env` of the stack) fill `${NAME}`, `${NAME:-default}` and `$NAME` in the fields used.
    """
    data = data if isinstance(data, dict) else {}
    found = _plain(data.get("services"))
    entries = found if isinstance(found, dict) else {}
    names = [name for name in entries if isinstance(name, str) and SERVICE_NAME.fullmatch(name)][:MOST_SERVICES]
    services = {name: _service(name, _plain(entries[name]), variables) for name in names}
    name = _text(data.get("name"), variables)
    return StackFile(path=path, project=name or None, services=services)


def _service(name: str, entry: Any, variables: Mapping[str, str]) -> ComposeService:
    entry = entry if isinstance(entry, dict) else {}
    return ComposeService(
        name=name,
        image=_text(entry.get("image"), variables),
        container_name=_text(entry.get("container_name"), variables) or None,
        depends_on=_depends_on(_plain(entry.get("depends_on"))),
        env_files=tuple(path for raw in _env_files(_plain(entry.get("env_file"))) if (path := _text(raw, variables))),
        labels=_labels(_plain(entry.get("labels"))),
        profiles=tuple(_texts(_plain(entry.get("profiles")))),
    )


def _plain(value: Any) -> Any:
    """What a tag of Compose's leaves in a file that nothing is merged into."""
    return None if isinstance(value, Reset) else value.value if isinstance(value, Override) else value


_VARIABLE = re.compile(r"\$(?:\$|\{(?P<braced>[A-Za-z_]\w*)(?::?-(?P<default>[^}]*))?[^}]*\}|(?P<plain>[A-Za-z_]\w*))")


def interpolate(value: str, variables: Mapping[str, str]) -> str:
    """Fill the variables of a compose file's text; one that is not set becomes empty, `$$` a dollar sign."""

    def fill(match: re.Match[str]) -> str:
        name = match["braced"] or match["plain"]
        if name is None:
            return "$"
        return variables.get(name) or match["default"] or ""

    return _VARIABLE.sub(fill, value)


def _text(value: Any, variables: Mapping[str, str]) -> str:
    """A scalar as text with its variables filled in; empty for anything else, and for what no name can hold."""
    value = _plain(value)
    words = interpolate(str(value), variables)[:1000] if isinstance(value, str | int | float) else ""
    return words if words.isprintable() else ""


def _texts(value: Any) -> list[str]:
    return [str(item) for item in _list(value) if isinstance(item, str | int | float)]


def _depends_on(value: Any) -> dict[str, str]:
    if isinstance(value, list):
        return dict.fromkeys(_texts(value), "service_started")
    if not isinstance(value, dict):
        return {}
    rules = {str(name): rule if isinstance(rule, dict) else {} for name, rule in value.items()}
    return {name: _text(rule.get("condition"), {}) or "service_started" for name, rule in rules.items()}


def _env_files(value: Any) -> list[Any]:
    return [entry.get("path") if isinstance(entry, dict) else entry for entry in _list(value)]


def _labels(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        pairs = {str(key): _plain(label) for key, label in value.items()}
    elif isinstance(value, list):
        pairs = dict(item.partition("=")[::2] for item in _texts(value))
    else:
        return {}
    told = {key: str(label)[:4000] for key, label in pairs.items() if isinstance(label, str | int | float)}
    return {_whole(key): _whole(label) for key, label in told.items()}


def _whole(words: str) -> str:
    """Without what no UTF-8 text can hold: half a character written as an escape."""
    return words.encode("utf-8", "replace").decode()


def project_name(directory: str) -> str:
    """The project name Compose derives from a directory's name."""
    return re.sub(r"[^a-z0-9_-]", "", directory.lower()).lstrip("_-")
