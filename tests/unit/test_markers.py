"""A test that needs what the machine lacks is skipped with a reason, and fails in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import os, pytest

@pytest.mark.engine
def test_engine(): pass

@pytest.mark.stack
def test_stack(): pass

@pytest.mark.browser
def test_browser(): pass

@pytest.mark.litellm
def test_litellm(): pass

def test_fixture(stack): pass

def test_by_hand(): pytest.skip("no moon tonight")

@pytest.mark.xfail(reason="known")
def test_expected(): assert False

def test_plain():
    assert "DASHBOARD_PROJECT" not in os.environ
    assert int(os.environ["DASHBOARD_API_PORT"]) < 32768
"""


def run(tmp_path: Path, **variables: str) -> tuple[int, str]:
    """Pytest on TESTS where no program is on PATH: its exit status and output."""
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "empty").mkdir()
    base = {k: v for k, v in os.environ.items() if k not in ("CI", "CHROMIUM", "PYTEST_ADDOPTS", "DOCKER_HOST")}
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.conftest",
            "-ra",
            "-W",
            "ignore",
            "--rootdir",
            tmp_path,
            tmp_path / "test_it.py",
        ],
        cwd=ROOT,
        env=base | {"PATH": str(tmp_path / "empty"), "DASHBOARD_PROJECT": "outside"} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


def test_what_is_missing_is_skipped_with_a_reason(tmp_path: Path) -> None:
    status, output = run(tmp_path)
    assert status == 0, output
    assert "1 passed, 6 skipped, 1 xfailed" in output, output
    assert "the docker command is not installed" in output
    assert "no Chromium on PATH" in output


def test_in_ci_nothing_is_skipped(tmp_path: Path) -> None:
    status, output = run(tmp_path, CI="true")
    assert status == 1, output
    assert "skipped" not in output.splitlines()[-1], output
    assert "1 failed, 1 passed, 1 xfailed, 5 errors" in output, output
    assert "In CI nothing may be skipped. Skipped: the docker command is not installed" in output
    assert "no moon tonight" in output
