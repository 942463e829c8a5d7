"""Every state of a container and outcome of a check leads to the right word for the owner."""

from __future__ import annotations

import pytest

from hubcore.health import Facts, judge
from hubcore.models import Condition, Container, ContainerStatus, Health, HealthStatus, Means, text

NOW = 10_000.0


def container(status: str = "running", *, age: float = 3600, **fields: object) -> Container:
    return Container(id="c" * 64, name="c", status=ContainerStatus(status), started_at=NOW - age, **fields)  # type: ignore[arg-type]


def facts(of: Container | None, health: str = "healthy", means: Means = Means.HTTP, **fields: object) -> Facts:
    result = Health(status=HealthStatus(health), means=means, reason=text("because"), remedy=text("do this"))
    return Facts(title="Docling", container=of, health=result, now=NOW, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("health", "condition"),
    [
        ("healthy", Condition.WORKS),
        ("degraded", Condition.ATTENTION),
        ("unhealthy", Condition.BROKEN),
        ("timeout", Condition.BROKEN),
        ("unreachable", Condition.BROKEN),
        ("assumed_healthy", Condition.UNKNOWN),
        ("unknown", Condition.UNKNOWN),
        ("error", Condition.UNKNOWN),
    ],
)
def test_a_running_service_is_what_its_check_says(health: str, condition: Condition) -> None:
    verdict = judge(facts(container(), health))
    assert verdict.condition == condition
    if condition != Condition.WORKS:
        assert verdict.cause is not None


@pytest.mark.parametrize("health", ["unhealthy", "timeout", "unreachable", "unknown"])
def test_a_service_that_just_started_is_given_time(health: str) -> None:
    assert judge(facts(container(age=5), health)).condition == Condition.BUSY
    assert judge(facts(container(age=61), health)).condition != Condition.BUSY


@pytest.mark.parametrize(
    ("fields", "purpose", "condition", "words"),
    [
        ({"exit_code": 0}, False, Condition.STOPPED, "by itself"),
        ({"exit_code": 143}, False, Condition.STOPPED, "by itself"),
        ({"exit_code": 137}, False, Condition.BROKEN, "from outside"),
        ({"exit_code": 137}, True, Condition.STOPPED, "was stopped"),
        ({"exit_code": 1}, False, Condition.BROKEN, "exit code 1"),
        ({"exit_code": 1}, True, Condition.STOPPED, "was stopped"),
        ({"exit_code": 137, "oom_killed": True}, False, Condition.BROKEN, "memory"),
        ({"exit_code": 137, "oom_killed": True}, True, Condition.BROKEN, "memory"),
    ],
)
def test_why_a_service_is_not_running(
    fields: dict[str, object], purpose: bool, condition: Condition, words: str
) -> None:
    verdict = judge(facts(container("exited", **fields), stopped_on_purpose=purpose))
    assert verdict.condition == condition
    assert verdict.cause and words in verdict.cause.english()
    assert verdict.remedy is not None


@pytest.mark.parametrize(
    ("status", "condition"),
    [
        ("restarting", Condition.BROKEN),
        ("dead", Condition.BROKEN),
        ("paused", Condition.STOPPED),
        ("created", Condition.STOPPED),
    ],
)
def test_other_states(status: str, condition: Condition) -> None:
    assert judge(facts(container(status))).condition == condition


def test_no_container_is_stopped_and_an_operation_is_busy() -> None:
    assert judge(facts(None)).condition == Condition.STOPPED
    assert judge(facts(container("exited"), busy=True)).condition == Condition.BUSY


@pytest.mark.parametrize(
    ("means", "health", "condition"),
    [
        (Means.HTTP, "healthy", Condition.WORKS),
        (Means.HTTP, "unreachable", Condition.BROKEN),
        (Means.DOCKER, "healthy", Condition.UNKNOWN),
        (Means.EXEC, "healthy", Condition.UNKNOWN),
        (Means.NONE, "assumed_healthy", Condition.UNKNOWN),
    ],
)
def test_without_the_engine_only_answers_over_the_network_count(
    means: Means, health: str, condition: Condition
) -> None:
    assert judge(facts(container(), health, means, engine_away=True)).condition == condition
