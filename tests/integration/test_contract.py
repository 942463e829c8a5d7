"""The API's contract against the running dashboard and a real stack: addresses, fields, types, error cases.

The tables below are the contract (`docs/api.md`); what a client relies on is a row here.
"""

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

pytestmark = pytest.mark.stack

LOCAL, FOREIGN = "http://localhost:3000", "https://evil.example"
NUMBER, TEXT, WHOLE = (int, float), str, int
TEXT_OR_NULL, WHOLE_OR_NULL = (str, type(None)), (int, type(None))
PERCENT = re.compile(r"\d{1,3}\.\d%")
GIGABYTES = re.compile(r"\d+\.\d GB")
RFC3339_NANO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z ")

CONTAINER_STATUS = re.compile(
    "created|running|paused|restarting|removing|exited|dead|not_found|docker_unavailable|error|unknown"
)
HEALTH_STATUS = re.compile("healthy|unhealthy|degraded|timeout|unreachable|assumed_healthy|unknown|error")
CATEGORY = re.compile("ai|database|frontend|search|proxy|system|other")

COMMON = {
    "name": TEXT,
    "description": re.compile(".+"),
    "category": CATEGORY,
    "port": WHOLE_OR_NULL,
    "container_status": CONTAINER_STATUS,
    "health_status": HEALTH_STATUS,
    "timestamp": float,
}
STATUS_ENTRY = {**COMMON, "url": TEXT_OR_NULL}
SERVICES_ENTRY = {
    **COMMON,
    "container_name": TEXT,
    "env_file": TEXT_OR_NULL,
    "data_dir": TEXT_OR_NULL,
    "health_url": TEXT_OR_NULL,
    "config_files": [TEXT],
}
RESOURCES = {
    "status": CONTAINER_STATUS,
    "cpu_percent": NUMBER,
    "memory_usage": WHOLE,
    "memory_limit": WHOLE,
    "memory_percent": NUMBER,
    "network_rx": WHOLE,
    "network_tx": WHOLE,
    "timestamp": float,
}
DOCKER = {
    "total_containers": WHOLE,
    "running_containers": WHOLE,
    "containers": [{"name": TEXT, "status": CONTAINER_STATUS, "short_id": re.compile("[0-9a-f]{12}")}],
    "timestamp": float,
}
FLAT = {
    "cpu_usage": PERCENT,
    "memory_usage": PERCENT,
    "memory_total": GIGABYTES,
    "disk_usage": PERCENT,
    "disk_total": GIGABYTES,
}
METRICS = {
    **FLAT,
    "container_count": re.compile(r"\d+ active"),
    "system": {**FLAT, "timestamp": float},
    "docker": DOCKER,
    "cache_info": {"system_cache_age": float, "docker_cache_age": float},
}
SYSTEM_STATS = {
    "system": {
        **dict.fromkeys(("cpu_percent", "memory_percent", "disk_percent"), NUMBER),
        **dict.fromkeys(("memory_total", "memory_used", "disk_total", "disk_used"), WHOLE),
    },
    "docker": DOCKER,
    "performance": {"cache_hits": WHOLE, "cache_age": {"system": float, "docker": float}},
}
DURATION_NAMES = "system_metrics docker_stats service_health container_resources system docker service container"
DURATIONS = dict.fromkeys([*DURATION_NAMES.split(), "service_status"], WHOLE)
CACHE_ENTRY = {"age": NUMBER, "size": WHOLE, "expires_in": NUMBER}
CACHE_INFO = {"cache_entries": WHOLE, "details": {"system_metrics": CACHE_ENTRY}, "durations": DURATIONS}
SHAPES = {
    "/api/metrics": METRICS,
    "/api/system/stats": SYSTEM_STATS,
    "/api/cache/info": CACHE_INFO,
    "/api/operations": {"operations": list},
    "/healthz": {"status": TEXT},
    "/readyz": {"ready": bool, "snapshot_age": NUMBER, "engine": TEXT, "leader": TEXT},
}


def check(value: Any, shape: Any, where: str) -> None:
    """Whether a JSON value has at least the fields of a shape, with the right types."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{where}: {value!r}"
        for name, inner in shape.items():
            assert name in value, f"{where} lacks {name}"
            check(value[name], inner, f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where}: {value!r}"
        for number, item in enumerate(value):
            check(item, shape[0], f"{where}[{number}]")
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str) and shape.fullmatch(value), f"{where}: {value!r}"
    else:
        assert isinstance(value, shape), f"{where}: {value!r}"
        assert shape is bool or not isinstance(value, bool), f"{where}: {value!r}"


def all_well(hub: HubProcess) -> dict[str, Any] | None:
    entries: dict[str, Any] = hub.get("/api/status").json()
    return entries if all(entry["health_status"] == "healthy" for entry in entries.values()) else None


# --- reads


@pytest.mark.parametrize("path", SHAPES)
def test_fields_and_types(hub: HubProcess, path: str) -> None:
    answer = hub.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    check(answer.json(), SHAPES[path], path)


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
    for path in [*SHAPES, "/api/status", "/api/services", "/api/service/db/logs/stream"]:
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


# --- errors

ERRORS: list[tuple[str, str, bytes, int]] = [
    ("GET", "/api/nothing", b"", 404),
    ("GET", "/api/status/", b"", 404),
    ("POST", "/api/nothing", b"{}", 404),
    ("POST", "/api/status", b"", 405),
    ("DELETE", "/api/services", b"", 405),
    ("GET", "/api/cache/clear", b"", 405),
    ("GET", "/api/services/stop-all", b"", 405),
    ("POST", "/api/service/nope/control", b"{", 404),
    ("GET", "/api/service/nope/logs/stream", b"", 404),
    ("GET", "/api/operations/nope", b"", 404),
    ("POST", "/api/service/redis/control", b"", 400),
    ("POST", "/api/service/redis/control", b"{", 400),
    ("POST", "/api/service/redis/control", b"[]", 400),
    ("POST", "/api/service/redis/control", b"null", 400),
    ("POST", "/api/service/redis/control", b'"stop"', 400),
    ("POST", "/api/service/redis/control", b'{"action":"destroy"}', 400),
    ("POST", "/api/services/stop-all", b"[]", 400),
    ("POST", "/api/service/redis/control", b" " * 70_000, 413),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), ERRORS)
def test_errors_are_json_with_cors(hub: HubProcess, method: str, path: str, body: bytes, status: int) -> None:
    headers = {"Origin": LOCAL, "Content-Type": "application/json"}
    answer = httpx.request(method, hub.api + path, content=body, headers=headers, timeout=10)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == LOCAL
    assert answer.headers["vary"] == "Origin"
    check(answer.json(), {"error": re.compile(".+"), "code": TEXT}, path)
    assert answer.json().get("success") is (False if method not in ("GET", "HEAD") else None)
    assert ("allow" in answer.headers) is (status == 405)


def test_foreign_pages_and_names(hub: HubProcess, stack: Stack) -> None:
    refused = httpx.post(f"{hub.api}/api/services/stop-all", headers={"Origin": FOREIGN}, timeout=10)
    assert refused.status_code == 403
    assert FOREIGN in refused.json()["error"]
    assert "DASHBOARD_ALLOWED_ORIGINS" in refused.json()["error"]
    assert stack.state("redis")[0] == "running"
    assert hub.get("/api/operations").json()["operations"] == []
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

CONTROL_ANSWER = {
    "success": bool,
    "action": TEXT,
    "service": TEXT,
    "output": TEXT,
    "error": TEXT_OR_NULL,
    "operation_id": TEXT,
}
ALL_ANSWER = {"success": bool, "output": TEXT, "error": TEXT_OR_NULL, "operation_id": TEXT}


def test_clearing_the_cache(hub: HubProcess) -> None:
    before = hub.get("/api/cache/info").json()["cache_entries"]
    answer = hub.post("/api/cache/clear", headers={"Content-Type": "application/json"}).json()
    check(answer, {"success": bool, "message": TEXT, "cleared": WHOLE}, "clear")
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
    check(stopped, ALL_ANSWER, "stop-all")
    assert (stopped["success"], stopped["error"]) == (True, None), stopped
    assert stack.state("redis")[0] == "exited"
    entry = hub.get("/api/services?resources=true").json()["redis"]
    assert entry["container_status"] == "exited"
    assert entry["resources"]["status"] == "exited"
    assert (entry["resources"]["memory_usage"], entry["resources"].get("error")) == (0, None)

    started = hub.post("/api/service/redis/control", json={"action": "start"}).json()
    check(started, CONTROL_ANSWER, "control")
    assert (started["success"], started["action"], started["service"]) == (True, "start", "redis"), started
    assert stack.container("redis") == container, "stop must keep the container"
    assert stack.state("redis")[0] == "running"
    assert hub.get("/api/status").json()["redis"]["container_status"] == "running"

    operation = hub.get(f"/api/operations/{started['operation_id']}").json()
    assert (operation["status"], operation["progress"], operation["success"]) == ("succeeded", 1.0, True)
    ids = [operation["id"] for operation in hub.get("/api/operations").json()["operations"]]
    assert ids == [started["operation_id"], stopped["operation_id"]]
