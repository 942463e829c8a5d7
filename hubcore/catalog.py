"""Which services exist: compose file, containers of its project, and the 13 known ones. Pure: no I/O."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field

from .compose_file import SERVICE_NAME, ComposeService, StackFile
from .models import Container, ContainerStatus, Model, Text, text
from .presets import DEFAULT_CONTAINER, PRESETS, Preset, preset_for
from .stackpaths import env_path

_OF_THE_STACK = text("Part of your stack")
LABEL = (
    "dashboard."  # labels of ours on a service: dashboard.title, .description, .category, .group, .probe, .protected
)
CATEGORIES = ("ai", "database", "frontend", "search", "proxy", "system", "other")
GROUPS = ("chat", "data", "search", "voice", "access", "other")
_GROUP_OF_CATEGORY = {"database": "data", "frontend": "chat", "search": "search", "proxy": "access", "system": "access"}


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
    optional: bool = False  # belongs to a profile of the compose file: started by name only
    protected: bool = False
    container_name: str = ""
    default_port: int | None = None
    env_file: str | None = None
    env_path: str | None = None
    env_used: bool = True
    config_files: tuple[str, ...] = ()
    data_dir: str | None = None
    health_url: str | None = None
    web: bool = False
    probe_label: str | None = None
    depends_on: dict[str, str] = Field(default_factory=dict)
    containers: tuple[Container, ...] = ()  # replicas by number; the first is the one shown

    def with_current(self, known: Mapping[str, Container]) -> Definition:
        """The same with its containers as they are now (`known`: by id), the running ones first."""
        containers = (known[c.id] for c in self.containers if c.id in known)
        running_first = sorted(containers, key=lambda c: c.status != ContainerStatus.RUNNING)
        return self.model_copy(update={"containers": tuple(running_first)})


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
    ours = {c.service for c in containers if project and c.project == project and c.service}
    names += sorted(name for name in ours.difference(names) if SERVICE_NAME.fullmatch(name))
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
        optional=bool(entry and entry.profiles),
        protected=_is_protected(name, found, labels, protected),
        container_name=_container_name(name, entry, found, project),
        probe_label=labels.get(LABEL + "probe"),
        depends_on=entry.depends_on if entry else _depends_on_label(found),
        containers=tuple(found),
        **_files(entry, own_preset),
    )


def _files(entry: ComposeService | None, preset: Preset | None) -> dict[str, Any]:
    found = env_path(entry.env_files if entry else None, preset.env_file if preset else None)
    named = found.path or (entry.env_files[0] if entry and entry.env_files else "")
    files = {"env_file": posixpath.basename(named) or None, "env_path": found.path, "env_used": found.used}
    if preset is None:
        return files
    return {
        **files,
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
