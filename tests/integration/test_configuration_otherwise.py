"""Saving where Compose cannot help: a container made by hand, a program without Docker, Docker away."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hubcore.hub import Hub
from hubcore.models import Actor, ConfigChange, Operation, OperationStatus, StepStatus
from hubcore.settings import load_settings
from tests.stack.stack import docker
from tests.stack.waiting import wait_until

from .boxes import Box

SERVE = "mkdir -p /www && echo ok > /www/tika && exec httpd -f -p 9998 -h /www"
CHANGE = ConfigChange(env_vars={"LEVEL": "debug"}, restart=True)


@pytest.fixture
def make_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Hub]]:
    made: list[Hub] = []

    def make(**environment: str) -> Hub:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DASHBOARD_PROBE_INTERVAL", "1")
        made.append(Hub(load_settings()))
        made[-1].start(preferred=True)
        made[-1].view("status", 15)
        return made[-1]

    yield make
    for hub in made:
        hub.close()


def save(hub: Hub, service: str) -> Operation:
    return hub.wait_operation(hub.configuration.save(service, CHANGE, Actor(name="test")).id, 120)


def statuses(operation: Operation) -> dict[str | None, StepStatus]:
    return {step.key: step.status for step in operation.steps}


def condition(hub: Hub, service: str) -> str:
    snapshot = hub.snapshot()
    return snapshot.services[service].condition if snapshot is not None else ""


def test_a_container_made_by_hand_is_restarted_and_that_is_told(
    make_hub: Callable[..., Hub], box: Box, stack_dir: Path
) -> None:
    container = box("sh", "-c", SERVE, service="tika", options=("--publish", "127.0.0.1::9998"))
    assert container.project is not None
    hub = make_hub(DASHBOARD_PROJECT=container.project)
    wait_until(lambda: condition(hub, "tika") == "works", 30, "tika works")
    verdict = hub.configuration.validate("tika", CHANGE)
    assert any("compose file" in warning.english() for warning in verdict.warnings)
    ended = save(hub, "tika")
    assert ended.status == OperationStatus.SUCCEEDED, ended
    assert (ended.result["saved"], ended.result["restart_success"]) == (True, True)
    notes = {step.key: step.note for step in ended.steps}
    assert notes["recreate"] is not None and "not made anew" in notes["recreate"].english()
    assert (stack_dir / "env" / "tika.env").read_text() == "LEVEL=debug\n"
    started = docker("inspect", "--format", "{{.State.StartedAt}}", container.id).strip()
    assert docker("inspect", "--format", "{{.Created}}", container.id).strip()[:19] != started[:19]


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


def test_a_program_without_docker_is_saved_and_left_alone(
    ollama: None, make_hub: Callable[..., Hub], stack_dir: Path, tmp_path: Path
) -> None:
    hub = make_hub(DOCKER_HOST=f"unix://{tmp_path}/no-docker.sock")
    wait_until(lambda: condition(hub, "ollama") == "works", 30, "Ollama is found")
    assert any("without Docker" in w.english() for w in hub.configuration.validate("ollama", CHANGE).warnings)
    ended = save(hub, "ollama")
    assert ended.status == OperationStatus.SUCCEEDED, ended
    assert (ended.result["saved"], ended.result["restart_success"]) == (True, False)
    assert statuses(ended)["recreate"] == statuses(ended)["restore"] == StepStatus.SKIPPED
    assert (stack_dir / "env" / "ollama.env").read_text() == "LEVEL=debug\n"


def test_without_docker_the_file_is_saved_and_the_restart_fails(
    make_hub: Callable[..., Hub], stack_dir: Path, tmp_path: Path
) -> None:
    hub = make_hub(DOCKER_HOST=f"unix://{tmp_path}/no-docker.sock")
    wait_until(lambda: condition(hub, "tika") != "", 15, "tika is known")
    ended = save(hub, "tika")
    assert (ended.result["saved"], ended.result["restart_success"]) == (True, False), ended
    assert statuses(ended)["recreate"] == StepStatus.FAILED
    assert (stack_dir / "env" / "tika.env").read_text() == "LEVEL=debug\n"
    backup = hub.configuration.backups()[0]
    assert (backup.id, backup.reason, backup.files) == (ended.result["backup_id"], "before_save", ())
