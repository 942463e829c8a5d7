"""LiteLLM's proxy: https://docs.litellm.ai/docs/proxy"""

from __future__ import annotations

from hubcore.errors import UpstreamFailed
from hubcore.models.upstream import Completion, LiteLLMHealth, LiteLLMModels
from hubcore.places import Place
from hubcore.upstream_parse import completion, litellm_health, litellm_models

from .upstream_http import UpstreamHttp

READ = 10.0  # seconds the list of models may take
HEALTH = 5.0  # LiteLLM asks every model for it


class LiteLLM:
    """One LiteLLM proxy; every method raises UpstreamFailed."""

    def __init__(self, http: UpstreamHttp) -> None:
        self._http = http

    def models(self, place: Place) -> LiteLLMModels:
        """The models it offers."""
        return self._http.get(place, "/v1/models", litellm_models, seconds=READ)

    def health(self, place: Place) -> LiteLLMHealth | None:
        """How its models are; None when it does not say so within 5 s."""
        try:
            return self._http.get(place, "/health", litellm_health, seconds=HEALTH)
        except UpstreamFailed:
            return None

    def complete(self, place: Place, model: str, message: str, *, max_tokens: int, seconds: float) -> Completion:
        """What a model answers to one message."""
        json = {"model": model, "messages": [{"role": "user", "content": message}], "max_tokens": max_tokens}
        path = "/v1/chat/completions"
        return self._http.post(place, path, lambda body: completion(model, body), json=json, seconds=seconds)
