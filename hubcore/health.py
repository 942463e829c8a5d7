"""From a container's state and the last health check to one condition, its cause and its remedy. Pure."""

from __future__ import annotations

from typing import NamedTuple

from .models import Condition, Container, ContainerStatus, Health, HealthStatus, Means, Text, text

STARTUP_GRACE = 60.0  # seconds after a start in which a service that does not answer yet is called starting
_ORDERLY_EXIT = (0, 143)  # ended by itself without a fault, or on SIGTERM


class Verdict(NamedTuple):
    """What the owner is told about one service."""

    condition: Condition
    cause: Text | None = None
    remedy: Text | None = None


class Facts(NamedTuple):
    """What a verdict is made from. `stopped_on_purpose`: the engine reported an orderly stop of this container.
    `engine_away`: the engine cannot be asked, container facts are old. `now`: epoch seconds."""

    title: str
    container: Container | None
    health: Health
    stopped_on_purpose: bool = False
    engine_away: bool = False
    native: bool = False
    busy: bool = False
    now: float = 0.0


def judge(facts: Facts) -> Verdict:
    """One service's condition with cause and remedy."""
    if facts.busy:
        return Verdict(Condition.BUSY)
    if facts.native:
        return _judge_answers(facts)
    if facts.engine_away:
        return _judge_without_engine(facts)
    container = facts.container
    if container is None:
        return Verdict(
            Condition.STOPPED,
            text("{service} has not been created yet.", service=facts.title),
            text("Start it; it is created then."),
        )
    if container.status == ContainerStatus.RUNNING:
        return _judge_answers(facts)
    return _judge_not_running(facts, container)


def _judge_not_running(facts: Facts, container: Container) -> Verdict:
    start, name = text("Start it again."), facts.title
    if container.status == ContainerStatus.RESTARTING:
        return Verdict(
            Condition.BROKEN,
            text(
                "{service} keeps stopping and is started again each time (exit code {code}).",
                service=name,
                code=container.exit_code if container.exit_code is not None else "?",
            ),
            text("Its log says why; look at the last lines."),
        )
    if container.status == ContainerStatus.PAUSED:
        return Verdict(Condition.STOPPED, text("{service} is paused.", service=name), text("Restart it to go on."))
    if container.status == ContainerStatus.CREATED:
        return Verdict(Condition.STOPPED, text("{service} has been created but not started.", service=name), start)
    if container.status != ContainerStatus.EXITED:
        return Verdict(
            Condition.BROKEN,
            text("Docker could not end {service} cleanly.", service=name),
            text("Start it again; if that does not help, restart Docker."),
        )
    return _judge_exited(facts, container)


def _judge_exited(facts: Facts, container: Container) -> Verdict:
    start, name, code = text("Start it again."), facts.title, container.exit_code
    if container.oom_killed:
        return Verdict(
            Condition.BROKEN,
            text("{service} needed more memory than it may use, so it was stopped.", service=name),
            text("Start it again. If it happens often, give it more memory."),
        )
    if facts.stopped_on_purpose:
        return Verdict(
            Condition.STOPPED, text("{service} was stopped.", service=name), text("Start it when you need it.")
        )
    if code is None or code in _ORDERLY_EXIT:
        return Verdict(Condition.STOPPED, text("{service} has ended by itself.", service=name), start)
    if code == 137:
        return Verdict(
            Condition.BROKEN, text("{service} was stopped from outside, all of a sudden.", service=name), start
        )
    return Verdict(
        Condition.BROKEN,
        text("{service} stopped because of a fault (exit code {code}).", service=name, code=code),
        text("Its log says why. Start it again once that is mended."),
    )


def _judge_answers(facts: Facts) -> Verdict:
    health = facts.health
    if health.status == HealthStatus.HEALTHY:
        return Verdict(Condition.WORKS)
    if health.starting or (health.status != HealthStatus.ASSUMED_HEALTHY and _just_started(facts)):
        return Verdict(Condition.BUSY, health.reason or text("{service} is starting.", service=facts.title))
    if health.status == HealthStatus.DEGRADED:
        return Verdict(Condition.ATTENTION, health.reason, health.remedy)
    if health.status in (HealthStatus.UNHEALTHY, HealthStatus.TIMEOUT, HealthStatus.UNREACHABLE):
        return Verdict(Condition.BROKEN, health.reason, health.remedy)
    if health.status == HealthStatus.ASSUMED_HEALTHY:
        return Verdict(
            Condition.UNKNOWN,
            text("{service} runs, but there is no way to ask whether it works.", service=facts.title),
        )
    return Verdict(Condition.UNKNOWN, health.reason, health.remedy)


def _judge_without_engine(facts: Facts) -> Verdict:
    """Without the engine only what answers over the network is known to work."""
    if facts.health.means in (Means.HTTP, Means.TCP, Means.REDIS, Means.POSTGRES):
        if facts.health.status == HealthStatus.HEALTHY:
            return Verdict(Condition.WORKS)
        if facts.health.status in (HealthStatus.TIMEOUT, HealthStatus.UNREACHABLE, HealthStatus.UNHEALTHY):
            return Verdict(Condition.BROKEN, facts.health.reason, text("Bring Docker back first."))
    return Verdict(
        Condition.UNKNOWN,
        text("Docker does not answer, so it is not known how {service} is.", service=facts.title),
        text("Bring Docker back first."),
    )


def _just_started(facts: Facts) -> bool:
    started = facts.container.started_at if facts.container else None
    return started is not None and 0 <= facts.now - started < STARTUP_GRACE
