"""What tests need of the machine: each function says what is missing, or None when it is there. Asked once."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


@functools.cache
def engine() -> str | None:
    """Whether a Docker engine answers the docker command."""
    if shutil.which("docker") is None:
        return "the docker command is not installed"
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        return "the Docker engine does not answer"
    return None if result.returncode == 0 else f"no Docker engine: {_last_line(result.stderr)}"


@functools.cache
def stack() -> str | None:
    """Whether Compose v2 and the images are there; both are fetched or built when they are not."""
    missing = engine()
    if missing:
        return missing
    try:
        stack_environment()
    except RuntimeError as error:
        return f"no test stack: {error}"
    return None


@functools.cache
def litellm() -> str | None:
    """Whether the stack and the real LiteLLM are there; it is installed when it is not (740 MB, once)."""
    missing = stack()
    if missing:
        return missing
    try:
        litellm_folder()
    except RuntimeError as error:
        return f"no LiteLLM: {error}"
    return None


@functools.cache
def litellm_folder() -> Path:
    """The environment in which LiteLLM is installed. Raises RuntimeError with the script's last line."""
    return Path(_script("litellm.sh").strip())


@functools.cache
def browser() -> str | None:
    """Whether a Chromium and Playwright are installed."""
    if importlib.util.find_spec("playwright") is None:
        return "the Python package playwright is not installed"
    return None if browser_path() else "no Chromium on PATH (Debian: apt-get install chromium)"


def browser_path() -> str | None:
    """The program to start: CHROMIUM, else the first known name on PATH."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in BROWSERS if (path := shutil.which(name))), None)


@functools.cache
def private_engine() -> str | None:
    """Whether an engine of one's own can be started: root on Linux with dockerd and network namespaces."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "a private Docker engine takes root"
    absent = [name for name in ("dockerd", "ip", "nsenter", "curl") if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


@functools.cache
def stack_environment() -> dict[str, str]:
    """Variables for `docker compose` on the demo stack: DOCKER_CONFIG (if Compose was fetched) and the image names.

    Raises RuntimeError with the scripts' last line when Compose or the images cannot be had.
    """
    variables: dict[str, str] = {}
    config = _script("compose.sh").strip()
    if config:
        variables["DOCKER_CONFIG"] = config
    for line in _script("images.sh").splitlines():
        name, _, value = line.partition("=")
        variables[name] = value
    return variables


def _script(name: str) -> str:
    result = subprocess.run([HERE / name], capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL)
    if result.returncode:
        raise RuntimeError(_last_line(result.stderr))
    return result.stdout
