"""Checks against real servers: PostgreSQL, Redis, nginx and the stand-ins of the demo stack."""

from __future__ import annotations

import asyncio

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr

from hubcore.adapters import probes
from hubcore.adapters.engine import Engine
from hubcore.adapters.native import find_native
from hubcore.models import Health, HealthStatus, Means
from hubcore.presets import NativePreset
from hubcore.probing import ProbeSpec
from tests.stack.stack import Stack, docker
from tests.stack.waiting import free_port, wait_until

from .boxes import Box

pytestmark = pytest.mark.stack


def run(engine: Engine, means: Means, *, timeout: float = 5, **fields: object) -> Health:
    spec = ProbeSpec(means=means, **fields)  # type: ignore[arg-type]
    container = engine.inspect(spec.container_id) if spec.container_id else None
    return asyncio.run(probes.run(spec, timeout=timeout, container=container, execute=engine.exec))


def test_postgres_by_its_protocol(engine: Engine, stack: Stack) -> None:
    port = stack.ports["db"]
    for user in ("postgres", "nobody-knows-me"):  # who asks does not matter to know that it accepts connections
        found = run(engine, Means.POSTGRES, port=port, user=user, database="postgres")
        assert found.status is HealthStatus.HEALTHY, found
    # and nothing passes for what it is not
    assert run(engine, Means.HTTP, port=port, timeout=1).status is not HealthStatus.HEALTHY
    assert run(engine, Means.POSTGRES, port=stack.ports["redis"], timeout=1).status is not HealthStatus.HEALTHY


def test_postgres_inside_the_container(engine: Engine, stack: Stack) -> None:
    found = run(engine, Means.EXEC, container_id=stack.container("db"), command=("pg_isready", "-U", "postgres"))
    assert found.status is HealthStatus.HEALTHY
    found = run(engine, Means.EXEC, container_id=stack.container("db"), command=("pg_isready", "-p", "1"))
    assert found.status is HealthStatus.UNHEALTHY


def test_redis(engine: Engine, stack: Stack) -> None:
    inside = ProbeSpec(means=Means.EXEC, container_id=stack.container("redis"), command=("redis-cli", "ping"))
    found = run(engine, Means.REDIS, port=stack.ports["redis"])
    assert (found.status, found.means) == (HealthStatus.HEALTHY, Means.REDIS)
    found = run(engine, Means.REDIS, port=1, fallbacks=(inside,))
    assert (found.status, found.means) == (HealthStatus.HEALTHY, Means.EXEC)
    assert run(engine, Means.REDIS, port=stack.ports["nginx"]).status is not HealthStatus.HEALTHY


def test_an_image_without_the_tool(engine: Engine, stack: Stack) -> None:
    found = run(engine, Means.EXEC, container_id=stack.container("auth"), command=("redis-cli", "ping"))
    assert found.status is HealthStatus.ERROR
    assert found.reason is not None and "no program “redis-cli”" in found.reason.english()


def test_http_with_and_without_the_key(engine: Engine, stack: Stack) -> None:
    key = str(dotenv_values(stack.directory / "env/litellm.env")["LITELLM_MASTER_KEY"])
    there = {"port": stack.ports["litellm"], "path": "/v1/models"}
    assert run(engine, Means.HTTP, bearer=SecretStr(key), **there).status is HealthStatus.HEALTHY
    assert run(engine, Means.HTTP, bearer=SecretStr("wrong"), **there).status is HealthStatus.DEGRADED
    assert run(engine, Means.HTTP, **there).status is HealthStatus.DEGRADED
    assert run(engine, Means.TCP, port=stack.ports["nginx"]).status is HealthStatus.HEALTHY


@pytest.mark.parametrize(("fault", "status"), [("hang", HealthStatus.TIMEOUT), ("503", HealthStatus.UNHEALTHY)])
def test_a_misbehaving_stand_in(engine: Engine, stack: Stack, fault: str, status: HealthStatus) -> None:
    stack.fault("notes", fault)
    try:
        assert run(engine, Means.HTTP, port=stack.ports["notes"], timeout=1).status is status
    finally:
        stack.fault("notes", None)
    wait_until(lambda: run(engine, Means.HTTP, port=stack.ports["notes"]).status is HealthStatus.HEALTHY)


def test_dockers_health_check(engine: Engine, stack: Stack) -> None:
    assert run(engine, Means.DOCKER, container_id=stack.container("redis")).status is HealthStatus.HEALTHY


@pytest.mark.parametrize("means", [Means.TCP, Means.HTTP, Means.REDIS, Means.POSTGRES])
def test_a_published_port_that_nobody_serves(engine: Engine, box: Box, means: Means) -> None:
    port = free_port()
    box("sleep", "1000000", options=("--publish", f"127.0.0.1:{port}:80"))
    assert run(engine, means, port=port).status is HealthStatus.UNREACHABLE


def test_a_paused_container_is_a_timeout(engine: Engine, box: Box) -> None:
    port = free_port()
    made = box("httpd", "-f", "-p", "80", options=("--publish", f"127.0.0.1:{port}:80"))
    wait_until(lambda: run(engine, Means.HTTP, port=port).status is HealthStatus.DEGRADED)  # no page: 404
    docker("pause", made.id)
    try:
        assert run(engine, Means.HTTP, port=port, timeout=1).status is HealthStatus.TIMEOUT
    finally:
        docker("unpause", made.id)


def test_published_ports_and_host_networks_are_not_native(engine: Engine, box: Box) -> None:
    published, host = free_port(), free_port()
    box("httpd", "-f", "-p", "80", options=("--publish", f"127.0.0.1:{published}:80"))
    box("httpd", "-f", "-p", f"127.0.0.1:{host}", options=("--network", "host"))
    wait_until(lambda: run(engine, Means.HTTP, port=host).status is HealthStatus.DEGRADED)
    assert find_native({"a": NativePreset((published,)), "b": NativePreset((host,))}) == {}
