"""What the API does beyond the shape of its answers (`test_contract.py`): the running dashboard and a real stack."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hubcore.presets import PRESETS
from tests.stack.hub import HubProcess
from tests.stack.stack import Stack
from tests.stack.waiting import wait_until

from .contract_shapes import RESOURCES, RFC3339_NANO, SERVICES_ENTRY, STATUS_ENTRY, check

pytestmark = pytest.mark.stack

LOCAL, FOREIGN = "http://localhost:3000", "https://evil.example"


def all_well(hub: HubProcess) -> dict[str, Any] | None:
    entries: dict[str, Any] = hub.get("/api/status").json()
    return entries if all(entry["health_status"] == "healthy" for entry in entries.values()) else None


# --- reads


def test_every_service_has_its_true_state_and_health(hub: HubProcess, stack: Stack) -> None:
    entries = wait_until(lambda: all_well(hub), 60, "all services healthy")
    running = set(stack.compose("ps", "--services").split())
    assert set(entries) >= set(PRESETS) | running
    for name, entry in entries.items():
        check(entry, STATUS_ENTRY, name)
        assert entry["name"] == name
        assert entry["container_status"] == stack.state(name)[0]
        assert not {"container_error", "health_error", "error"} & set(entry)
    for name, port in stack.ports.items():
        assert entries[name]["port"] == port


def test_services_with_and_without_resources(hub: HubProcess, stack: Stack) -> None:
    plain = hub.get("/api/services").json()
    for name, entry in plain.items():
        check(entry, SERVICES_ENTRY, name)
        assert "resources" not in entry

    def measured() -> dict[str, Any] | None:
        entries: dict[str, Any] = hub.get("/api/services?resources=True").json()
        return entries if all(e["resources"].get("measured", True) for e in entries.values()) else None

    entries = wait_until(measured, 30, "a sample of every service")
    assert set(entries) == set(plain)
    for name, entry in entries.items():
        check(entry["resources"], RESOURCES, name)
        assert "error" not in entry["resources"]
        assert entry["resources"]["memory_usage"] > 0, name
        assert 0 <= entry["resources"]["memory_percent"] <= 100
    assert entries["nginx"]["resources"]["network_rx"] > 0
    assert plain["redis"]["container_name"] == f"{stack.project}-redis-1"


def test_totals_are_those_of_the_engine(hub: HubProcess, stack: Stack) -> None:
    block = hub.get("/api/system/stats").json()["docker"]
    names = {container["name"] for container in block["containers"]}
    assert {f"{stack.project}-{service}-1" for service in ("db", "redis", "nginx")} <= names
    assert block["total_containers"] == len(block["containers"]) >= block["running_containers"] >= 13


def test_head_and_conditional_reads(hub: HubProcess) -> None:
    for path in ["/api/status", "/api/services", "/api/cache/info", "/readyz", "/api/service/db/logs/stream"]:
        head = httpx.head(hub.api + path, timeout=10)
        assert (head.status_code, head.content) == (200, b"")
    for _ in range(20):  # a publication may come in between
        tag = hub.get("/api/status").headers["etag"]
        if hub.get("/api/status", headers={"If-None-Match": tag}).status_code == 304:
            return
    pytest.fail("never 304")


# --- log lines


@pytest.mark.parametrize(
    ("query", "most"), [("", 100), ("?lines=3", 3), ("?lines=0", 0), ("?lines=x", 100), ("?lines=-1", 5000)]
)
def test_log_lines(hub: HubProcess, stack: Stack, query: str, most: int) -> None:
    answer = hub.get(f"/api/service/db/logs/stream{query}").json()
    assert answer["container"] == f"{stack.project}-db-1"
    assert len(answer["logs"]) <= most
    assert bool(answer["logs"]) is bool(most)
    assert all(RFC3339_NANO.match(line) for line in answer["logs"])
    assert [line[:19] for line in answer["logs"]] == sorted(line[:19] for line in answer["logs"])


def test_a_followed_log_brings_new_lines_at_once(hub: HubProcess, stack: Stack) -> None:
    url = f"{hub.api}/api/service/tika/logs/stream?follow=true&lines=0"
    with httpx.stream("GET", url, timeout=20, headers={"Origin": LOCAL}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["access-control-allow-origin"] == LOCAL
        lines = answer.iter_lines()
        assert next(lines).startswith(":")
        stack.docker("exec", stack.container("tika"), "sh", "-c", "echo followed-line > /proc/1/fd/1")
        found = next(line for line in lines if "followed-line" in line)
    assert found.startswith("data: ")
    assert RFC3339_NANO.match(found.removeprefix("data: "))


# --- who asks


def test_foreign_pages_and_names(hub: HubProcess, stack: Stack) -> None:
    before = hub.get("/api/operations").json()
    refused = httpx.post(f"{hub.api}/api/services/stop-all", headers={"Origin": FOREIGN}, timeout=10)
    assert refused.status_code == 403
    assert FOREIGN in refused.json()["error"]
    assert "DASHBOARD_ALLOWED_ORIGINS" in refused.json()["error"]
    assert stack.state("redis")[0] == "running"
    assert hub.get("/api/operations").json() == before
    readable = hub.get("/api/status", headers={"Origin": FOREIGN})
    assert "access-control-allow-origin" not in readable.headers
    assert hub.get("/api/status", headers={"Host": "evil.example"}).status_code == 421
    preflight = httpx.options(
        f"{hub.api}/api/services/stop-all",
        headers={"Origin": LOCAL, "Access-Control-Request-Private-Network": "true"},
        timeout=10,
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-private-network"] == "true"


def test_errors_in_the_clients_language(hub: HubProcess) -> None:
    texts = {
        language: hub.get("/api/nothing", headers={"Accept-Language": language}).json()["error"]
        for language in ("en", "ru")
    }
    assert re.search("[a-z]", texts["en"])
    assert re.search("[а-я]", texts["ru"])


# --- commands


def test_clearing_the_cache(hub: HubProcess) -> None:
    before = hub.get("/api/cache/info").json()["cache_entries"]
    answer = hub.post("/api/cache/clear", headers={"Content-Type": "application/json"}).json()
    assert answer["success"] is True
    assert str(answer["cleared"]) in answer["message"]
    assert answer["cleared"] >= before - 2
    assert hub.get("/api/status").status_code == 200
    assert hub.get("/api/cache/info").json()["cache_entries"] > 0


def test_stopping_and_starting(own_stack: Callable[..., Stack], start_hub: Callable[..., HubProcess]) -> None:
    stack = own_stack("redis", "notes")
    hub = start_hub(stack.environment())
    container = stack.container("redis")

    stopped = hub.post("/api/services/stop-all", headers={"Content-Type": "application/json"}).json()
    assert (stopped["success"], stopped["error"]) == (True, None), stopped
    assert stack.state("redis")[0] == "exited"
    entry = hub.get("/api/services?resources=true").json()["redis"]
    assert entry["container_status"] == "exited"
    assert entry["resources"]["status"] == "exited"
    assert (entry["resources"]["memory_usage"], entry["resources"].get("error")) == (0, None)

    started = hub.post("/api/service/redis/control", json={"action": "start"}).json()
    assert (started["success"], started["action"], started["service"]) == (True, "start", "redis"), started
    assert stack.container("redis") == container, "stop must keep the container"
    assert stack.state("redis")[0] == "running"
    assert hub.get("/api/status").json()["redis"]["container_status"] == "running"

    operation = hub.get(f"/api/operations/{started['operation_id']}").json()
    assert (operation["status"], operation["progress"], operation["success"]) == ("succeeded", 1.0, True)
    ids = [operation["id"] for operation in hub.get("/api/operations").json()["operations"]]
    assert ids == [started["operation_id"], stopped["operation_id"]]
