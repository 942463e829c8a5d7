"""What the documentation says of the addresses that ask the services behind the dashboard."""

from __future__ import annotations

from ..route import Doc, Parameter
from .operations import AllDone
from .services import Resources
from .upstream import (
    Begun,
    CompletionAnswer,
    CompletionBody,
    CompletionText,
    DatabaseHealth,
    DatabaseStatus,
    LiteLLMModels,
    LiteLLMStatus,
    ModelBody,
    ModelDone,
    MultiControl,
    MultiControlBody,
    OllamaModels,
    RedisInfo,
    SearchEngines,
    SelfTest,
    ServiceModels,
)

_PASSED_ON = "Asked for each time; 503 when the service is missing, does not run, refuses or does not answer in time."
_OF_UPSTREAM = (400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 424, 429, 500, 501, 502, 503, 504)

OLLAMA_MODELS = Doc("Models on Ollama's disk", "Models", answer=OllamaModels, about=_PASSED_ON)
OLLAMA_PULL = Doc(
    "Download a model in the background",
    "Models",
    answer=Begun,
    body=ModelBody,
    about="Answers at once. A download of the same model that is under way already is not begun again.",
)
SERVICE_PULL = Doc(
    "Download a model and wait for it",
    "Models",
    answer=ModelDone,
    body=ModelBody,
    about="Answers when it is complete, at most 300 seconds later: then `success` is false, and it goes on.",
)
SERVICE_DELETE = Doc("Delete a model", "Models", answer=ModelDone, body=ModelBody, errors=(409,))
MODELLED = Parameter("name", "`ollama` or `litellm`; other services have no models.", {"enum": ["ollama", "litellm"]})
SERVICE_MODELS = Doc(
    "Models of a service",
    "Models",
    answer=ServiceModels,
    path=(MODELLED,),
    errors=_OF_UPSTREAM,
    about=f"For `ollama` and `litellm`; 400 for another service. {_PASSED_ON}",
)
LITELLM_MODELS = Doc(
    "Models that LiteLLM offers",
    "Models",
    answer=LiteLLMModels,
    errors=_OF_UPSTREAM,
    about="An error status of LiteLLM is passed on.",
)
LITELLM_STATUS = Doc(
    "How LiteLLM and its models are",
    "Models",
    answer=LiteLLMStatus,
    about=f"{_PASSED_ON} LiteLLM's own check of its models counts only when it takes less than 5 seconds.",
)
LITELLM_TEST = Doc(
    "Have a model answer, the whole answer",
    "Models",
    answer=CompletionAnswer,
    body=CompletionBody,
    errors=_OF_UPSTREAM,
    about="At most 100 tokens and 90 seconds. An error status of LiteLLM is passed on, with `details`.",
)
SERVICE_LITELLM_TEST = Doc(
    "Have a model answer, its words only",
    "Models",
    answer=CompletionText,
    body=CompletionBody,
    about="At most 100 tokens and 30 seconds.",
)
DB_HEALTH = Doc("Whether PostgreSQL takes connections", "Databases", answer=DatabaseHealth, about=_PASSED_ON)
DB_STATUS = Doc("Version and tables of PostgreSQL", "Databases", answer=DatabaseStatus, about=_PASSED_ON)
REDIS_INFO = Doc("What Redis says of itself", "Databases", answer=RedisInfo, about=_PASSED_ON)
ENGINES = Doc("Search engines of SearXNG", "Search", answer=SearchEngines, about=_PASSED_ON)
TESTED = Parameter("service", "`ollama`, `litellm`, `redis` or `db`.", {"enum": ["ollama", "litellm", "redis", "db"]})
TEST = Doc(
    "Test a service",
    "Services",
    answer=SelfTest,
    path=(TESTED,),
    about="For `litellm` a model is asked for a word. 503 with `status: error` on failure, but for `db` always 200.",
)
RESOURCES = Doc("Figures of one service", "Services", answer=Resources)
ACTION = Parameter("action", "What to do with all services.", {"enum": ["start", "stop", "restart"]})
DOCKER = Doc(
    "Start, stop or restart all services",
    "Control",
    answer=AllDone,
    path=(ACTION,),
    errors=(409,),
    about="An older name of `/api/services/start-all`, `stop-all` and `restart-all`; another action is 400.",
)
MULTI_CONTROL = Doc(
    "Start, stop or restart several services",
    "Control",
    answer=MultiControl,
    body=MultiControlBody,
    errors=(409,),
    about="In the order of their dependencies. One that cannot be controlled is told in `results`; the rest is done.",
)
