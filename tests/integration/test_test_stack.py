"""The test stack itself: what other tests lean on must hold."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from dotenv import dotenv_values

from tests.stack.private import PrivateEngine
from tests.stack.stack import Stack, docker
from tests.stack.waiting import wait_until

PROBES = {
    "ollama": "/api/version",
    "litellm": "/v1/models",
    "openwebui": "/",
    "searxng": "/",
    "nginx": "/",
    "auth": "/health",
    "docling": "/health",
    "edgetts": "/voices",
    "mcposerver": "/docs",
    "tika": "/tika",
    "notes": "/",
}
KEYS = {"litellm": "LITELLM_MASTER_KEY", "edgetts": "API_KEY"}


@pytest.mark.stack
def test_all_services_are_up_with_names_of_the_session(stack: Stack) -> None:
    assert set(stack.ports) == {*PROBES, "db", "redis"}
    assert stack.state("watchtower") == ("running", "")
    stack.wait_healthy(*stack.ports, deadline=1)
    assert f"name: {stack.project}\n" in stack.compose_file.read_text()


@pytest.mark.stack
@pytest.mark.parametrize("service", PROBES)
def test_each_service_answers_the_address_that_is_probed(stack: Stack, service: str) -> None:
    url = f"http://127.0.0.1:{stack.ports[service]}{PROBES[service]}"
    headers = {}
    if service in KEYS:
        assert httpx.get(url).status_code == 401
        key = dotenv_values(stack.directory / f"env/{service}.env")[KEYS[service]]
        headers = {"Authorization": f"Bearer {key}"}
    assert httpx.get(url, headers=headers).status_code == 200


@pytest.mark.stack
def test_litellm_serves_the_models_of_its_configuration(stack: Stack) -> None:
    headers = {"Authorization": "Bearer sk-demo-only-litellm"}
    answer = httpx.get(f"http://127.0.0.1:{stack.ports['litellm']}/v1/models", headers=headers).json()
    assert [model["id"] for model in answer["data"]] == ["llama3", "embeddings"]


@pytest.mark.stack
def test_database_and_cache_are_real(stack: Stack) -> None:
    query = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    command = ("psql", "-U", "postgres", "-d", "openwebui", "-tAc", query)
    assert docker("exec", stack.container("db"), *command).strip() == "2"
    assert docker("exec", stack.container("redis"), "redis-cli", "ping").strip() == "PONG"


@pytest.mark.stack
def test_a_stack_of_ones_own_with_faults(own_stack: Callable[..., Stack]) -> None:
    own = own_stack("searxng")
    assert set(own.compose("ps", "--services").split()) == {"redis", "searxng"}
    url = f"http://127.0.0.1:{own.ports['searxng']}/"

    own.fault("searxng", "hang")
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(url, timeout=0.5)
    own.fault("searxng", "503")
    assert httpx.get(url).status_code == 503
    wait_until(lambda: own.state("searxng") == ("running", "unhealthy"), 40, "Docker notices")
    own.fault("searxng", None)
    assert httpx.get(url).status_code == 200
    own.wait_healthy("searxng", deadline=10)

    docker("kill", own.container("searxng"))
    wait_until(lambda: own.state("searxng")[0] == "exited", 5, "it is gone")
    own.restore("searxng")
    assert own.state("searxng") == ("running", "healthy")
    own.down()
    assert docker("ps", "-aq", "--filter", f"label=com.docker.compose.project={own.project}") == ""


@pytest.mark.stack
def test_a_private_engine_can_be_killed_and_comes_back(private_engine: PrivateEngine) -> None:
    image = private_engine.load_busybox()
    serve = "mkdir -p /www && echo hello > /www/index.html && exec httpd -f -p 80 -h /www"
    run = ("run", "--detach", "--init", "--name", "web", "--publish", "127.0.0.1:8085:80", image, "sh", "-c", serve)
    private_engine.docker(*run)

    def hello() -> bool:
        answer = private_engine.inside(lambda: httpx.get("http://127.0.0.1:8085/", timeout=2))
        return bool(answer.text == "hello\n")

    wait_until(hello, 10, "the published port answers", ignore=(httpx.TransportError,))
    private_engine.kill()
    with pytest.raises(AssertionError, match="daemon"):
        private_engine.docker("ps")
    private_engine.start()
    names = private_engine.docker("ps", "--all", "--format", "{{.Names}}")
    assert names.split() == ["web"]
    private_engine.docker("restart", "web")
    wait_until(hello, 10, "it answers again", ignore=(httpx.TransportError,))
