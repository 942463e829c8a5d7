"""Models: those of Ollama and of LiteLLM, downloads and deletions, and having one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hubcore.errors import BadRequest, UpstreamFailed
from hubcore.models import Operation, dump, text
from hubcore.roles import Role
from hubcore.views_text import clean, harmless, plain

from .call import Answer, Call, json_answer
from .errors import error_answer, spoken
from .operation_json import error_of, succeeded
from .registry import known_service
from .route import Route
from .schemas import upstream_docs as docs
from .schemas.upstream import CompletionBody, ModelBody
from .upstream_answers import UpstreamSlots, details, passed_on, with_status

if TYPE_CHECKING:
    from hubcore.hub import Hub

TOKENS = 100  # of a test's answer
LONG_TALK, SHORT_TALK = 90.0, 30.0  # seconds a model may take to answer
PULL_WAIT, DELETE_WAIT = 300.0, 30.0
OLLAMA_FIELDS = ("name", "size", "modified_at", "digest")


class Models:
    """Handlers; each asks the service itself."""

    def __init__(self, hub: Hub, slots: UpstreamSlots) -> None:
        self._hub = hub
        self._slots = slots

    def routes(self) -> list[Route]:
        """The addresses answered here."""
        viewer, operator, admin = Role.VIEWER, Role.OPERATOR, Role.ADMIN
        return [
            Route("GET", "/api/ollama/models", self.ollama_models, viewer, docs.OLLAMA_MODELS),
            Route("POST", "/api/ollama/pull", self.begin_pull, admin, docs.OLLAMA_PULL),
            Route("GET", "/api/litellm/status", self.litellm_status, viewer, docs.LITELLM_STATUS),
            Route("GET", "/api/litellm/models", self.litellm_models, viewer, docs.LITELLM_MODELS),
            Route("POST", "/api/litellm/test", self.litellm_test, operator, docs.LITELLM_TEST),
            Route("GET", "/api/service/<name>/models", self.service_models, viewer, docs.SERVICE_MODELS),
            Route("POST", "/api/service/ollama/pull", self.pull, admin, docs.SERVICE_PULL),
            Route("POST", "/api/service/ollama/delete", self.delete, admin, docs.SERVICE_DELETE),
            Route("POST", "/api/service/litellm/test", self.service_litellm_test, operator, docs.SERVICE_LITELLM_TEST),
        ]

    # --- lists

    def ollama_models(self, call: Call) -> Answer:
        """GET /api/ollama/models"""
        return json_answer({"models": self._ollama_models()})

    def litellm_models(self, call: Call) -> Answer:
        """GET /api/litellm/models"""
        try:
            with self._slots.asks.hold():
                found = self._hub.upstreams.litellm_models()
        except UpstreamFailed as error:
            return passed_on(call, error)
        return json_answer(harmless(dump(found)))

    def service_models(self, call: Call, name: str) -> Answer:
        """GET /api/service/{name}/models"""
        known_service(self._hub, name)
        if name == "ollama":
            return json_answer({"models": [{f: m[f] for f in OLLAMA_FIELDS} for m in self._ollama_models()]})
        if name == "litellm":
            return self.litellm_models(call)
        raise BadRequest(
            text("{service} has no models.", service=plain(name)), remedy=text("Only ollama and litellm have them.")
        )

    def litellm_status(self, call: Call) -> Answer:
        """GET /api/litellm/status"""
        return with_status(call, self._litellm_status, "error")

    def _litellm_status(self) -> Answer:
        with self._slots.asks.hold():
            models = self._hub.upstreams.litellm_models()
            health = self._hub.upstreams.litellm_health()
        healthy, unhealthy = (health.healthy, health.unhealthy) if health else (None, None)
        body = {
            "status": "healthy",
            "models": harmless(dump(models)["data"]),
            "total_models": len(models.data),
            "healthy_endpoints": "unknown" if healthy is None else healthy,
            "unhealthy_endpoints": "unknown" if unhealthy is None else unhealthy,
            "health_data_available": health is not None,
        }
        return json_answer(body)

    def _ollama_models(self) -> list[dict[str, Any]]:
        with self._slots.asks.hold():
            found = self._hub.upstreams.ollama_models()
        return [harmless(dump(model)) for model in found]

    # --- downloads and deletions

    def begin_pull(self, call: Call) -> Answer:
        """POST /api/ollama/pull with `{"model": …}`: answers at once"""
        model = call.body(ModelBody, self._slots.bodies).model
        operation = self._hub.upstreams.pull(model, call.actor)
        words = text("Ollama downloads the model {model} in the background.", model=operation.subject or model)
        return json_answer({"success": True, "message": spoken(call, words), "operation_id": operation.id})

    def pull(self, call: Call) -> Answer:
        """POST /api/service/ollama/pull: answers when the model is there, or says that it goes on"""
        model = call.body(ModelBody, self._slots.bodies).model
        with self._slots.waits.hold():
            operation = self._hub.upstreams.pull(model, call.actor)
            ended = self._hub.wait_operation(operation.id, PULL_WAIT)
        done = text("The model {model} is there.", model=operation.subject or model)
        return self._outcome(call, ended, spoken(call, done))

    def delete(self, call: Call) -> Answer:
        """POST /api/service/ollama/delete"""
        model = call.body(ModelBody, self._slots.bodies).model
        with self._slots.waits.hold():
            operation = self._hub.upstreams.delete(model, call.actor)
            ended = self._hub.wait_operation(operation.id, DELETE_WAIT)
        done = text("The model {model} was deleted.", model=operation.subject or model)
        return self._outcome(call, ended, spoken(call, done))

    def _outcome(self, call: Call, ended: Operation, done: str) -> Answer:
        body: dict[str, Any] = {"success": succeeded(ended), "operation_id": ended.id}
        if succeeded(ended):
            return json_answer({**body, "message": done})
        if not ended.status.ended:
            return json_answer({**body, "error": error_of(ended, call.translator)})
        failure = UpstreamFailed(ended.problem or text("This did not work."), remedy=ended.remedy)
        return error_answer(call, failure, extra={"operation_id": ended.id})

    # --- having a model answer

    def litellm_test(self, call: Call) -> Answer:
        """POST /api/litellm/test: the whole answer of a model"""
        asked = call.body(CompletionBody, self._slots.bodies)
        try:
            with self._slots.talks.hold():
                found = self._hub.upstreams.complete(asked.model, asked.message, max_tokens=TOKENS, seconds=LONG_TALK)
        except UpstreamFailed as error:
            return passed_on(call, error, {"status": "error", "details": details(error)})
        # What a model says is left as it is, like the lines of a log: whoever shows it must escape it.
        return json_answer({"status": "success", "response": harmless(found.raw, clean)})

    def service_litellm_test(self, call: Call) -> Answer:
        """POST /api/service/litellm/test: the words of a model"""
        asked = call.body(CompletionBody, self._slots.bodies)
        with self._slots.talks.hold():
            found = self._hub.upstreams.complete(asked.model, asked.message, max_tokens=TOKENS, seconds=SHORT_TALK)
        return json_answer({"success": True, "response": clean(found.words), "model": plain(found.model)})
