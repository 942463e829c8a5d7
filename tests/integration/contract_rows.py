"""The contract as a table: every address with what it answers, when all is well and for each of its errors.

Worlds: `stack` all 13 services healthy · `small` Redis and one more service, which may be stopped and changed · `bare`
a running engine without any of the services · `away` no engine · `guarded` a token is needed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import contract_shapes as s


class Row(NamedTuple):
    """One request and its answer. `body`: JSON, or bytes as they are; `shape`: fields and types it has at least."""

    method: str
    path: str
    status: int = 200
    shape: Any = None
    body: Any = None
    world: str = "stack"
    about: str = ""

    def __str__(self) -> str:
        return f"{self.world} {self.method} {self.path} {self.about} {self.status}".replace("  ", " ")


def get(path: str, shape: Any, world: str = "stack", status: int = 200) -> Row:
    """A read."""
    return Row("GET", path, status, shape, None, world)


def post(path: str, status: int, shape: Any, body: Any = b"", world: str = "stack", about: str = "") -> Row:
    """A command, or something else with a body."""
    return Row("POST", path, status, shape, body, world, about)


READS = [
    get("/api/status", s.STATUS),
    get("/api/metrics", s.METRICS),
    get("/api/services", s.SERVICES),
    get("/api/services?resources=true", s.WITH_RESOURCES),
    get("/api/services?resources=TRUE", s.WITH_RESOURCES),
    get("/api/services?resources=perhaps", s.SERVICES),
    get("/api/system/stats", s.SYSTEM_STATS),
    get("/api/cache/info", s.CACHE_INFO),
    get("/api/operations", s.OPERATIONS),
    get("/api/operations?limit=0", s.ERROR, status=400),
    get("/api/operations?limit=x", s.ERROR, status=400),
    get("/api/operations/nope", s.ERROR, status=404),
    get("/healthz", s.ALIVE),
    get("/readyz", s.READY),
    get("/openapi.json", s.OPENAPI),
    get("/docs", None),
    *(
        get(path, shape, world)
        for world in ("bare", "away")
        for path, shape in (
            ("/api/status", s.STATUS),
            ("/api/metrics", s.METRICS),
            ("/api/services", s.SERVICES),
            ("/api/system/stats", s.SYSTEM_STATS),
            ("/api/service/litellm/config", s.CONFIG),
            ("/api/service/ollama/config", s.CONFIG),
            ("/api/service/litellm/resources", s.NO_RESOURCES),
            ("/api/backups", s.BACKUPS),
        )
    ),
    get("/api/nothing", s.ERROR, status=404),
    get("/api/status/", s.ERROR, status=404),
    post("/api/nothing", 404, s.REFUSED, {}),
]

LOGS = [
    *(
        row
        for base in ("/api/service/{}/logs/stream", "/api/logs/{}")
        for row in (
            get(base.format("db"), s.LOGS),
            get(base.format("db") + "?lines=3", s.LOGS),
            get(base.format("db") + "?lines=x&follow=no", s.LOGS),
            get(base.format("nope"), s.ERROR, status=404),
            get(base.format("redis"), s.ERROR, "bare", 404),
            get(base.format("redis") + "?follow=true", s.ERROR, "bare", 404),
            get(base.format("redis"), s.ERROR, "away", 503),
        )
    ),
]

RESTART_REDIS = {"action": "restart", "services": ["redis", "nope"]}
CONTROL = [
    post("/api/cache/clear", 200, s.CLEARED, world="small"),
    post("/api/cache/clear", 200, s.CLEARED, {}, "small"),
    post("/api/services/stop-all", 200, s.ALL_DONE, world="small"),
    post("/api/service/redis/control", 200, s.CONTROL_DONE, {"action": "start"}, "small", "after stop-all"),
    post("/api/services/start-all", 200, s.ALL_DONE, world="small"),
    post("/api/services/restart-all", 200, s.ALL_DONE, world="small"),
    post("/api/docker/stop", 200, s.ALL_DONE, world="small"),
    post("/api/docker/start", 200, s.ALL_DONE, world="small"),
    post("/api/docker/restart", 200, s.ALL_DONE, world="small"),
    post("/api/service/redis/control", 200, s.CONTROL_DONE, {"action": "stop"}, "small"),
    post("/api/service/redis/control", 200, s.CONTROL_DONE, {"action": "restart"}, "small"),
    post("/api/services/control", 200, s.MANY_DONE, RESTART_REDIS, "small"),
    get("/api/operations/{newest}", {"id": s.TEXT, "status": s.TEXT}, "small"),
    post("/api/service/redis/control", 200, s.NOT_DONE, {"action": "stop"}, "bare", "no container"),
    *(post(f"/api/services/{name}-all", 200, s.OUTCOME, world="bare") for name in ("start", "stop", "restart")),
    post("/api/docker/remove", 400, s.REFUSED),
    *(post("/api/service/redis/control", 400, s.REFUSED, body) for body in ({}, {"action": "rm"}, {"action": 1})),
    *(
        post("/api/services/control", 400, s.REFUSED, body)
        for body in (
            {},
            {"action": "start"},
            {"services": ["redis"]},
            {"action": "start", "services": []},
            {"action": "start", "services": "redis"},
            {"action": "start", "services": [1]},
            {"action": "rm", "services": ["redis"]},
        )
    ),
]

BAD_CHANGES: dict[str, Any] = {
    "PATH": {"env_vars": {"PATH": "/tmp"}},
    "line break in a value": {"env_vars": {"A": "1\nB=2"}},
    "line break in a name": {"env_vars": {"A\nB": "1"}},
    "NUL": {"env_vars": {"A": "1\0"}},
    "equals sign in a name": {"env_vars": {"A=B": "1"}},
    "blank in a name": {"env_vars": {"A B": "1"}},
    "shell signs in a name": {"env_vars": {"A;B": "1"}},
    "no name": {"env_vars": {"": "1"}},
    "long name": {"env_vars": {"A" * 101: "1"}},
    "long value": {"env_vars": {"A": "1" * 1001}},
    "a number": {"env_vars": {"A": 1}},
    "a list": {"env_vars": ["A"]},
    "another file": {"config_files": {"../compose.yml": "a"}},
    "traversal": {"config_files": {"conf/searxng/../../compose.yml": {"content": "a"}}},
    "broken YAML": {"config_files": {"conf/searxng/settings.yml": "a: ["}},
    "YAML tag": {"config_files": {"conf/searxng/settings.yml": "a: !!python/object:x 1"}},
    "undefined": {"config_files": {"conf/searxng/settings.yml": "undefined"}},
    "101 kB": {"config_files": {"conf/searxng/settings.yml": "# " + "a" * 101_000}},
    "a command": {"config_files": {"conf/searxng/settings.yml": {"content": "a: curl http://example.org"}}},
}
CONFIG = [
    get("/api/service/searxng/config", s.CONFIG),
    get("/api/service/nginx/config", s.CONFIG),
    get("/api/service/nope/config", s.ERROR, status=404),
    post("/api/service/redis/config", 200, s.SAVED, {"env_vars": {"CONTRACT_ROW": "1"}}, "small"),
    post("/api/service/redis/config", 200, s.SAVED, {}, "small", "nothing"),
    post(
        "/api/service/redis/config", 200, s.RESTARTED,
        {"env_vars": {"CONTRACT_ROW": "2"}, "config_files": {}, "restart_service": True}, "small", "restart",
    ),
    post("/api/service/redis/config", 409, s.REFUSED, {"env_vars": {"CONTRACT_ROW": "3"}, "version": "old"}, "small"),
    *(post("/api/service/searxng/config", 400, s.REFUSED, body, about=about) for about, body in BAD_CHANGES.items()),
    post("/api/service/redis/validate", 200, s.VALID, {"env_vars": {"CONTRACT_ROW": "1"}}),
    post("/api/service/redis/validate", 200, s.VALID, {}),
    *(post("/api/service/searxng/validate", 200, s.INVALID, body, about=about) for about, body in BAD_CHANGES.items()),
    post("/api/service/redis/backup", 200, s.BACKED_UP, world="small"),
    post("/api/service/redis/backup", 200, s.BACKED_UP, {}, "small"),
    get("/api/backups", s.BACKUPS, "small"),
]  # fmt: skip

UNREACHABLE = ("bare", "away")
MODELS = [
    get("/api/ollama/models", s.OLLAMA_MODELS),
    get("/api/service/ollama/models", s.OLLAMA_MODELS),
    get("/api/service/litellm/models", s.LITELLM_MODELS),
    get("/api/service/redis/models", s.ERROR, status=400),
    get("/api/service/nope/models", s.ERROR, status=404),
    get("/api/litellm/models", s.LITELLM_MODELS),
    get("/api/litellm/status", s.LITELLM_STATUS),
    post("/api/litellm/test", 200, s.COMPLETION, {"model": "{litellm}", "message": "Hello"}),
    post("/api/service/litellm/test", 200, s.COMPLETION_TEXT, {"model": "{litellm}"}),
    post("/api/ollama/pull", 200, s.BEGUN, {"model": "qwen3:0.6b"}, about="in the background"),
    post("/api/service/ollama/pull", 200, s.BEGUN, {"model": "qwen3:0.6b"}, about="and wait"),
    post("/api/service/ollama/delete", 200, s.BEGUN, {"model": "qwen3:0.6b"}),
    post("/api/service/ollama/pull", 503, s.REFUSED, {"model": "no-such-model"}),
    post("/api/service/ollama/delete", 503, s.REFUSED, {"model": "no-such-model"}),
    *(
        post(f"/api/{path}", 400, s.REFUSED, body)
        for path in ("ollama/pull", "service/ollama/pull", "service/ollama/delete")
        for body in ({}, {"model": ""}, {"model": 1}, {"model": None})
    ),
    *(
        post(f"/api/{path}", 400, s.REFUSED, {"model": 1})
        for path in ("litellm/test", "service/litellm/test")
    ),
    *(
        row
        for world in UNREACHABLE
        for row in (
            get("/api/ollama/models", s.ERROR, world, 503),
            get("/api/service/ollama/models", s.ERROR, world, 503),
            get("/api/service/litellm/models", s.ERROR, world, 503),
            get("/api/litellm/models", s.ERROR, world, 503),
            get("/api/litellm/status", s.ERROR_STATUS, world, 503),
            post("/api/litellm/test", 503, s.ERROR_STATUS, {}, world),
            post("/api/service/litellm/test", 503, s.REFUSED, {}, world),
            post("/api/ollama/pull", 503, s.REFUSED, {"model": "qwen3:0.6b"}, world),
            post("/api/service/ollama/pull", 503, s.REFUSED, {"model": "qwen3:0.6b"}, world),
            post("/api/service/ollama/delete", 503, s.REFUSED, {"model": "qwen3:0.6b"}, world),
        )
    ),
]  # fmt: skip

TOOLS = [
    get("/api/db/health", s.DB_HEALTH),
    get("/api/service/db/status", s.DB_STATUS),
    get("/api/service/redis/info", s.REDIS_INFO),
    get("/api/service/searxng/engines", s.ENGINES),
    get("/api/test/ollama", s.TEST_OLLAMA),
    get("/api/test/litellm", s.TEST_LITELLM),
    get("/api/test/redis", s.TEST_REDIS),
    get("/api/test/db", s.TEST_DB),
    get("/api/test/nginx", s.ERROR, status=404),
    get("/api/test/nope", s.ERROR, status=404),
    get("/api/service/redis/resources", s.RESOURCES),
    get("/api/service/nope/resources", s.ERROR, status=404),
    *(
        row
        for world in UNREACHABLE
        for row in (
            get("/api/db/health", s.ERROR_STATUS, world, 503),
            get("/api/service/db/status", s.ERROR_STATUS, world, 503),
            get("/api/service/redis/info", s.ERROR_STATUS, world, 503),
            get("/api/service/searxng/engines", s.ERROR, world, 503),
            get("/api/test/ollama", s.ERROR_MESSAGE, world, 503),
            get("/api/test/litellm", s.ERROR_MESSAGE, world, 503),
            get("/api/test/redis", s.ERROR_MESSAGE, world, 503),
            get("/api/test/db", {"status": s.re.compile("error"), "container_status": s.TEXT}, world),
            get("/api/service/redis/resources", s.NO_RESOURCES, world),
        )
    ),
    get("/api/security/logs", s.SECURITY_LOGS, "small"),
    get("/api/security/logs?limit=1", s.SECURITY_LOGS, "small"),
    get("/api/security/logs?limit=x", s.SECURITY_LOGS, "small"),
]

# What a client that sends no token may still ask, and what tells it that it needs one.
GUARDED = [get("/healthz", s.ALIVE, "guarded"), get("/readyz", s.READY, "guarded")]

ROWS = [*READS, *LOGS, *CONTROL, *CONFIG, *MODELS, *TOOLS, *GUARDED]
