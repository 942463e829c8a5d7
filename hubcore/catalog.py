"""Which services exist: compose file, containers of its project, and the 13 known ones. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field

from .models import Container, ContainerStatus, Model, Text, text
from .presets import DEFAULT_CONTAINER, PRESETS, Preset, preset_for

_OF_THE_STACK = text("Part of your stack")
LABEL = (
    "dashboard."  # labels of ours on a service: dashboard.title, .description, .category, .group, .probe, .protected
)
CATEGORIES = ("ai", "database", "frontend", "search", "proxy", "system", "other")
GROUPS = ("chat", "data", "search", "voice", "access", "other")
_GROUP_OF_CATEGORY = {"database": "data", "frontend": "chat", "search": "search", "proxy": "access", "system": "access"}


class ComposeService(Model):
    """One service as the compose file defines it."""

    name: str
    image: str = ""
    container_name: str | None = None
    depends_on: dict[str, str] = Field(default_factory=dict)  # service → condition
    env_files: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)


class StackFile(Model):
    """A compose file, parsed. `problem` says why there is none."""

    path: str | None = None
    project: str | None = None
    services: dict[str, ComposeService] = Field(default_factory=dict)
    problem: Text | None = None


class Definition(Model):
    """A service of the stack and what is fixed about it, before any observation."""

    name: str
    project: str = ""
    kind: str = ""
    title: str
    description: str
    summary: Text | None = None
    category: str = "other"
    group: str = "other"
    known: bool = False
    defined: bool = False
    in_compose: bool = False
    protected: bool = False
    container_name: str = ""
    default_port: int | None = None
    env_file: str | None = None
    config_files: tuple[str, ...] = ()
    data_dir: str | None = None
    health_url: str | None = None
    web: bool = False
    probe_label: str | None = None
    depends_on: dict[str, str] = Field(default_factory=dict)
    containers: tuple[Container, ...] = ()  # replicas by number; the first is the one shown


def parse_compose(data: Any, *, path: str, variables: Mapping[str, str]) -> StackFile:
    """A `StackFile` from the parsed YAML of a compose file; entries of an unexpected type are passed over.

    `variables` (environment and `.env` of the stack) fill `${NAME}`, `${NAME:-default}` and `$NAME` in the fields used.
    The format: Compose specification, https://github.com/compose-spec/compose-spec.
    """
    data = data if isinstance(data, dict) else {}
    raw_services = data.get("services")
    services: dict[str, ComposeService] = {}
    for name, entry in (raw_services if isinstance(raw_services, dict) else {}).items():
        entry = entry if isinstance(entry, dict) else {}
        services[str(name)] = ComposeService(
            name=str(name),
            image=interpolate(str(entry.get("image") or ""), variables),
            container_name=interpolate(str(entry["container_name"]), variables)
            if entry.get("container_name")
            else None,
            depends_on=_depends_on(entry.get("depends_on")),
            env_files=tuple(interpolate(path, variables) for path in _env_files(entry.get("env_file"))),
            labels=_labels(entry.get("labels")),
        )
    name = data.get("name")
    project = interpolate(str(name), variables) if name else None
    return StackFile(path=path, project=project, services=services)


_VARIABLE = re.compile(r"\$(?:\$|\{(?P<braced>[A-Za-z_]\w*)(?::?-(?P<default>[^}]*))?[^}]*\}|(?P<plain>[A-Za-z_]\w*))")


def interpolate(value: str, variables: Mapping[str, str]) -> str:
    """Fill the variables of a compose file's text; one that is not set becomes empty, `$$` a dollar sign."""

    def fill(match: re.Match[str]) -> str:
        name = match["braced"] or match["plain"]
        if name is None:
            return "$"
        return variables.get(name) or match["default"] or ""

    return _VARIABLE.sub(fill, value)


def _depends_on(value: Any) -> dict[str, str]:
    if isinstance(value, list):
        return {str(name): "service_started" for name in value}
    if isinstance(value, dict):
        return {
            str(name): str(rule.get("condition", "service_started")) if isinstance(rule, dict) else "service_started"
            for name, rule in value.items()
        }
    return {}


def _env_files(value: Any) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    paths = [entry.get("path") if isinstance(entry, dict) else entry for entry in entries]
    return [str(path) for path in paths if path]


def _labels(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {str(key): str(label) for key, label in value.items()}
    if isinstance(value, list):
        return dict(str(item).partition("=")[::2] for item in value)
    return {}


def project_name(directory: str) -> str:
    """The project name Compose derives from a directory's name."""
    return re.sub(r"[^a-z0-9_-]", "", directory.lower()).lstrip("_-")


def detect_project(containers: Iterable[Container]) -> str | None:
    """The Compose project to look after where no compose file says so: the one with the most known services."""
    known: dict[str, set[str]] = {}
    for container in containers:
        if container.project:
            services = known.setdefault(container.project, set())
            if container.service and preset_for(container.service, container.image):
                services.add(container.service)
    if not known:
        return None
    return max(sorted(known), key=lambda project: len(known[project]))


def build(
    stack: StackFile, project: str | None, containers: Sequence[Container], protected: frozenset[str] = frozenset()
) -> dict[str, Definition]:
    """All services: those of the compose file, of the project's containers, and the 13 known ones.

    `protected`: ids of containers and names of services that must never be stopped from the dashboard.
    """
    names = [*stack.services]
    names += sorted({c.service for c in containers if project and c.project == project and c.service} - set(names))
    names += [name for name in PRESETS if name not in names]
    return {name: _define(name, stack, project, containers, protected) for name in names}


def _define(
    name: str, stack: StackFile, project: str | None, containers: Sequence[Container], protected: frozenset[str]
) -> Definition:
    entry = stack.services.get(name)
    found = _containers_of(name, entry, project, containers)
    image = entry.image if entry and entry.image else (found[0].image if found else "")
    preset = preset_for(name, image)
    labels = {**(found[0].labels if found else {}), **(entry.labels if entry else {})}
    category = _choice(labels, "category", CATEGORIES) or (preset.category if preset else "other")
    own_preset = preset if preset and preset.name == name else None
    return Definition(
        name=name,
        project=project or "",
        kind=preset.name if preset else "",
        title=labels.get(LABEL + "title") or (own_preset.title if own_preset else name),
        description=labels.get(LABEL + "description") or (preset.description if preset else f"Service {name}"),
        summary=None if labels.get(LABEL + "description") else (preset.summary if preset else _OF_THE_STACK),
        category=category,
        group=_choice(labels, "group", GROUPS)
        or (preset.group if preset else _GROUP_OF_CATEGORY.get(category, "other")),
        known=name in PRESETS,
        defined=entry is not None or bool(found),
        in_compose=entry is not None,
        protected=_is_protected(name, found, labels, protected),
        container_name=_container_name(name, entry, found, project),
        probe_label=labels.get(LABEL + "probe"),
        depends_on=entry.depends_on if entry else _depends_on_label(found),
        containers=tuple(found),
        **_files(entry, own_preset),
    )


def _files(entry: ComposeService | None, preset: Preset | None) -> dict[str, Any]:
    env_file = entry.env_files[0].replace("\\", "/").rsplit("/", 1)[-1] if entry and entry.env_files else None
    if preset is None:
        return {"env_file": env_file}
    return {
        "env_file": env_file or preset.env_file,
        "config_files": preset.config_files,
        "data_dir": preset.data_dir,
        "health_url": preset.health_url,
        "default_port": preset.port,
        "web": preset.web,
    }


def _containers_of(
    name: str, entry: ComposeService | None, project: str | None, containers: Sequence[Container]
) -> list[Container]:
    found = [c for c in containers if project and c.project == project and c.service == name]
    if not found:
        wanted = {entry.container_name if entry else None, DEFAULT_CONTAINER.format(service=name)} - {None}
        found = [c for c in containers if c.name in wanted and c.project in (None, project)]
    if not found and name in PRESETS and entry is None:
        # Started by hand with `docker run`: a lone container of a known image belongs to the known service.
        loose = [c for c in containers if c.project is None]
        found = [c for c in loose if c.name == name] or [
            c for c in loose if (p := preset_for("", c.image)) is not None and p.name == name
        ]
    return sorted(found, key=lambda c: (c.status != ContainerStatus.RUNNING, c.number, c.name))


def _container_name(name: str, entry: ComposeService | None, found: Sequence[Container], project: str | None) -> str:
    if found:
        return found[0].name
    if entry is None:
        return DEFAULT_CONTAINER.format(service=name)
    return entry.container_name or f"{project}-{name}-1"


def _is_protected(name: str, found: Sequence[Container], labels: Mapping[str, str], protected: frozenset[str]) -> bool:
    if labels.get(LABEL + "protected", "").lower() in ("1", "true", "yes"):
        return True
    return name in protected or any(c.id in protected for c in found)


def _depends_on_label(found: Sequence[Container]) -> dict[str, str]:
    # Compose writes "db:service_healthy:false,redis:service_started:false".
    label = found[0].labels.get("com.docker.compose.depends_on", "") if found else ""
    parts = [item.split(":") for item in label.split(",") if item]
    return {part[0]: part[1] if len(part) > 1 else "service_started" for part in parts}


def _choice(labels: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    value = labels.get(LABEL + name, "").lower()
    return value if value in allowed else None


def dependency_levels(names: Iterable[str], depends_on: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Group services so that each comes after those it depends on; members of one level are independent.

    Services of a cycle end up together in the last level: they can only be started side by side.
    """
    waiting = {name: {d for d in depends_on.get(name, ()) if d != name} for name in names}
    for wants in waiting.values():
        wants.intersection_update(waiting)
    levels: list[list[str]] = []
    while waiting:
        level = sorted(name for name, wants in waiting.items() if not wants) or sorted(waiting)
        levels.append(level)
        for name in level:
            del waiting[name]
        for wants in waiting.values():
            wants.difference_update(level)
    return levels
