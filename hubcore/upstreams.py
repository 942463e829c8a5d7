"""The desk for what only the services behind the dashboard know: models, engines, databases.

Answers are fetched when asked for, each within a deadline; whoever calls limits how many wait at once. Downloads and
deletions of models are operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .actions.models import MODEL_STEP
from .adapters.upstream_http import UpstreamHttp
from .adapters.upstream_litellm import LiteLLM
from .adapters.upstream_ollama import Ollama
from .adapters.upstream_searxng import search_engines
from .databases import Databases
from .errors import NotReady, OperationActive, UpstreamFailed
from .models import Actor, HealthStatus, Operation, OperationKind, ServiceState, Snapshot, Step, text
from .models.upstream import (
    Completion,
    DatabaseReadiness,
    DatabaseStatus,
    Engines,
    LiteLLMHealth,
    LiteLLMModels,
    LoadedModel,
    OllamaModel,
    RedisInfo,
)
from .places import Place, place_of, service_of
from .submission import Submission
from .targets import Key, Reach
from .upstream_parse import ollama_name

MOST = 4  # downloads, and deletions, that may be under way at once
REDIS_WEB_PORT = 8001  # of the image that brings a web page along
WEB_PAGE = 5.0  # seconds


class Asking:
    """How the services are reached from this process."""

    def __init__(self, http: UpstreamHttp, reach: Callable[[], Reach], key: Key) -> None:
        self.http = http
        self._reach = reach
        self._key = key

    def place(self, service: ServiceState, port: int | None = None) -> Place:
        """Where a running service is asked. Raises UpstreamFailed."""
        return place_of(service, self._reach(), self._key, port)


class Upstreams:
    """Every method raises UpstreamFailed when the service is missing, does not run, or fails."""

    def __init__(
        self,
        asking: Asking,
        databases: Databases,
        *,
        snapshot: Callable[[], Snapshot | None],
        operations: Callable[[], Iterable[Operation]],
        submission: Submission,
    ) -> None:
        self._asking = asking
        self._ollama = Ollama(asking.http)
        self._litellm = LiteLLM(asking.http)
        self._databases = databases
        self._snapshot = snapshot
        self._operations = operations
        self._submission = submission

    def close(self) -> None:
        """End the requests under way."""
        self._asking.http.close()

    # --- Ollama

    def ollama_version(self) -> str:
        """The version of Ollama."""
        return self._ollama.version(self._place("ollama"))

    def ollama_models(self) -> tuple[OllamaModel, ...]:
        """The models on Ollama's disk."""
        return self._ollama.models(self._place("ollama"))

    def ollama_loaded(self) -> tuple[LoadedModel, ...]:
        """The models in Ollama's memory."""
        return self._ollama.loaded(self._place("ollama"))

    def pull(self, model: str, actor: Actor) -> Operation:
        """Have Ollama download a model; the operation under way when it already does. Raises BadRequest, TooBusy."""
        name, service = ollama_name(model), self._service("ollama")
        words = text("Download the model {model} with {service}", model=name, service=service.title)
        return self._submit(OperationKind.PULL_MODEL, name, Step(key=MODEL_STEP, text=words), actor)

    def delete(self, model: str, actor: Actor) -> Operation:
        """Have Ollama delete a model. Raises BadRequest; OperationActive while it is being downloaded; TooBusy."""
        name, service = ollama_name(model), self._service("ollama")
        for other in self._operations():
            if other.kind == OperationKind.PULL_MODEL and other.subject == name and not other.status.ended:
                raise OperationActive(name, other.id)
        words = text("Delete the model {model} from {service}", model=name, service=service.title)
        return self._submit(OperationKind.DELETE_MODEL, name, Step(key=MODEL_STEP, text=words), actor)

    def _submit(self, kind: OperationKind, model: str, step: Step, actor: Actor) -> Operation:
        # No service is blocked by it: a restart in the middle of a download is told by the download's own failure.
        return self._submission.submit(kind, (), [step], actor, subject=model, most=MOST)

    # --- LiteLLM

    def litellm_models(self) -> LiteLLMModels:
        """The models that LiteLLM offers."""
        return self._litellm.models(self._place("litellm"))

    def litellm_health(self) -> LiteLLMHealth | None:
        """How LiteLLM's models are; None when it does not say so in time."""
        return self._litellm.health(self._place("litellm"))

    def complete(self, model: str, message: str, *, max_tokens: int, seconds: float) -> Completion:
        """What a model answers to a message, through LiteLLM."""
        place = self._place("litellm")
        return self._litellm.complete(place, model, message, max_tokens=max_tokens, seconds=seconds)

    # --- SearXNG

    def search_engines(self) -> Engines:
        """The engines that SearXNG knows."""
        return search_engines(self._asking.http, self._place("searxng"))

    # --- databases

    def database_readiness(self) -> DatabaseReadiness:
        """Whether PostgreSQL takes connections; raises EngineUnavailable, EngineTimeout as well."""
        service = self._service("db")
        if service.native:  # there is no container to ask in: what its health check found
            good = service.health.status == HealthStatus.HEALTHY
            return DatabaseReadiness(ready=good, reason=service.health.reason, remedy=service.health.remedy)
        return self._databases.ready(service)

    def database_status(self) -> DatabaseStatus:
        """Version and tables of PostgreSQL; raises EngineUnavailable, EngineTimeout as well."""
        return self._databases.status(self._service("db"))

    def redis_info(self) -> RedisInfo:
        """What Redis says of itself; raises EngineUnavailable, EngineTimeout as well."""
        return self._databases.redis(self._service("redis"))

    def redis_has_web_page(self) -> bool:
        """Whether the web page that some images of Redis bring along answers."""
        try:
            service = self._service("redis")
            if service.container is None or all(p.container_port != REDIS_WEB_PORT for p in service.container.ports):
                return False  # any other port is Redis itself, which takes a request for an attack
            place = self._asking.place(service, REDIS_WEB_PORT)
            return self._asking.http.get(place, "/", lambda _: True, seconds=WEB_PAGE)
        except UpstreamFailed:
            return False

    # --- inside

    def _place(self, kind: str) -> Place:
        return self._asking.place(self._service(kind))

    def _service(self, kind: str) -> ServiceState:
        snapshot = self._snapshot()
        if snapshot is None:
            raise NotReady(
                text("The dashboard has only just started and does not know the services yet."),
                remedy=text("Try again in a few seconds."),
            )
        return service_of(kind, snapshot.services)
