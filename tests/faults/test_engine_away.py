"""The Docker engine goes away, hangs and comes back: last values with their age, and recovery by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.stack.hub import HubProcess
from tests.stack.private import PrivateEngine
from tests.stack.waiting import wait_until

pytestmark = pytest.mark.engine
SERVE = "mkdir -p /www && echo ok > /www/tika && exec httpd -f -p 9998 -h /www"


def run_tika(engine: PrivateEngine) -> None:
    engine.docker(
        "run", "--detach", "--name", "away-tika-1", "--restart", "always", "--init",
        "--label", "com.docker.compose.project=away", "--label", "com.docker.compose.service=tika",
        "--publish", "127.0.0.1:9998:9998", engine.load_busybox(), "sh", "-c", SERVE,
    )  # fmt: skip


@pytest.fixture
def away(private_engine: PrivateEngine, start_hub: Callable[..., HubProcess]) -> HubProcess:
    run_tika(private_engine)
    environment = {"DOCKER_HOST": private_engine.address, "DASHBOARD_PROJECT": "away", "DASHBOARD_PROBE_INTERVAL": "1"}
    hub = start_hub(environment, prefix=private_engine.enter, inside=private_engine.inside)
    wait_until(lambda: tika(hub)["health_status"] == "healthy", 20, "tika is healthy")
    return hub


def tika(hub: HubProcess) -> dict[str, object]:
    answer = hub.get("/api/status")
    assert answer.status_code == 200
    entry: dict[str, object] = answer.json()["tika"]
    return entry


def test_the_engine_is_killed_and_comes_back(away: HubProcess, private_engine: PrivateEngine) -> None:
    private_engine.kill()
    wait_until(lambda: tika(away)["container_status"] == "docker_unavailable", 5, "the absence is told")
    entry = tika(away)
    assert entry["last_known_status"] == "running"
    assert 0 <= time.time() - float(str(entry["last_known_at"])) < 60
    stats = away.get("/api/system/stats").json()
    assert stats["docker"]["running_containers"] == 0 and stats["docker"]["error"]
    assert stats["system"]["memory_total"] > 0, "the machine's figures go on"
    private_engine.start()
    wait_until(lambda: tika(away)["container_status"] == "running", 30, "it is back without a restart")
    wait_until(lambda: tika(away)["health_status"] == "healthy", 30, "and well")
    assert "error" not in away.get("/api/system/stats").json()["docker"]


def test_a_frozen_engine_makes_no_reader_wait(away: HubProcess, private_engine: PrivateEngine) -> None:
    pid = int((private_engine.directory / "pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: tika(away)["container_status"] == "docker_unavailable", 40, "the silence is told")
        for path in ("/api/status", "/api/metrics", "/api/services?resources=true", "/api/system/stats") * 5:
            # far below the five seconds after which asking the engine itself is given up
            assert away.get(path, timeout=2.0).status_code == 200
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: tika(away)["container_status"] == "running", 30, "it is back without a restart")
