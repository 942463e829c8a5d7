"""PostgreSQL, Redis and SearXNG, asked how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubcore.errors import UpstreamFailed
from hubcore.models import dump, text
from hubcore.roles import Role
from hubcore.views_text import harmless

from .call import Answer, Call, json_answer
from .errors import spoken
from .route import Route
from .schemas import upstream_docs as docs
from .upstream_answers import UpstreamSlots, with_status

if TYPE_CHECKING:
    from hubcore.hub import Hub


class Databases:
    """Handlers; each asks the service itself."""

    def __init__(self, hub: Hub, slots: UpstreamSlots) -> None:
        self._hub = hub
        self._slots = slots

    def routes(self) -> list[Route]:
        """The addresses answered here."""
        viewer = Role.VIEWER
        return [
            Route("GET", "/api/db/health", self.health, viewer, docs.DB_HEALTH),
            Route("GET", "/api/service/db/status", self.status, viewer, docs.DB_STATUS),
            Route("GET", "/api/service/redis/info", self.redis, viewer, docs.REDIS_INFO),
            Route("GET", "/api/service/searxng/engines", self.engines, viewer, docs.ENGINES),
        ]

    def health(self, call: Call) -> Answer:
        """GET /api/db/health"""

        def ask() -> Answer:
            with self._slots.asks.hold():
                found = self._hub.upstreams.database_readiness()
            if not found.ready:
                reason = found.reason or text("It does not take connections.")
                raise UpstreamFailed(reason, remedy=found.remedy, detail=found.detail)
            words = text("The database takes connections.")
            return json_answer({"status": "healthy", "message": spoken(call, words)})

        return with_status(call, ask, "unhealthy")

    def status(self, call: Call) -> Answer:
        """GET /api/service/db/status"""

        def ask() -> Answer:
            with self._slots.asks.hold():
                found = self._hub.upstreams.database_status()
            return json_answer({"status": "connected", **harmless(dump(found))})

        return with_status(call, ask, "error")

    def redis(self, call: Call) -> Answer:
        """GET /api/service/redis/info"""

        def ask() -> Answer:
            with self._slots.asks.hold():
                found = self._hub.upstreams.redis_info()
            return json_answer({"status": "connected", **harmless(dump(found))})

        return with_status(call, ask, "error")

    def engines(self, call: Call) -> Answer:
        """GET /api/service/searxng/engines"""
        with self._slots.asks.hold():
            found = harmless(dump(self._hub.upstreams.search_engines())["engines"])
        return json_answer({"engines": found, "count": len(found)})
