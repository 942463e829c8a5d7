"""What the owner needs to know first: is all well, and if not, what comes first. Pure functions of the snapshot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from hubcore.models import (
    Condition,
    Container,
    EngineStatus,
    Means,
    Operation,
    OperationKind,
    ServiceState,
    Snapshot,
)

from .words import GROUPS


class Mood(StrEnum):
    """Which Overview to draw."""

    COLLECTING = "collecting"  # nothing known yet: it resolves by itself
    FIRST_RUN = "first_run"  # no engine or no stack was ever seen
    AWAY = "away"  # the engine went away: last known values
    TROUBLE = "trouble"
    STOPPED = "stopped"
    BUSY = "busy"
    UNSURE = "unsure"  # nothing is known to be wrong, but not all could be checked
    WELL = "well"


@dataclass(frozen=True)
class Verdict:
    """The answer: the mood, and the numbers its sentence needs."""

    mood: Mood
    total: int = 0
    counts: tuple[tuple[Condition, int], ...] = ()
    all_answered: bool = False
    checked_at: float | None = None

    def count(self, *conditions: Condition) -> int:
        """How many services are in one of these conditions."""
        return sum(number for condition, number in self.counts if condition in conditions)


_GROUP_ORDER = {group: index for index, group in enumerate(GROUPS)}
_HARM = {
    Condition.BROKEN: 0,
    Condition.ATTENTION: 1,
    Condition.STOPPED: 2,
    Condition.UNKNOWN: 3,
    Condition.BUSY: 4,
    Condition.WORKS: 5,
}


def shown(snapshot: Snapshot) -> list[ServiceState]:
    """The services the pages show, by group and then by title."""
    services = [service for service in snapshot.services.values() if service.defined]
    return sorted(services, key=lambda s: (_GROUP_ORDER.get(s.group, 99), s.title.lower(), s.name))


def by_harm(services: Iterable[ServiceState]) -> list[ServiceState]:
    """The worst first: not working before attention; then what most others need."""
    return sorted(services, key=lambda s: (_HARM[s.condition], -len(s.needed_by), s.since or 0.0, s.name))


def in_trouble(services: Iterable[ServiceState]) -> list[ServiceState]:
    """Those that do not work or need attention, the worst first."""
    return by_harm(s for s in services if s.condition in (Condition.BROKEN, Condition.ATTENTION))


def doing(operations: Iterable[Operation]) -> dict[str, OperationKind]:
    """What is being done to which service, by name. `operations`: newest first."""
    open_ones = [operation for operation in operations if not operation.status.ended]
    return {name: operation.kind for operation in reversed(open_ones) for name in operation.services}


def engine_away(snapshot: Snapshot) -> bool:
    """Whether Docker answered before and does not now."""
    return snapshot.engine.status != EngineStatus.CONNECTED and snapshot.engine.last_seen is not None


def first_run(snapshot: Snapshot) -> bool:
    """Whether the owner still has to connect something: no engine was ever seen, or there is no stack."""
    if any(service.defined and not service.native for service in snapshot.services.values()):
        return snapshot.engine.status == EngineStatus.UNREACHABLE and snapshot.engine.last_seen is None
    return snapshot.engine.status != EngineStatus.CONNECTING


def judge(snapshot: Snapshot | None) -> Verdict:
    """The verdict on everything the pages show."""
    if snapshot is None:
        return Verdict(Mood.COLLECTING)
    services = shown(snapshot)
    counts = Counter(service.condition for service in services)
    checks = [service.health.checked_at for service in services]
    known = [at for at in checks if at is not None]
    answered = bool(services) and all(
        service.health.means not in (Means.NONE, Means.PROCESS) and service.health.checked_at for service in services
    )
    return Verdict(
        _mood(snapshot, services, counts),
        total=len(services),
        counts=tuple(counts.items()),
        all_answered=answered,
        checked_at=min(known) if known else None,
    )


def _mood(snapshot: Snapshot, services: list[ServiceState], counts: Counter[Condition]) -> Mood:
    if first_run(snapshot):
        return Mood.FIRST_RUN
    if engine_away(snapshot):
        return Mood.AWAY
    if not services or snapshot.engine.status == EngineStatus.CONNECTING:
        return Mood.COLLECTING
    order = (
        (Mood.TROUBLE, (Condition.BROKEN, Condition.ATTENTION)),
        (Mood.BUSY, (Condition.BUSY,)),
        (Mood.STOPPED, (Condition.STOPPED,)),
        (Mood.UNSURE, (Condition.UNKNOWN,)),
    )
    for mood, conditions in order:
        if any(counts[condition] for condition in conditions):
            return mood
    return Mood.WELL


def version_of(container: Container | None) -> str:
    """The version of what runs: the image's label, else its tag; nothing for `latest`, a build's number, or none.

    The label: OCI image specification, “Pre-Defined Annotation Keys”.
    """
    if container is None:
        return ""
    told = container.labels.get("org.opencontainers.image.version", "").strip()
    name = container.image.split("@")[0].rsplit("/", 1)[-1]
    tag = told or name.partition(":")[2]
    return "" if tag in ("", "latest", "main") or _BUILD.fullmatch(tag) else tag


_BUILD = re.compile(r"(?:sha256:|sha-)?(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{7,64}")
