"""`python -m api_sidecar` as processes: starting, refusing to start, dying, stopping, and clients that dawdle."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from api_sidecar.commands import BODIES
from tests.stack.hub import ROOT
from tests.stack.waiting import wait_until

COMMAND = [sys.executable, "-m", "api_sidecar"]
Start = Callable[..., "Sidecar"]


class Sidecar:
    """A started sidecar, alone: no supervisor, no engine."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.port = int(os.environ["DASHBOARD_API_PORT"])
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def ask(self, path: str = "/healthz") -> httpx.Response:
        """GET over a new connection."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)

    def answers(self) -> bool:
        """Whether a new connection is answered."""
        try:
            return self.ask().status_code == 200
        except httpx.TransportError:
            return False

    def ready(self) -> Sidecar:
        """Wait until it answers."""
        wait_until(self.answers, 60, f"the sidecar answers\n{self.log.read_text()}")
        return self

    def worker(self) -> psutil.Process:
        """The process that answers."""
        return wait_until(lambda: psutil.Process(self.process.pid).children(), 30, "a worker")[0]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """`start(command)` starts a sidecar; whatever is left of it is killed after the test."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker.sock")
    started: list[Sidecar] = []

    def begin(command: list[str] = COMMAND) -> Sidecar:
        started.append(Sidecar(command, tmp_path / "sidecar.log"))
        return started[-1]

    yield begin
    for one in started:
        for process in psutil.process_iter(["pid"]):
            if _session_of(process) == one.process.pid:
                process.kill()
        one.process.wait(10)


def _session_of(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except ProcessLookupError:
        return None


def gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


# --- starting


def test_a_wrong_setting_is_one_line_and_code_2() -> None:
    result = run(DASHBOARD_API_PORT="x")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "DASHBOARD_API_PORT" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_port_in_use_is_one_line_and_code_3() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as granian listens: sharing must not go unnoticed
        other.bind(("127.0.0.1", int(os.environ["DASHBOARD_API_PORT"])))
        other.listen()
        result = run()
    assert result.returncode == 3
    assert result.stderr.count("\n") == 1
    assert "DASHBOARD_API_PORT" in result.stderr


def test_a_state_directory_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run(DASHBOARD_STATE_DIR=str(tmp_path / "file" / "state"))
    assert result.returncode == 1
    assert "DASHBOARD_STATE_DIR" in result.stderr
    assert "Traceback" not in result.stderr


# --- dying and stopping


def test_without_docker_it_answers_and_stops_in_order(start: Start) -> None:
    sidecar = start().ready()
    entries = wait_until(lambda: _entries(sidecar), 30, "13 services")
    assert {entry["container_status"] for entry in entries.values()} == {"docker_unavailable"}
    worker = sidecar.worker()
    sidecar.process.terminate()
    assert sidecar.process.wait(15) == 0
    assert gone(worker)
    assert "Traceback" not in sidecar.log.read_text()


def _entries(sidecar: Sidecar) -> dict[str, dict[str, object]]:
    answer = sidecar.ask("/api/status")
    entries = answer.json() if answer.status_code == 200 else {}
    unavailable = [e for e in entries.values() if e["container_status"] == "docker_unavailable"]
    return entries if len(unavailable) == 13 else {}


def test_killing_the_main_process_frees_the_port(start: Start) -> None:
    first = start().ready()
    worker = first.worker()
    first.process.kill()
    second = start()  # at once: it waits for the predecessor's worker to let go
    second.ready()
    assert gone(worker)
    assert second.process.poll() is None
    assert second.worker().pid != worker.pid


def test_a_killed_worker_is_replaced(start: Start) -> None:
    sidecar = start().ready()
    worker = sidecar.worker()
    worker.kill()
    wait_until(lambda: sidecar.worker().pid != worker.pid, 10, "another worker")
    sidecar.ready()
    assert sidecar.process.poll() is None


def test_it_ends_when_its_supervisor_is_killed(start: Start) -> None:
    command = [*COMMAND, "--supervised"]
    script = f"import subprocess, sys; sys.exit(subprocess.call({json.dumps(command)}))"
    supervisor = start([sys.executable, "-c", script]).ready()
    main = supervisor.worker()
    worker = main.children()[0]
    supervisor.process.kill()
    wait_until(lambda: gone(main) and gone(worker), 15, "the orphan ends")


# --- on the wire


def raw(port: int, data: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(data)
    return connection


def answer_of(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


HEAD = b"Host: localhost\r\nConnection: close\r\n"


def test_on_the_wire(start: Start) -> None:
    port = start().ready().port
    requests = {
        b"HEAD /healthz HTTP/1.1\r\n" + HEAD + b"\r\n": (b"200", b""),
        b"GET /%ff%00 HTTP/1.1\r\n" + HEAD + b"\r\n": (b"404", b'"error"'),
        b"GET /healthz HTTP/1.0\r\n\r\n": (b"421", b"DASHBOARD_ALLOWED_HOSTS"),
        b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n": (
            b"421",
            b"DASHBOARD_ALLOWED_HOSTS",
        ),
        b"OPTIONS * HTTP/1.1\r\n" + HEAD + b"\r\n": (b"404", b'"error"'),
        b"BREW /healthz HTTP/1.1\r\n" + HEAD + b"\r\n": (b"405", b'"success":false'),
        # An end of a body in pieces cannot be told from a broken connection: none of these may do anything.
        b"POST /api/cache/clear HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n": (
            b"411",
            b'"length_required"',
        ),
        b"POST /api/cache/clear HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n": (
            b"411",
            b'"success":false',
        ),
        b"POST /api/cache/clear HTTP/1.1\r\n" + HEAD + b"Content-Length: 0000000000000000000020000000\r\n\r\n": (
            b"413",
            b'"body_too_large"',
        ),
        b"POST /api/cache/clear HTTP/1.1\r\n" + HEAD + b"Content-Length: 000000000000000000000002\r\n\r\n{}": (
            b"200",
            b'"success":true',
        ),
        b"POST /api/cache/clear HTTP/1.1\r\n" + HEAD + b"Content-Length: 9999999\r\n\r\n": (
            b"413",
            b'"body_too_large"',
        ),
    }
    for request, (status, part) in requests.items():
        with raw(port, request) as connection:
            answer = answer_of(connection)
        assert answer.split(b" ", 2)[1] == status, (request, answer)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert part in body
        assert b"application/json" in head
        if request.startswith(b"HEAD"):
            assert body == b""


def test_bodies_that_never_arrive_do_not_hold_up_reads(start: Start) -> None:
    sidecar = start().ready()
    unfinished = b"POST /api/cache/clear HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{"
    waiting = [raw(sidecar.port, unfinished) for _ in range(BODIES)]
    url = f"http://127.0.0.1:{sidecar.port}/api/cache/clear"
    refused = wait_until(
        lambda: (answer := httpx.post(url, json={}, timeout=10)).status_code == 503 and answer,
        10,
        "all places for bodies taken",
    )
    assert refused.json()["code"] == "too_busy"
    assert sidecar.answers()
    for connection in waiting:
        connection.close()
    wait_until(lambda: httpx.post(url, json={}, timeout=10).status_code == 200, 10, "places are free again")


def test_ctrl_c_reaches_both_processes_and_ends_quietly(start: Start) -> None:
    sidecar = start().ready()
    os.killpg(sidecar.process.pid, signal.SIGINT)
    assert sidecar.process.wait(15) == 0
    assert "Traceback" not in sidecar.log.read_text()
