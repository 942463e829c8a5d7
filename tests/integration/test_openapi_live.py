"""schemathesis asks the running API whatever its OpenAPI document allows and does not allow, a real stack behind it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stack.hub import HubProcess
from tests.stack.stack import Stack

pytestmark = pytest.mark.stack

HERE = Path(__file__).resolve().parent
CONFIG, HOOKS = HERE / "schemathesis.toml", HERE / "schemathesis_hooks.py"
SERVICES = ("redis", "db", "ollama", "litellm", "searxng", "notes")
LIMIT = 400  # seconds; on an idle machine of two cores it takes 60
FEWEST = 10  # cases for an operation on average; fewer would mean that something was not asked


def new_token(hub: HubProcess, role: str) -> str:
    """A token of the dashboard, made with its own command."""
    made = subprocess.run(
        [sys.executable, "-m", "hubcore", "token", "create", "fuzz", "--role", role],
        env=hub.environment, capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    found = re.search(r"^\s*(\S{30,})\s*$", made.stdout, re.MULTILINE)
    assert found, made.stdout
    return found[1]


@pytest.mark.timeout(600)
def test_schemathesis_finds_nothing(
    own_stack: Callable[..., Stack],
    start_hub: Callable[..., HubProcess],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack = own_stack(*SERVICES)
    hub = start_hub(stack.environment() | {"DASHBOARD_REQUIRE_TOKEN": "true"})
    token = {"Authorization": f"Bearer {new_token(hub, 'admin')}"}
    described = hub.get("/openapi.json", headers=token)
    # From a file: asked for the document at its address, schemathesis would leave that address out.
    document, report, output = (tmp_path / name for name in ("openapi.json", "report.json", "schemathesis.txt"))
    document.write_bytes(described.content)
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG),
        "run", str(document), "--url", hub.api, "-H", f"Authorization: {token['Authorization']}",
        "--report", "json", "--report-json-path", str(report),
    ]  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DASHBOARD_")} | {"NO_COLOR": "1"}
    environment |= {"SCHEMATHESIS_HOOKS": HOOKS.stem, "PYTHONPATH": str(HOOKS.parent)}
    with output.open("wb") as file:
        ran = subprocess.run(command, env=environment, cwd=tmp_path, stdout=file, stderr=file, timeout=LIMIT)
    assert ran.returncode == 0, output.read_text()[-20000:]

    found = json.loads(report.read_text())
    assert found["operations"]["tested"] == sum(len(methods) for methods in described.json()["paths"].values())
    assert {phase["status"] for phase in found["phases"].values()} == {"success"}, found["phases"]
    assert set(found["phases"]) == {"examples", "coverage", "fuzzing", "stateful"}
    cases = found["test_cases"]["generated"]
    assert cases > FEWEST * found["operations"]["tested"]
    with capsys.disabled():
        print(f"\nschemathesis: {cases} cases for {found['operations']['tested']} operations, no failure")
