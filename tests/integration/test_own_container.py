"""The dashboard as one of the services it looks after: it finds its own container and never stops it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.stack import needs
from tests.stack.stack import Stack, docker
from tests.stack.waiting import free_ports, wait_until

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
SERVICE = "panel"


def system_folders() -> set[str]:
    """What a Python of this machine needs to run, for an image that has none of it."""
    folders = {"/usr", "/bin", "/lib", "/lib64", sys.base_prefix, sys.prefix, str(ROOT)}
    return {folder for folder in folders if Path(folder).is_dir()}


@pytest.fixture
def address(own_stack: Callable[..., Stack], tmp_path: Path) -> Iterator[str]:
    """The address of the API of a dashboard that runs in a container of the stack."""
    stack = own_stack("redis", "notes")
    api, ui = free_ports(2)
    settings = stack.environment() | {
        "DASHBOARD_STATE_DIR": "/state",
        "DASHBOARD_API_PORT": str(api),
        "DASHBOARD_UI_PORT": str(ui),
        "HOME": "/state",
    }
    labels = {"project": stack.project, "service": SERVICE, "container-number": "1", "oneoff": "False"}
    image = needs.stack_environment().get("DEMO_BUSYBOX_IMAGE", "busybox:1.36")
    container = docker(
        "run", "--detach", "--network", "host", "--workdir", str(ROOT),
        *(f"--volume={folder}:{folder}:ro" for folder in sorted(system_folders())),
        f"--volume={stack.directory}:{stack.directory}", "--volume=/var/run/docker.sock:/var/run/docker.sock",
        *(f"--label=com.docker.compose.{key}={value}" for key, value in labels.items()),
        *(f"--env={key}={value}" for key, value in settings.items()),
        "--tmpfs=/state", "--init", image, sys.executable, "-m", "hubcore", "up",
    ).strip()  # fmt: skip
    base = f"http://127.0.0.1:{api}"

    def answers() -> bool:
        try:
            return SERVICE in httpx.get(f"{base}/api/services").json()
        except httpx.HTTPError:
            return False

    try:
        wait_until(answers, 60, "the dashboard in its container lists itself")
        yield base
    finally:
        docker("rm", "--force", container)


def test_it_stops_everything_but_itself(address: str) -> None:
    base = address
    answer = httpx.post(f"{base}/api/services/stop-all", timeout=60).json()
    assert answer["success"], answer
    states = {name: entry["container_status"] for name, entry in httpx.get(f"{base}/api/services").json().items()}
    assert (states["redis"], states[SERVICE]) == ("exited", "running")
    refused = httpx.post(f"{base}/api/service/{SERVICE}/control", json={"action": "stop"}, timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (403, "service_protected")
    started = httpx.post(f"{base}/api/services/start-all", timeout=120).json()
    assert httpx.get(f"{base}/api/services").json()["redis"]["container_status"] == "running", started
