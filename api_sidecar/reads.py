"""The GET routes that answer from memory: finished views, the cache listing, operations, life and readiness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from hubcore.errors import BadRequest, UnknownService
from hubcore.models import dump, text
from hubcore.roles import Role

from .call import JSON_TYPE, Answer, Call, json_answer
from .errors import spoken
from .operation_json import operation_json
from .registry import known_service
from .route import Route
from .schemas import docs, upstream_docs

if TYPE_CHECKING:
    from hubcore.hub import Hub

OPERATIONS_SHOWN = 20
OPERATIONS_LIMIT = 100


def same_tag(if_none_match: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names `etag` (weak comparison, RFC 9110, section 13.1.2)."""
    if not if_none_match:
        return False
    wanted = etag.removeprefix("W/")
    tags = (tag.strip() for tag in if_none_match[:2000].split(","))
    return any(tag == "*" or tag.removeprefix("W/") == wanted for tag in tags)


class Reads:
    """Handlers that never wait for Docker, a disk of others or a network."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[Route]:
        """The addresses answered here."""
        viewer = Role.VIEWER
        return [
            Route("GET", "/api/status", self.status, viewer, docs.STATUS),
            Route("GET", "/api/metrics", self.metrics, viewer, docs.METRICS),
            Route("GET", "/api/services", self.services, viewer, docs.SERVICES),
            Route("GET", "/api/system/stats", self.system_stats, viewer, docs.SYSTEM_STATS),
            Route("GET", "/api/cache/info", self.cache_info, viewer, docs.CACHE_INFO),
            Route("GET", "/api/service/<name>/resources", self.resources, viewer, upstream_docs.RESOURCES),
            Route("GET", "/api/operations", self.operations, viewer, docs.OPERATIONS),
            Route("GET", "/api/operations/<operation_id>", self.operation, viewer, docs.OPERATION),
            Route("GET", "/healthz", self.healthz, None, docs.HEALTHZ),
            Route("GET", "/readyz", self.readyz, None, docs.READYZ),
        ]

    def _view(self, call: Call, name: str) -> Answer:
        view = self._hub.view(name)
        if same_tag(call.header("If-None-Match"), view.etag):
            return Answer(304, b"", {"ETag": view.etag})
        return Answer(200, view.body, {"Content-Type": JSON_TYPE, "ETag": view.etag})

    def status(self, call: Call) -> Answer:
        """GET /api/status"""
        return self._view(call, "status")

    def metrics(self, call: Call) -> Answer:
        """GET /api/metrics"""
        return self._view(call, "metrics")

    def services(self, call: Call) -> Answer:
        """GET /api/services, with `?resources=true` including the figures"""
        wanted = (call.query("resources") or "").strip().lower() == "true"
        return self._view(call, "services_resources" if wanted else "services")

    def system_stats(self, call: Call) -> Answer:
        """GET /api/system/stats"""
        return self._view(call, "system_stats")

    def cache_info(self, call: Call) -> Answer:
        """GET /api/cache/info"""
        info = self._hub.cache_info()
        return json_answer({"cache_entries": len(info.details), **dump(info)})

    def resources(self, call: Call, name: str) -> Answer:
        """GET /api/service/{name}/resources: from the same sample as /api/services?resources=true"""
        known_service(self._hub, name)
        entry = orjson.loads(self._hub.view("services_resources").body).get(name)
        if entry is None:  # it has gone in this moment
            raise UnknownService(name)
        return json_answer(entry["resources"])

    def operations(self, call: Call) -> Answer:
        """GET /api/operations, newest first; `?limit=` 1 to 100"""
        raw = (call.query("limit") or str(OPERATIONS_SHOWN)).strip()
        if not (raw.isascii() and raw.isdecimal() and len(raw) < 5 and int(raw) >= 1):
            raise BadRequest(text("“limit” must be a number from 1 to {most}.", most=OPERATIONS_LIMIT))
        found = self._hub.operations(min(int(raw), OPERATIONS_LIMIT))
        return json_answer({"operations": [operation_json(op, call.translator) for op in found]})

    def operation(self, call: Call, operation_id: str) -> Answer:
        """GET /api/operations/{id}"""
        return json_answer(operation_json(self._hub.operation(operation_id), call.translator))

    def healthz(self, call: Call) -> Answer:
        """GET /healthz: the process lives"""
        return json_answer({"status": "ok"})

    def readyz(self, call: Call) -> Answer:
        """GET /readyz: values are published and fresh enough; 503 with the reason otherwise"""
        state = self._hub.readiness()
        body: dict[str, Any] = {
            "ready": state.ready,
            "snapshot_age": state.snapshot_age,
            "engine": state.engine.value,
            "leader": state.leader,
        }
        if state.ready:
            return json_answer(body)
        if state.snapshot_age is None:
            why = text("Nothing has been collected yet. Try again in a few seconds.")
        else:
            seconds = int(state.snapshot_age)
            why = text(
                "The newest values are {seconds} s old: no collector is running. Start the dashboard.", seconds=seconds
            )
        return json_answer({**body, "error": spoken(call, why), "code": "not_ready"}, 503, {"Retry-After": "1"})
