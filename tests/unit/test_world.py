"""Observations become a snapshot: conditions, since when, events, staleness, and what survives a change of leader."""

from __future__ import annotations

import pytest

from hubcore.catalog import build
from hubcore.compose_file import parse_compose
from hubcore.models import (
    Condition,
    Container,
    ContainerStatus,
    EngineState,
    EngineStatus,
    Figures,
    Health,
    HealthStatus,
    Means,
    Port,
    ServiceState,
    StackInfo,
    text,
)
from hubcore.world import World

DB, WEB = "d" * 64, "w" * 64


class Clock:
    now = 100_000.0

    def __call__(self) -> float:
        return self.now


def container(container_id: str, service: str, *, status: str = "running", **fields: object) -> Container:
    fields.setdefault("started_at", 50_000.0)
    return Container(
        id=container_id,
        name=f"p-{service}-1",
        project="p",
        service=service,
        status=ContainerStatus(status),
        **fields,  # type: ignore[arg-type]
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    world = World(clock=clock)
    stack = parse_compose(
        {"services": {"db": {"image": "postgres"}, "web": {"depends_on": ["db"]}}}, path="compose.yml", variables={}
    )
    containers = [
        container(DB, "db"),
        container(WEB, "web", ports=(Port(container_port=80, host_ip="", host_port=81),)),
    ]
    world.set_containers(containers)
    world.set_definitions(build(stack, "p", containers), StackInfo(project="p", services=2))
    connected(world, clock)
    healthy(world, "db")
    healthy(world, "web")
    return world


def connected(world: World, clock: Clock) -> None:
    world.set_engine(EngineState(status=EngineStatus.CONNECTED, since=clock.now, last_seen=clock.now))


def healthy(world: World, service: str, status: str = "healthy") -> None:
    reason = None if status == "healthy" else text("It said no.")
    world.set_health(service, Health(status=HealthStatus(status), checked_at=1.0, means=Means.TCP, reason=reason))


def look(world: World, service: str = "db") -> ServiceState:
    return world.snapshot("me").services[service]


def test_all_well(world: World) -> None:
    snapshot = world.snapshot("me")
    assert {n for n, s in snapshot.services.items() if s.defined} == {"db", "web"}
    assert snapshot.services["db"].condition == Condition.WORKS
    assert snapshot.services["db"].needed_by == ("web",)
    assert snapshot.services["web"].port == 81
    assert snapshot.docker.running == 2
    assert snapshot.events == (), "a first look at what is well is no news"


def test_a_killed_container_is_broken_at_once_and_told(world: World, clock: Clock) -> None:
    world.snapshot("me")
    urgent: list[bool] = []
    world.changed = urgent.append
    clock.now += 10
    world.set_container(container(DB, "db", status="exited", exit_code=137, finished_at=clock.now))
    state = look(world)
    assert urgent == [True]
    assert (state.condition, state.container_status, state.since) == (Condition.BROKEN, "exited", clock.now)
    assert state.health.status == HealthStatus.UNKNOWN, "nobody can be asked any more"
    assert world.snapshot("me").events[0].text.english() == "PostgreSQL does not work."


def test_a_stop_on_purpose_is_not_a_fault_and_is_forgotten_by_a_start(world: World, clock: Clock) -> None:
    world.snapshot("me")
    world.mark_stopped_on_purpose(DB)
    world.set_container(container(DB, "db", status="exited", exit_code=137))
    assert look(world).condition == Condition.STOPPED
    world.set_container(container(DB, "db", started_at=clock.now))
    assert look(world).condition == Condition.BUSY, "started, and not asked yet"
    healthy(world, "db")
    assert look(world).condition == Condition.WORKS
    world.set_container(container(DB, "db", status="exited", exit_code=137))
    assert look(world).condition == Condition.BROKEN


def test_since_is_kept_while_a_condition_holds(world: World, clock: Clock) -> None:
    began = look(world).since
    clock.now += 100
    healthy(world, "db")
    assert look(world).since == began
    healthy(world, "db", "timeout")
    assert look(world).since == clock.now


def test_the_engine_away_marks_values_as_old_and_keeps_them(world: World, clock: Clock) -> None:
    world.set_figures({"db": Figures(taken_at=clock.now, memory_usage=7)})
    world.snapshot("me")
    world.set_engine(EngineState(status=EngineStatus.UNREACHABLE, since=clock.now, last_seen=clock.now))
    snapshot = world.snapshot("me")
    state = snapshot.services["db"]
    assert state.stale and state.container_status == ContainerStatus.RUNNING
    assert state.figures is not None and state.figures.memory_usage == 7
    assert snapshot.events[0].text.english() == "Docker stopped answering."
    connected(world, clock)
    snapshot = world.snapshot("me")
    assert not snapshot.services["db"].stale
    assert snapshot.events[0].text.english() == "Docker answers again."


def test_an_engine_never_seen_leaves_no_container_facts(clock: Clock) -> None:
    world = World(clock=clock)
    world.set_definitions(build(parse_compose({}, path="x", variables={}), None, []), StackInfo())
    world.set_engine(EngineState(status=EngineStatus.UNREACHABLE, since=1.0))
    snapshot = world.snapshot("me")
    assert len(snapshot.services) == 13
    assert {s.container_status for s in snapshot.services.values()} == {ContainerStatus.DOCKER_UNAVAILABLE}
    assert not any(s.defined for s in snapshot.services.values())
    assert snapshot.events == ()


def test_a_new_leader_goes_on_from_the_last_snapshot(world: World, clock: Clock) -> None:
    world.set_container(container(WEB, "web", status="exited", exit_code=3, finished_at=clock.now))
    last = world.snapshot("me")
    clock.now += 1000
    heir = World(clock=clock)
    heir.seed(last)
    stack = parse_compose({"services": {"db": {}, "web": {}}}, path="compose.yml", variables={})
    heir.set_definitions(build(stack, "p", heir.containers()), StackInfo())
    connected(heir, clock)
    snapshot = heir.snapshot("heir")
    assert snapshot.generation == last.generation + 1
    assert snapshot.services["db"].condition == Condition.WORKS
    assert snapshot.services["db"].since == last.services["db"].since
    assert snapshot.services["web"].since == last.services["web"].since
    assert snapshot.events == last.events


def test_a_native_program_is_shown_and_not_controlled_by_docker(world: World) -> None:
    world.set_natives({"ollama": 42})
    healthy(world, "ollama")
    state = look(world, "ollama")
    assert state.native and state.defined and state.condition == Condition.WORKS


def test_a_service_under_an_operation_is_busy(world: World) -> None:
    world.set_active({"db": "op1"})
    assert (look(world).condition, look(world).operation_id) == (Condition.BUSY, "op1")
    world.set_active({})
    assert look(world).condition == Condition.WORKS


def test_news_of_no_weight_does_not_hurry(world: World) -> None:
    urgent: list[bool] = []
    world.changed = urgent.append
    healthy(world, "db")
    world.set_figures({})
    assert urgent == [False, False]
    healthy(world, "db", "degraded")
    assert urgent[-1] is True


def test_a_service_that_left_the_stack_was_not_stopped(world: World, clock: Clock) -> None:
    world.snapshot("me")
    clock.now += 10
    world.set_definitions(build(parse_compose({}, path="x", variables={}), "other", []), StackInfo(project="other"))
    gone = world.snapshot("me")
    assert not gone.services["db"].defined and "web" not in gone.services
    clock.now += 10
    assert world.snapshot("me").services["db"].since == gone.services["db"].since
    assert [event for event in gone.events if event.kind == "condition"] == []
