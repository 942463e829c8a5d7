"""The real LiteLLM proxy behind the dashboard: what is read of it, what is asked of it, and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack import needs
from tests.stack.hub import HubProcess
from tests.stack.litellm import WORDS, with_real_litellm
from tests.stack.stack import Stack
from tests.stack.waiting import wait_until

pytestmark = pytest.mark.litellm


@pytest.fixture(scope="module")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, HubProcess]]:
    """A stack with LiteLLM alone, and the dashboard on it."""
    stack = with_real_litellm(Stack.prepare(tmp_path_factory.mktemp("litellm") / "demo"), needs.litellm_folder())
    dashboard = HubProcess(tmp_path_factory.mktemp("hub"), stack.environment())
    try:
        stack.up("litellm")
        dashboard.start()
        wait_until(lambda: dashboard.get("/api/litellm/models").status_code == 200, 60, "LiteLLM is known")
        yield stack, dashboard
    finally:
        dashboard.stop()
        stack.down()


@pytest.fixture
def hub(litellm: tuple[Stack, HubProcess]) -> HubProcess:
    return litellm[1]


def test_its_health_check(hub: HubProcess) -> None:
    def healthy() -> bool:
        return bool(hub.get("/api/status").json()["litellm"]["health_status"] == "healthy")

    wait_until(healthy, 30, "the dashboard calls it healthy")


def test_its_models(hub: HubProcess) -> None:
    found = hub.get("/api/litellm/models").json()
    assert found["object"] == "list"
    assert [model["id"] for model in found["data"]] == ["llama3", "refuses"]
    assert hub.get("/api/service/litellm/models").json()["data"] == found["data"]


def test_its_status(hub: HubProcess) -> None:
    status = hub.get("/api/litellm/status", timeout=30).json()
    assert (status["status"], status["total_models"]) == ("healthy", 2)
    assert status["health_data_available"] is True
    assert status["healthy_endpoints"] + status["unhealthy_endpoints"] == 2


def test_a_model_answers_and_its_words_are_not_altered(hub: HubProcess) -> None:
    whole: dict[str, Any] = hub.post("/api/litellm/test", json={"model": "llama3", "message": "Hi"}).json()
    assert whole["status"] == "success"
    assert whole["response"]["object"] == "chat.completion"
    assert whole["response"]["choices"][0]["message"]["content"] == WORDS
    words = hub.post("/api/service/litellm/test", json={"model": "llama3"}).json()
    assert words == {"success": True, "response": WORDS, "model": "llama3"}


@pytest.mark.parametrize(("model", "status", "words"), [("nope", 400, "nope"), ("refuses", 429, "RateLimit")])
def test_its_errors_are_passed_on(hub: HubProcess, model: str, status: int, words: str) -> None:
    answer = hub.post("/api/litellm/test", json={"model": model})
    assert (answer.status_code, answer.json()["status"]) == (status, "error")
    assert words in answer.json()["details"]
    text = hub.post("/api/service/litellm/test", json={"model": model})
    assert (text.status_code, text.json()["success"]) == (503, False)


def test_the_test_of_it(hub: HubProcess) -> None:
    found = hub.get("/api/test/litellm", timeout=60).json()
    assert (found["status"], found["model_count"], found["generation_test"]) == ("success", 2, "passed")
    assert found["available_models"] == ["llama3", "refuses"]


def test_another_key(litellm: tuple[Stack, HubProcess], tmp_path_factory: pytest.TempPathFactory) -> None:
    stack, _ = litellm
    wrong = {"DASHBOARD_LITELLM_API_KEY": "sk-not-this-one"}
    dashboard = HubProcess(tmp_path_factory.mktemp("hub"), stack.environment() | wrong).start()
    try:
        wait_until(lambda: dashboard.get("/api/litellm/models").status_code in (400, 401), 30, "LiteLLM is known")
        answer = dashboard.get("/api/litellm/models")
        assert "sk-not-this-one" not in answer.text
        assert dashboard.get("/api/litellm/status").json()["status"] == "unhealthy"
        assert "sk-not-this-one" not in dashboard.output(1000)
    finally:
        dashboard.stop()
