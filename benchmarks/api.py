"""The API over HTTP on one kept-alive connection, and a bare bottle route on the same server beside it."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .measure import Result, compare

ROOT = Path(__file__).resolve().parent.parent
PATHS = ("/api/status", "/api/services?resources=true", "/api/system/stats")


def run(directory: Path) -> Iterator[Result]:
    """All measurements of the API."""
    sidecar_port, bare_port = _free_port(), _free_port()
    settings = {
        "DASHBOARD_STATE_DIR": str(directory / "api"),
        "DASHBOARD_STACK_DIR": str(directory),
        "DASHBOARD_API_PORT": str(sidecar_port),
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DASHBOARD_")} | settings
    sidecar = subprocess.Popen(
        [sys.executable, "-m", "api_sidecar"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    processes = [sidecar]
    try:
        ours = _connect(sidecar_port, "/api/status")
        size = len(_get(ours, "/api/status"))
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.bare", str(bare_port), str(size)], cwd=ROOT, env=environment
            )
        )
        bare = _connect(bare_port, "/bare")
        for path in PATHS:
            yield compare(
                f"API: GET {path}", _getter(ours, path), "a bare bottle route", _getter(bare, "/bare"), times=2000
            )
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(15)


def _getter(connection: http.client.HTTPConnection, path: str) -> Callable[[], bytes]:
    return lambda: _get(connection, path)


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status}")
    return body


def _connect(port: int, path: str) -> http.client.HTTPConnection:
    """A connection to a server that has just been started, as soon as it answers."""
    deadline = time.monotonic() + 30
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            _get(connection, path)
        except (OSError, http.client.HTTPException, RuntimeError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return connection


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
