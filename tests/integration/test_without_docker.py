"""Without a Docker engine: the machine's figures, native services, and a clear word on what is missing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hubcore.errors import BadRequest
from hubcore.hub import Hub
from hubcore.models import Actor, Condition, EngineStatus, OperationKind
from hubcore.settings import load_settings
from tests.stack.waiting import wait_until


class OllamaAnswers(BaseHTTPRequestHandler):
    """Answers as Ollama does where the dashboard asks whether it is Ollama."""

    def do_GET(self) -> None:
        body = json.dumps({"version": "0.12.9"}).encode()
        self.send_response(200 if self.path == "/api/version" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output quiet."""


@pytest.fixture
def ollama() -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 11434), OllamaAnswers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker.sock")
    monkeypatch.setenv("DASHBOARD_PROBE_INTERVAL", "1")
    hub = Hub(load_settings())
    hub.start(preferred=True)
    yield hub
    hub.close()


def test_what_is_missing_is_told_and_the_rest_goes_on(hub: Hub) -> None:
    assert hub.view("status", 15).body
    snapshot = hub.snapshot()
    assert snapshot is not None
    assert len(snapshot.services) == 13 and not any(s.defined for s in snapshot.services.values())
    assert snapshot.engine.status == EngineStatus.UNREACHABLE
    assert snapshot.engine.reason is not None and snapshot.engine.remedy is not None
    assert snapshot.stack.problem is not None
    wait_until(lambda: (s := hub.snapshot()) is not None and s.host is not None and s.host.memory_used > 0, 10)
    with pytest.raises(BadRequest):
        hub.submit(OperationKind.STOP, None, Actor())


def test_a_native_program_is_found_shown_and_not_controlled(ollama: None, hub: Hub) -> None:
    hub.view("status", 15)
    wait_until(lambda: (s := hub.snapshot()) is not None and s.services["ollama"].native, 30, "Ollama is found")
    wait_until(
        lambda: (s := hub.snapshot()) is not None and s.services["ollama"].figures is not None, 15, "its figures"
    )
    snapshot = hub.snapshot()
    assert snapshot is not None
    state = snapshot.services["ollama"]
    assert (state.condition, state.defined) == (Condition.WORKS, True)
    assert state.figures is not None and state.figures.source == "process" and state.figures.memory_usage > 0
    with pytest.raises(BadRequest, match="without Docker"):
        hub.submit(OperationKind.STOP, ["ollama"], Actor())


def test_another_program_on_the_port_is_not_taken_for_it(
    ollama: None, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.view("status", 15)
    wait_until(lambda: (s := hub.snapshot()) is not None and s.services["ollama"].native, 30, "Ollama is found")
    monkeypatch.setattr(OllamaAnswers, "do_GET", lambda self: (self.send_response(200), self.end_headers()))
    hub.clear_cache()
    hub.view("status", 15)
    snapshot = hub.snapshot()
    assert snapshot is not None and not snapshot.services["ollama"].native
