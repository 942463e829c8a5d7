"""Tokens, roles and the audit log on the running program: real processes, real connections, the real command line."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from hubcore.hub import Hub
from hubcore.settings import load_settings
from tests.stack.hub import ROOT, HubProcess
from tests.stack.stack import Stack
from tests.stack.waiting import wait_until

EVERYWHERE = {"DASHBOARD_API_HOST": "0.0.0.0", "DASHBOARD_ALLOWED_HOSTS": "hub.test"}
NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
STREAM = "/api/service/notes/logs/stream?follow=true&lines=1"


def token(environment: dict[str, str], *arguments: str) -> str:
    """Run `python -m hubcore token …` with the dashboard's own settings, running or not; what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "hubcore", "token", *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("module", [["hubcore", "up"], ["api_sidecar"]])
@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_beyond_loopback_it_does_not_start_without_a_token(module: list[str], host: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=ROOT, env=os.environ | {"DASHBOARD_API_HOST": host}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "DASHBOARD_API_HOST" in done.stderr and "token create" in done.stderr


def test_a_damaged_list_of_tokens_does_not_open_the_port(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    token({}, "create", "one", "--role", "admin")
    (state_dir / "tokens.json").write_text("{}")
    done = subprocess.run(
        [sys.executable, "-m", "api_sidecar"],
        cwd=ROOT, env=os.environ | {"DASHBOARD_API_HOST": "0.0.0.0"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "tokens" in done.stderr and done.stderr.count("\n") == 1


def test_the_pages_stay_on_loopback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hubcore", "up"],
        cwd=ROOT, env=os.environ | {"DASHBOARD_UI_HOST": "0.0.0.0"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "DASHBOARD_UI_HOST" in done.stderr and "SSH tunnel" in done.stderr


def own_address() -> str | None:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        found = str(probe.getsockname()[0])
    return None if found.startswith("127.") else found


def test_everywhere_with_tokens(start_hub: Callable[..., HubProcess], tmp_path: Path) -> None:
    state_dir = tmp_path / "everywhere"
    settings = {**EVERYWHERE, **NO_ENGINE, "DASHBOARD_STATE_DIR": str(state_dir), "DASHBOARD_STACK_DIR": str(tmp_path)}
    viewer = token(settings, "create", "viewer", "--role", "viewer")
    admin = token(settings, "create", "admin", "--role", "admin", "--expires", "1h")
    hub = start_hub(settings, ready="/healthz")
    assert hub.get("/api/status").status_code == 401
    assert hub.get("/api/nothing").status_code == 401
    assert hub.get("/readyz").status_code in (200, 503)
    wait_until(lambda: hub.get("/api/status", headers=bearer(viewer)).status_code == 200, 30, "values")
    assert hub.post("/api/cache/clear", headers=bearer(viewer)).status_code == 403
    assert hub.post("/api/cache/clear", headers=bearer(admin)).status_code == 200
    assert hub.get("/api/status", headers={"Host": "hub.test", **bearer(viewer)}).status_code == 200
    assert hub.get("/api/status", headers={"Host": "other.test", **bearer(viewer)}).status_code == 421
    assert hub.get("/api/status", headers={"Host": f"0.0.0.0:{hub.api_port}", **bearer(viewer)}).status_code == 421
    address = own_address()
    if address is not None:
        from_elsewhere = f"http://{address}:{hub.api_port}/api/status"
        assert httpx.get(from_elsewhere, headers=bearer(admin)).status_code == 421  # no name was given to that address
        assert httpx.get(from_elsewhere, headers={"Host": "hub.test"}).status_code == 401
    token(settings, "revoke", "viewer")
    assert hub.get("/api/status", headers=bearer(viewer)).status_code == 401
    logs = hub.get("/api/security/logs", headers=bearer(admin)).json()["logs"]
    events = [(e["event_type"], e["user"], e["via"]) for e in logs]
    assert ("role_refused", "viewer", "api") in events
    assert ("cache_cleared", "admin", "api") in events
    assert {e["event_type"] for e in logs} >= {"token_created", "token_revoked", "host_refused", "token_refused"}
    assert {e["user_ip"] for e in logs if e["via"] == "api"} <= {"127.0.0.1", address}
    everything = b"".join(p.read_bytes() for p in state_dir.rglob("*") if p.is_file()) + hub.log.read_bytes()
    for secret in (viewer, admin):
        assert secret.split("_", 2)[2].encode() not in everything
    listed = token(settings, "list", "--json")
    assert '"last_used_at":1' in listed and listed.count('"id"') == 1


@pytest.mark.stack
def test_revoking_a_token_ends_the_stream_it_opened_and_commands_are_recorded(
    own_stack: Callable[..., Stack], start_hub: Callable[..., HubProcess], tmp_path: Path
) -> None:
    settings = own_stack("notes").environment() | {"DASHBOARD_STATE_DIR": str(tmp_path / "watched")}
    secret = token(settings, "create", "watcher", "--role", "operator")
    hub = start_hub(settings)
    wait_until(lambda: hub.get("/api/status").json().get("notes", {}).get("container_status") == "running", 30, "notes")
    with httpx.stream("GET", hub.api + STREAM, headers=bearer(secret), timeout=60) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith(":")
        token(settings, "revoke", "watcher")
        for _ in lines:  # what comes next, a line or a sign of life, ends it
            continue
    control = hub.post("/api/service/notes/control", json={"action": "restart"}, timeout=60).json()
    assert control["success"] is True
    done, asked, *_ = hub.get("/api/security/logs?limit=5").json()["logs"]
    assert (done["event_type"], asked["event_type"]) == ("command_finished", "command_requested")
    assert done["details"] == {
        "operation_id": control["operation_id"], "action": "restart", "services": ["notes"], "outcome": "succeeded",
    }  # fmt: skip
    assert (done["user"], done["via"], done["user_ip"]) == ("local", "api", "127.0.0.1")


def test_an_audit_log_that_cannot_be_written_is_shown_and_stops_nothing(
    start_hub: Callable[..., HubProcess], state_dir: Path, stack_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state_dir / "logs" / "security.log").mkdir(parents=True)
    places = {"DASHBOARD_STATE_DIR": str(state_dir), "DASHBOARD_STACK_DIR": str(stack_dir)}
    hub = start_hub({**NO_ENGINE, **places})
    assert hub.post("/api/cache/clear").status_code == 200
    assert hub.get("/api/security/logs").json() == {"logs": []}
    assert "the audit log cannot be written" in hub.log.read_text()
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE["DOCKER_HOST"])
    pages = Hub(load_settings())
    pages.start(collect=False)
    try:
        shown = wait_until(lambda: (seen := pages.snapshot()) is not None and seen.audit_problem, 20, "it is shown")
        assert "audit log" in shown.english()
        (state_dir / "logs" / "security.log").rmdir()
        wait_until(lambda: (seen := pages.snapshot()) is not None and seen.audit_problem is None, 20, "it is over")
    finally:
        pages.close()


def test_both_ports_refuse_alike(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub(NO_ENGINE)
    foreign = {"Origin": "https://evil.test"}
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    cases: list[tuple[str, dict[str, str], int, str]] = [
        ("GET", {"Host": "evil.test"}, 421, "DASHBOARD_ALLOWED_HOSTS"),
        ("POST", foreign, 403, "DASHBOARD_ALLOWED_ORIGINS"),
        ("GET", embedded, 403, "DASHBOARD_ALLOWED_ORIGINS"),
        ("GET", embedded | {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200, ""),
        ("GET", {}, 200, ""),
    ]
    for method, headers, status, setting in cases:
        for address in (f"{hub.api}/healthz", f"{hub.ui}/_stcore/health"):
            answer = httpx.request(method, address, headers=headers)
            assert answer.status_code == status, (method, address, headers)
            assert setting in answer.text
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["referrer-policy"]
    handshake = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    for headers, status, setting in [
        (foreign, 403, "DASHBOARD_ALLOWED_ORIGINS"),
        ({}, 403, "DASHBOARD_ALLOWED_ORIGINS"),
        ({"Host": "evil.test", "Origin": "http://evil.test"}, 421, "DASHBOARD_ALLOWED_HOSTS"),
    ]:
        answer = httpx.get(f"{hub.ui}/_stcore/stream", headers={**handshake, **headers})
        assert (answer.status_code, setting in answer.text) == (status, True), headers
    wait_until(
        lambda: {"page", "api"} <= {e["via"] for e in hub.get("/api/security/logs").json()["logs"]}, 10, "both are told"
    )
