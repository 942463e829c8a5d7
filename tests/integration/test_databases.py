"""PostgreSQL and Redis asked in their containers: with a password, a wrong one, none, and where it cannot be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from hubcore.adapters.engine import Engine
from hubcore.databases import Databases
from hubcore.errors import EngineTimeout, UpstreamFailed
from hubcore.models import Container, ContainerStatus, ServiceState
from tests.stack import needs
from tests.stack.stack import docker
from tests.stack.waiting import wait_until

from .boxes import Box

pytestmark = pytest.mark.stack

SECRET = "it-is 'quoted' $HOME"
Run = Callable[..., Container]


@pytest.fixture
def run(engine: Engine) -> Iterator[Run]:
    """`run("REDIS", "redis-server", …)` starts a container of that image of the test stack."""
    started: list[str] = []
    public = {"REDIS": "redis:7-alpine", "POSTGRES": "postgres:16-alpine"}

    def start(image: str, *command: str, options: tuple[str, ...] = ()) -> Container:
        name = needs.stack_environment().get(f"DEMO_{image}_IMAGE", public[image])
        started.append(docker("run", "--detach", "--network", "none", *options, name, *command).strip())
        return engine.inspect(started[-1])

    yield start
    for container in started:
        docker("rm", "--force", "--volumes", container)


def service(kind: str, container: Container) -> ServiceState:
    return ServiceState(
        name=kind,
        title=kind.title(),
        description="d",
        kind=kind,
        container=container,
        container_status=ContainerStatus.RUNNING,
    )


def databases(engine: Engine, **variables: str) -> Databases:
    """The desk with an env file that holds these variables."""
    return Databases(engine.exec, lambda setting, env_file, variable: variables.get(variable))


def failure(ask: Callable[[], object]) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as caught:
        ask()
    assert caught.value.remedy is not None
    return caught.value


def test_redis_with_a_password(engine: Engine, run: Run) -> None:
    redis = service("redis", run("REDIS", "redis-server", "--requirepass", SECRET))
    with_password = databases(engine, REDIS_PASSWORD=SECRET)
    info = wait_until(lambda: with_password.redis(redis), 20, "Redis answers", ignore=(UpstreamFailed,))
    assert info.version[0].isdigit() and info.connected_clients == "1"
    for other in (databases(engine), databases(engine, REDIS_PASSWORD="another")):
        error = failure(lambda other=other: other.redis(redis))  # type: ignore[misc]
        assert "another password" in str(error) and "another" not in (error.detail or "").replace(
            "another password", ""
        )


def test_the_password_is_not_among_the_arguments(engine: Engine, run: Run) -> None:
    container = run("REDIS", "redis-server")
    seen: list[tuple[str, ...]] = []

    def execute(container_id: str, command: tuple[str, ...], **options: object) -> object:
        seen.append(command)
        return engine.exec(container_id, command, **options)  # type: ignore[arg-type]

    asked = Databases(execute, lambda setting, env_file, variable: SECRET)  # type: ignore[arg-type]
    with pytest.raises(UpstreamFailed):
        asked.status(service("db", container))  # no psql in there
    wait_until(lambda: asked.redis(service("redis", container)), 20, "Redis answers", ignore=(UpstreamFailed,))
    assert seen and all(SECRET not in word for command in seen for word in command if command[0] == "redis-cli")


def test_postgres_with_users_of_its_own(engine: Engine, run: Run) -> None:
    options = ("--env", "POSTGRES_USER=chef", "--env", "POSTGRES_PASSWORD=x", "--env", "POSTGRES_DB=kitchen")
    database = service("db", run("POSTGRES", options=options))
    right = databases(engine, POSTGRES_USER="chef", POSTGRES_DB="kitchen", POSTGRES_PASSWORD="x")
    found = wait_until(lambda: right.status(database), 60, "PostgreSQL answers", ignore=(UpstreamFailed,))
    assert found.version.startswith("PostgreSQL ") and (found.table_count, found.database) == (0, "kitchen")
    wait_until(lambda: right.ready(database).ready, 30, "it takes connections")
    error = failure(lambda: databases(engine).status(database))  # its role “postgres” does not exist
    assert "tables" in str(error) and "postgres" in (error.detail or "")
    for name in ("-c", "kitchen; DROP TABLE x", "$(id)", "a'b"):
        wrong = databases(engine, POSTGRES_USER="chef", POSTGRES_DB=name)
        assert "does not exist" in (failure(lambda wrong=wrong: wrong.status(database)).detail or "")  # type: ignore[misc]


def test_a_container_without_the_tools(engine: Engine, box: Box) -> None:
    other = box("sleep", "600")
    for ask in (databases(engine).status, databases(engine).ready):
        assert "is not in the container" in str(failure(lambda ask=ask: ask(service("db", other))))  # type: ignore[misc]
    assert "redis-cli is not in" in str(failure(lambda: databases(engine).redis(service("redis", other))))


def test_a_container_that_is_gone_or_stopped(engine: Engine, box: Box) -> None:
    gone = box("sleep", "600")
    docker("stop", "--time", "0", gone.id)
    assert "not running" in str(failure(lambda: databases(engine).redis(service("redis", gone))))
    docker("rm", gone.id)
    assert "is gone" in str(failure(lambda: databases(engine).redis(service("redis", gone))))


def test_questions_to_one_container_wait_for_each_other(engine: Engine, run: Run) -> None:
    redis = service("redis", run("REDIS", "redis-server"))
    asked = databases(engine)
    wait_until(lambda: asked.redis(redis), 20, "Redis answers", ignore=(UpstreamFailed,))
    outcomes: list[str] = []
    threads = [threading.Thread(target=lambda: outcomes.append(asked.redis(redis).version)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(outcomes) == 8, "the same command twice at once is no failure"


def test_a_database_that_hangs_costs_its_deadline(engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    redis = run("REDIS", "redis-server")
    asked = databases(engine)
    wait_until(lambda: asked.redis(service("redis", redis)), 20, "Redis answers", ignore=(UpstreamFailed,))
    monkeypatch.setattr("hubcore.databases.READY", 1.0)
    docker("exec", redis.id, "redis-cli", "CLIENT", "PAUSE", "20000")
    with pytest.raises(EngineTimeout):
        asked.redis(service("redis", redis))
