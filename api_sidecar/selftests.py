"""One test for each of four services: does it do what it is there for?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hubcore.errors import NotFound, Unavailable
from hubcore.models import ContainerStatus, EngineStatus, text
from hubcore.roles import Role
from hubcore.views_text import plain

from .call import Answer, Call, json_answer
from .errors import error_answer, spoken
from .registry import known_service
from .route import Route
from .schemas import upstream_docs as docs
from .upstream_answers import UpstreamSlots

if TYPE_CHECKING:
    from hubcore.hub import Hub

Fields = dict[str, Any]

WORDS = "Answer with the word yes."
TOKENS, SECONDS = 10, 30.0


class SelfTests:
    """Handlers of `/api/test/{service}`."""

    def __init__(self, hub: Hub, slots: UpstreamSlots) -> None:
        self._hub = hub
        self._slots = slots
        # What a test has found out goes into the fields of the answer, also when it fails afterwards.
        self._tests: dict[str, Callable[[Call, Fields], None]] = {
            "ollama": self._ollama,
            "litellm": self._litellm,
            "redis": self._redis,
        }

    def routes(self) -> list[Route]:
        """The addresses answered here. A test makes a service work, so looking on is not enough for it."""
        return [Route("GET", "/api/test/<service>", self.test, Role.OPERATOR, docs.TEST)]

    def test(self, call: Call, service: str) -> Answer:
        """GET /api/test/{service}"""
        if service == "db":
            return self._db(call)
        if service not in self._tests:
            raise NotFound(
                text("There is no test for “{service}”.", service=plain(service, 100)),
                remedy=text("There are tests for {services}.", services="ollama, litellm, redis, db"),
            )
        fields: Fields = {}
        try:
            self._tests[service](call, fields)
        except Unavailable as error:
            fields |= {"status": "error", "message": spoken(call, error.text, error.remedy)}
            return error_answer(call, error, extra=fields)
        return json_answer({"status": "success", **fields})

    def _ollama(self, call: Call, fields: Fields) -> None:
        with self._slots.asks.hold():
            fields["version"] = plain(self._hub.upstreams.ollama_version())
            fields["model_count"] = len(self._hub.upstreams.ollama_models())

    def _litellm(self, call: Call, fields: Fields) -> None:
        with self._slots.talks.hold():
            models = [model.id for model in self._hub.upstreams.litellm_models().data]
            passed, why = self._generates(call, models)
        fields |= {"model_count": len(models), "available_models": [plain(model) for model in models]}
        fields["generation_test"] = "passed" if passed else "failed"
        if why is not None:
            fields["message"] = why

    def _generates(self, call: Call, models: list[str]) -> tuple[bool, str | None]:
        """Whether the first model answers, and why not."""
        if not models:
            return False, spoken(call, text("There is no model to ask."))
        try:
            self._hub.upstreams.complete(models[0], WORDS, max_tokens=TOKENS, seconds=SECONDS)
        except Unavailable as error:
            return False, spoken(call, error.text, error.remedy)
        return True, None

    def _redis(self, call: Call, fields: Fields) -> None:
        with self._slots.asks.hold():
            page = self._hub.upstreams.redis_has_web_page()
            fields["web_ui"] = "available" if page else "not available"
            self._hub.upstreams.redis_info()

    def _db(self, call: Call) -> Answer:
        body: dict[str, Any] = {"status": "success", "container_status": self._container_status("db")}
        try:
            with self._slots.asks.hold():
                found = self._hub.upstreams.database_readiness()
        except Unavailable as error:
            return json_answer({**body, "status": "error", "message": spoken(call, error.text, error.remedy)})
        if not found.ready and found.reason is not None:
            body |= {"status": "error", "message": spoken(call, found.reason, found.remedy)}
        return json_answer(body)

    def _container_status(self, name: str) -> str:
        state, snapshot = known_service(self._hub, name), self._hub.snapshot()
        if snapshot is not None and snapshot.engine.status == EngineStatus.UNREACHABLE:
            return ContainerStatus.DOCKER_UNAVAILABLE.value
        return state.container_status.value if state is not None else ContainerStatus.NOT_FOUND.value
