"""What the documentation says of the reads from memory, of the commands and of log lines."""

from __future__ import annotations

from dataclasses import replace

from ..route import Doc, Parameter
from .base import OpenApi
from .cache import CacheInfo, Cleared
from .logs import LogLines
from .machine import Alive, Metrics, Ready, SystemStats
from .operations import AllDone, ControlBody, ControlDone, Operation, Operations
from .services import Services, Status

_TAGGED = "Carries an `ETag`; with `If-None-Match` an unchanged answer is 304."

STATUS = Doc("State and health of all services", "Services", answer=Status, tagged=True, about=_TAGGED)
RESOURCES = Parameter(
    "resources",
    "`true` (in any case): with the figures of each service. Anything else counts as false.",
    {"type": ["boolean", "string"], "default": False, "examples": [True]},
)
SERVICES = Doc(
    "All services with their files and addresses",
    "Services",
    answer=Services,
    query=(RESOURCES,),
    tagged=True,
    about=_TAGGED,
)
METRICS = Doc("Figures of the machine as text", "Machine", answer=Metrics, tagged=True, about=_TAGGED)
SYSTEM_STATS = Doc("Figures of the machine as numbers", "Machine", answer=SystemStats, tagged=True, about=_TAGGED)
CACHE_INFO = Doc("What is held in the cache", "Cache", answer=CacheInfo)
LIMIT = Parameter("limit", "How many; at most 100.", {"type": "integer", "minimum": 1, "maximum": 9999, "default": 20})
OPERATIONS = Doc("The newest operations", "Operations", answer=Operations, query=(LIMIT,))
OPERATION = Doc("One operation", "Operations", answer=Operation, errors=(404,))
HEALTHZ = Doc("Whether the process lives", "Health", answer=Alive, about="Needs no token.")
READYZ = Doc("Whether values are published and current", "Health", answer=Ready, about="Needs no token.")

_WAITS = (
    "Answers when the operation has ended, at most 15 minutes later; then `success` is false and `error` says where "
    "to follow it. A command that was understood but failed in Docker is 200 with `success: false`."
)

CLEAR_CACHE = Doc(
    "Drop all cached values",
    "Cache",
    answer=Cleared,
    about="The next read waits, 5 seconds at most, for fresh ones.",
)


def _all(summary: str, about: str) -> Doc:
    return Doc(summary, "Control", answer=AllDone, errors=(409,), about=f"{about} {_WAITS}")


START_ALL = _all("Start all services", "In the order of their dependencies; missing containers are created.")
STOP_ALL = _all("Stop all services", "Containers are kept, so that each can be started again.")
RESTART_ALL = _all("Restart all services", "In the order of their dependencies.")
CONTROL = Doc(
    "Start, stop or restart a service",
    "Control",
    answer=ControlDone,
    body=ControlBody,
    errors=(404, 409),
    about=_WAITS,
)

LINES = Parameter(
    "lines",
    "How many of the newest lines; at most 5000, also for a negative number. What is no number counts as absent.",
    {"type": ["integer", "string"], "default": 100, "examples": [20]},
)
FOLLOW = Parameter(
    "follow",
    "`true` or `1`: a stream of Server-Sent Events, `data: <line>` for each, until the client or the container ends "
    "(`curl -N`).",
    {"type": ["boolean", "string"], "default": False},
)
LOG_STREAM = Doc(
    "Read or follow the log of a service",
    "Logs",
    answer=LogLines,
    query=(LINES, FOLLOW),
    errors=(404,),
    stream="text/event-stream",
    about="At most 40 streams at once; the next one gets 503 with `Retry-After`.",
)
LOGS = replace(
    LOG_STREAM,
    summary="Read or follow the log of a service, fewer lines",
    query=(replace(LINES, schema={**LINES.schema, "default": 50}), FOLLOW),
    about="As `/api/service/{name}/logs/stream`, but 50 lines unless asked otherwise.",
)

OPENAPI = Doc("This description as an OpenAPI document", "Documentation", answer=OpenApi, tagged=True)
LANGUAGE = Parameter(
    "language", "`en` or `ru`; without it, or for another one, the browser's.", {"type": "string", "examples": ["en"]}
)
PAGE = Doc(
    "This description as a page", "Documentation", query=(LANGUAGE,), stream="text/html", tagged=True, about=_TAGGED
)
