"""What the services behind the dashboard say, through the running dashboard and a real stack.

PostgreSQL and Redis are real; LiteLLM, SearXNG and Ollama are the stand-ins here (`test_litellm_live.py` has the real
LiteLLM, `test_ollama_standin.py` holds Ollama's against its official client).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.integration.test_up import part
from tests.stack.hub import HubProcess
from tests.stack.stack import Stack
from tests.stack.waiting import wait_until

pytestmark = pytest.mark.stack

SMALL, LARGE = "all-minilm:latest", "llama3:latest"


@contextmanager
def pulls(stack: Stack, how: str) -> Iterator[None]:
    """Ollama's downloads behave so meanwhile."""
    stack.docker("exec", stack.container("ollama"), "sh", "-c", f"echo {how} > /tmp/pull")
    try:
        yield
    finally:
        stack.docker("exec", stack.container("ollama"), "rm", "-f", "/tmp/pull")


def names(hub: HubProcess) -> set[str]:
    return {model["name"] for model in hub.get("/api/ollama/models").json()["models"]}


def operation(hub: HubProcess, operation_id: str) -> dict[str, Any]:
    found: dict[str, Any] = hub.get(f"/api/operations/{operation_id}").json()
    return found


def ended(hub: HubProcess, operation_id: str, deadline: float = 30.0) -> dict[str, Any]:
    wait_until(lambda: operation(hub, operation_id)["success"] is not None, deadline, "the operation has ended")
    return operation(hub, operation_id)


# --- answers of a stack where all is well


def test_the_database_is_asked_by_its_own_tools(hub: HubProcess) -> None:
    health = hub.get("/api/db/health")
    assert (health.status_code, health.json()["status"]) == (200, "healthy")
    assert health.json()["message"]
    status = hub.get("/api/service/db/status").json()
    assert status["status"] == "connected"
    assert status["version"].startswith("PostgreSQL ")
    assert (status["table_count"], status["user"], status["database"]) == (2, "postgres", "openwebui")


def test_redis_tells_of_itself_in_texts(hub: HubProcess) -> None:
    info = hub.get("/api/service/redis/info").json()
    assert info.pop("status") == "connected"
    assert set(info) == {
        "version", "memory_used", "connected_clients", "total_commands_processed", "uptime_in_seconds"
    }  # fmt: skip
    assert all(isinstance(value, str) and value != "unknown" for value in info.values())
    assert info["memory_used"][-1] in "KMG"


def test_search_engines(hub: HubProcess) -> None:
    found = hub.get("/api/service/searxng/engines").json()
    assert found["count"] == len(found["engines"]) == 4
    assert found["engines"][0]["name"] == "wikipedia"


def test_models_of_ollama(hub: HubProcess) -> None:
    models = hub.get("/api/ollama/models").json()["models"]
    assert {"name", "size", "modified_at", "digest", "details"} <= set(models[0])
    assert isinstance(models[0]["size"], int)
    short = hub.get("/api/service/ollama/models").json()["models"]
    assert [set(model) for model in short] == [{"name", "size", "modified_at", "digest"}] * len(short)
    assert {model["name"] for model in short} >= {"llama3.2:3b", "nomic-embed-text:latest"}


def test_models_of_litellm(hub: HubProcess) -> None:
    found = hub.get("/api/litellm/models").json()
    assert (found["object"], [model["id"] for model in found["data"]]) == ("list", ["llama3", "embeddings"])
    assert hub.get("/api/service/litellm/models").json() == found
    status = hub.get("/api/litellm/status").json()
    assert (status["status"], status["total_models"], status["health_data_available"]) == ("healthy", 2, True)
    assert (status["healthy_endpoints"], status["unhealthy_endpoints"]) == (2, 0)


def test_a_model_answers(hub: HubProcess) -> None:
    whole = hub.post("/api/litellm/test", json={"model": "llama3", "message": "Hi"}).json()
    assert whole["status"] == "success"
    assert whole["response"]["choices"][0]["message"]["content"].startswith("Hello!")
    words = hub.post("/api/service/litellm/test", json={}).json()
    assert (words["success"], words["model"]) == (True, "llama3")
    assert words["response"].startswith("Hello!")


@pytest.mark.parametrize(
    ("service", "fields"),
    [
        ("ollama", {"version": "0.12.6"}),
        ("litellm", {"model_count": 2, "generation_test": "passed", "available_models": ["llama3", "embeddings"]}),
        ("redis", {"web_ui": "not available"}),
        ("db", {"container_status": "running"}),
    ],
)
def test_tests_of_services(hub: HubProcess, service: str, fields: dict[str, Any]) -> None:
    answer = hub.get(f"/api/test/{service}")
    assert answer.status_code == 200
    assert answer.json()["status"] == "success"
    assert {name: answer.json()[name] for name in fields} == fields


def test_resources_of_one_service_are_those_of_the_list(hub: HubProcess) -> None:
    def same() -> bool:
        one = hub.get("/api/service/db/resources").json()
        return bool(one == hub.get("/api/services?resources=true").json()["db"]["resources"])

    wait_until(same, 10, "both from one sample", interval=0)
    assert hub.get("/api/service/db/resources").json()["status"] == "running"


def test_the_older_address_of_logs(hub: HubProcess, stack: Stack) -> None:
    found = hub.get("/api/logs/ollama").json()
    assert found["container"] == f"{stack.project}-ollama-1"
    assert 0 < len(found["logs"]) <= 50
    assert len(hub.get("/api/logs/ollama?lines=2").json()["logs"]) == 2


# --- errors

PULLS_AND_DELETES = ("/api/ollama/pull", "/api/service/ollama/pull", "/api/service/ollama/delete")
ERRORS: list[tuple[str, str, bytes, int]] = [
    ("GET", "/api/logs/nope", b"", 404),
    ("GET", "/api/test/nope", b"", 404),
    ("GET", "/api/test/nginx", b"", 404),
    ("GET", "/api/service/nope/resources", b"", 404),
    ("GET", "/api/service/nope/models", b"", 404),
    ("GET", "/api/service/redis/models", b"", 400),
    ("POST", "/api/docker/destroy", b"", 400),
    ("GET", "/api/docker/start", b"", 405),
    ("POST", "/api/services/control", b"", 400),
    ("POST", "/api/services/control", b'{"action": "restart"}', 400),
    ("POST", "/api/services/control", b'{"action": "restart", "services": []}', 400),
    ("POST", "/api/services/control", b'{"action": "restart", "services": "redis"}', 400),
    ("POST", "/api/services/control", b'{"action": "restart", "services": [1]}', 400),
    ("POST", "/api/services/control", b'{"action": "kill", "services": ["redis"]}', 400),
    *(("POST", path, body, 400) for path in PULLS_AND_DELETES
      for body in (b"", b"{", b"[]", b"null", b'"x"', b'{"model": ""}', b'{"model": 1}', b'{"model": "--help"}',
                   b'{"model": "a b"}', b'{"model": "a/../b/c/d"}', b'{"model": "a\\u0000"}')),
    *(("POST", path, body, 400) for path in ("/api/litellm/test", "/api/service/litellm/test")
      for body in (b"{", b"[]", b"null", b'{"model": 1}', b'{"message": ["x"]}')),
    ("POST", "/api/litellm/test", b'{"model": "nope"}', 400),  # LiteLLM's own status is passed on
    ("POST", "/api/service/litellm/test", b'{"model": "nope"}', 503),
    ("POST", "/api/service/ollama/delete", b'{"model": "nope"}', 503),
    ("POST", "/api/service/ollama/pull", b'{"model": "nope"}', 503),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "status"), ERRORS)
def test_errors(hub: HubProcess, method: str, path: str, body: bytes, status: int) -> None:
    answer = httpx.request(
        method, hub.api + path, content=body, headers={"Content-Type": "application/json"}, timeout=20
    )
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert told["error"] and told["code"]
    assert told.get("success") is (False if method == "POST" else None)
    assert ("retry-after" in answer.headers) is (status == 503)


def test_a_refusal_of_litellm_is_passed_on_with_its_words(hub: HubProcess) -> None:
    told = hub.post("/api/litellm/test", json={"model": "nope"}).json()
    assert told["status"] == "error"
    assert "Invalid model name" in told["details"]
    assert "sk-demo" not in str(told)


def test_without_its_container_every_service_is_503_at_once(
    own_stack: Callable[..., Stack], start_hub: Callable[..., HubProcess]
) -> None:
    stack = own_stack("redis", "notes")
    hub = start_hub(stack.environment())
    extras = {
        "/api/db/health": {"status": "unhealthy"},
        "/api/service/db/status": {"status": "error"},
        "/api/ollama/models": {},
        "/api/service/ollama/models": {},
        "/api/litellm/models": {},
        "/api/service/litellm/models": {},
        "/api/litellm/status": {"status": "error"},
        "/api/service/searxng/engines": {},
        "/api/test/ollama": {"status": "error"},
        "/api/test/litellm": {"status": "error"},
    }
    for path, extra in extras.items():
        answer = hub.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "upstream_failed"), path
        assert {name: answer.json()[name] for name in extra} == extra
        assert "created" in answer.json()["error"]
    for path in PULLS_AND_DELETES:
        answer = hub.post(path, json={"model": SMALL})
        assert (answer.status_code, answer.json()["success"]) == (503, False)
    assert hub.post("/api/litellm/test").json()["status"] == "error"
    assert hub.get("/api/test/db").json()["container_status"] == "not_found"
    assert hub.get("/api/test/db").json()["status"] == "error"
    assert hub.get("/api/operations").json()["operations"] == []
    missing = hub.get("/api/service/db/resources").json()
    assert missing["status"] == "not_found" and missing["error"]

    stack.docker("stop", stack.container("redis"))
    wait_until(lambda: hub.get("/api/service/redis/info").status_code == 503, 10, "it is seen to have stopped")
    told = hub.get("/api/service/redis/info").json()
    assert told["status"] == "error" and "not running" in told["error"]
    test = hub.get("/api/test/redis")
    assert (test.status_code, test.json()["status"], test.json()["web_ui"]) == (503, "error", "not available")
    assert test.json()["message"]

    results = hub.post("/api/services/control", json={"action": "start", "services": ["redis", "nope", "redis"]}).json()
    assert results["action"] == "start"
    assert set(results["results"]) == {"redis", "nope"}
    assert set(results["results"]["nope"]) == {"error"}
    redis = results["results"]["redis"]
    assert (redis["success"], redis["error"]) == (True, None) and redis["output"]
    assert stack.state("redis")[0] == "running"
    wait_until(lambda: hub.get("/api/service/redis/info").status_code == 200, 10, "it is back")
    everything = hub.post("/api/docker/stop", headers={"Content-Type": "application/json"}).json()
    assert (everything["success"], everything["error"]) == (True, None)
    assert stack.state("redis")[0] == "exited"


def test_a_service_that_hangs_or_refuses(hub: HubProcess, stack: Stack) -> None:
    stack.fault("searxng", "500")
    try:
        answer = hub.get("/api/service/searxng/engines")
        assert (answer.status_code, answer.json()["code"]) == (503, "upstream_failed")
        stack.fault("litellm", "429")
        assert hub.get("/api/litellm/models").status_code == 429
        assert hub.get("/api/litellm/status").status_code == 503
        assert hub.get("/api/litellm/status").json()["status"] == "unhealthy"
        assert hub.post("/api/litellm/test").status_code == 429
        assert hub.get("/api/test/litellm").status_code == 503
    finally:
        stack.fault("searxng", None)
        stack.fault("litellm", None)


# --- downloads and deletions


def test_a_download_is_followed_and_then_deleted(hub: HubProcess, stack: Stack) -> None:
    with pulls(stack, "0.1"):
        begun = hub.post("/api/ollama/pull", json={"model": "all-minilm"}).json()
        assert begun["success"] is True and begun["message"]
        again = hub.post("/api/ollama/pull", json={"model": SMALL}).json()
        assert again["operation_id"] == begun["operation_id"], "one download, however often it is asked for"
        busy = hub.post("/api/service/ollama/delete", json={"model": SMALL})
        assert (busy.status_code, busy.json()["operation_id"]) == (409, begun["operation_id"])

        def under_way() -> dict[str, Any] | None:
            found = operation(hub, begun["operation_id"])
            return found if 0 < (found["steps"][0]["share"] or 0) < 1 else None

        seen = wait_until(under_way, 30, "progress is told")
        assert seen["kind"] == "pull_model" and seen["subject"] == SMALL and seen["services"] == []
        assert seen["progress"] == pytest.approx(seen["steps"][0]["share"], abs=0.001)
        assert "of 46 MB" in seen["steps"][0]["note"]
        restarted = hub.post("/api/service/tika/control", json={"action": "restart"}).json()
        assert restarted["success"] is True, "a download holds up no other command"
        done = ended(hub, begun["operation_id"])
    assert (done["status"], done["progress"], done["error"]) == ("succeeded", 1.0, None)
    assert SMALL in names(hub)

    deleted = hub.post("/api/service/ollama/delete", json={"model": SMALL}).json()
    assert deleted["success"] is True and deleted["message"]
    assert SMALL not in names(hub)
    gone = hub.post("/api/service/ollama/delete", json={"model": SMALL})
    assert gone.status_code == 503 and "deleted already" in gone.json()["error"]


def test_waiting_for_a_download(hub: HubProcess, stack: Stack) -> None:
    with pulls(stack, "0.01"):
        answer = hub.post("/api/service/ollama/pull", json={"model": SMALL})
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert SMALL in answer.json()["message"]
    assert hub.post("/api/service/ollama/delete", json={"model": SMALL}).json()["success"] is True


@pytest.mark.parametrize(
    ("how", "why"), [("full", "no room on the disk"), ("cut", "broke off"), ("nonsense", "makes no sense")]
)
def test_a_download_that_fails_says_why(hub: HubProcess, stack: Stack, how: str, why: str) -> None:
    with pulls(stack, how):
        answer = hub.post("/api/service/ollama/pull", json={"model": SMALL})
    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_failed")
    assert why in answer.json()["error"]
    record = operation(hub, answer.json()["operation_id"])
    assert (record["status"], record["steps"][0]["status"]) == ("failed", "failed")
    assert SMALL not in names(hub)


def test_at_most_four_downloads_at_once(hub: HubProcess, stack: Stack) -> None:
    models = ["llama3.2:1b", "llama3:latest", "gemma3:1b", "qwen3:0.6b"]
    with pulls(stack, "0.15"):
        begun = [hub.post("/api/ollama/pull", json={"model": model}).json()["operation_id"] for model in models]
        refused = hub.post("/api/ollama/pull", json={"model": "smollm2:135m"})
        assert (refused.status_code, refused.json()["code"]) == (503, "too_busy")
        assert hub.post("/api/service/tika/control", json={"action": "restart"}).json()["success"] is True
        assert {ended(hub, operation_id)["status"] for operation_id in begun} == {"succeeded"}
    for model in models:
        assert hub.post("/api/service/ollama/delete", json={"model": model}).json()["success"] is True


def test_killing_the_dashboard_in_the_middle_of_a_download(
    own_stack: Callable[..., Stack], start_hub: Callable[..., HubProcess]
) -> None:
    stack = own_stack("ollama")
    hub = start_hub(stack.environment())
    wait_until(lambda: hub.get("/api/ollama/models").status_code == 200, 20, "Ollama is known")
    with pulls(stack, "0.5"):
        begun = hub.post("/api/ollama/pull", json={"model": LARGE}).json()["operation_id"]
        wait_until(lambda: operation(hub, begun)["steps"][0]["share"], 20, "it is under way")
        part(hub, "hubcore collect").kill()
        told = wait_until(
            lambda: found if (found := operation(hub, begun))["status"] == "interrupted" else None,
            30,
            "the next leader tells of it",
            ignore=(httpx.TransportError,),
        )
    assert told["success"] is False and "stopped" in told["error"]
    assert told["steps"][0]["status"] == "failed"
