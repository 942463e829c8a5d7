"""The stand-in of Ollama, held against the official client: what the dashboard is tested with must be the real API.

https://docs.ollama.com/api
"""

from __future__ import annotations

import httpx
import ollama
import pytest

from tests.stack.stack import DEMO
from tests.stack.waiting import free_port, wait_until

from .boxes import Box


@pytest.fixture
def client(box: Box) -> ollama.Client:
    """The official client on a fresh stand-in."""
    port = free_port()
    options = ("--volume", f"{DEMO}/standins:/standins:ro", "--publish", f"127.0.0.1:{port}:11434")
    container = box("sh", "/standins/serve.sh", "ollama", "11434", options=options, service="standin")
    assert container.id
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        return httpx.get(f"{address}/api/version", timeout=2).json()["version"] == "0.12.6"

    wait_until(answers, 20, "it answers", ignore=(httpx.TransportError,))
    return ollama.Client(host=address)


def names(client: ollama.Client) -> set[str | None]:
    return {model.model for model in client.list().models}


def test_lists(client: ollama.Client) -> None:
    models = {model.model: model for model in client.list().models}
    assert set(models) == {"llama3.2:3b", "nomic-embed-text:latest"}
    one = models["llama3.2:3b"]
    assert one.size == 2019393189 and one.digest is not None and len(one.digest) == 64
    assert one.modified_at is not None and one.modified_at.tzinfo is not None
    assert one.details is not None and one.details.family == "llama3.2"
    loaded = client.ps().models
    assert [model.model for model in loaded] == ["llama3.2:3b"]
    assert loaded[0].expires_at is not None and loaded[0].size_vram == 0


def test_a_download_streams_its_progress_and_stays(client: ollama.Client) -> None:
    steps = list(client.pull("all-minilm", stream=True))
    assert (steps[0].status, steps[-1].status) == ("pulling manifest", "success")
    layers = [step for step in steps if step.digest]
    assert len({step.digest for step in layers}) == 3
    assert all(step.total and step.completed is not None and step.completed <= step.total for step in layers)
    first = [step.completed for step in layers if step.digest == layers[0].digest]
    assert first == sorted(first) and len(first) > 10  # type: ignore[type-var]
    assert "verifying sha256 digest" in [step.status for step in steps]
    assert names(client) == {"llama3.2:3b", "nomic-embed-text:latest", "all-minilm:latest"}
    assert next(model for model in client.list().models if model.model == "all-minilm:latest").size == 45960996


def test_without_streaming_the_client_gets_one_answer(client: ollama.Client) -> None:
    assert client.pull("all-minilm").status == "success"


def test_a_model_is_deleted(client: ollama.Client) -> None:
    assert client.delete("nomic-embed-text").status == "success"
    assert names(client) == {"llama3.2:3b"}
    with pytest.raises(ollama.ResponseError) as caught:
        client.delete("nomic-embed-text")
    assert caught.value.status_code == 404 and "not found" in caught.value.error


@pytest.mark.parametrize("model", ["no-such-model", "llama3.2:900b", "someone/else"])
def test_an_unknown_model_is_refused_in_the_stream(client: ollama.Client, model: str) -> None:
    with pytest.raises(ollama.ResponseError, match="file does not exist"):
        list(client.pull(model, stream=True))
    assert len(names(client)) == 2
