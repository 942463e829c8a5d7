"""The web application: which address is answered by what, and what surrounds every answer.

bottle routes; everything else (guard, errors, headers) is ours and typed. An error anywhere inside, the router's own
included, comes out as JSON with the CORS headers of the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from wsgiref.types import StartResponse, WSGIEnvironment

import bottle

from hubcore.errors import HubError, OriginRefused

from .call import Answer, Call
from .commands import Commands
from .errors import error_answer, routing_error, unexpected_answer
from .guard import Guard, Headers
from .reads import Reads
from .streams import Streams

if TYPE_CHECKING:
    from hubcore.hub import Hub

CALL_KEY = "sidecar.call"


class Route(NamedTuple):
    """One address: method, bottle's rule, handler (which takes the call and the rule's wildcards)."""

    method: str
    rule: str
    handler: Callable[..., Answer]


def routes(hub: Hub) -> list[Route]:
    """Every address of the API. GET routes answer HEAD as well, all answer OPTIONS."""
    reads, commands, streams = Reads(hub), Commands(hub), Streams(hub)
    return [
        Route("GET", "/api/status", reads.status),
        Route("GET", "/api/metrics", reads.metrics),
        Route("GET", "/api/services", reads.services),
        Route("GET", "/api/system/stats", reads.system_stats),
        Route("GET", "/api/cache/info", reads.cache_info),
        Route("GET", "/api/operations", reads.operations),
        Route("GET", "/api/operations/<operation_id>", reads.operation),
        Route("GET", "/api/service/<name>/logs/stream", streams.logs),
        Route("POST", "/api/cache/clear", commands.clear_cache),
        Route("POST", "/api/services/start-all", commands.start_all),
        Route("POST", "/api/services/stop-all", commands.stop_all),
        Route("POST", "/api/services/restart-all", commands.restart_all),
        Route("POST", "/api/service/<name>/control", commands.control),
        Route("GET", "/healthz", reads.healthz),
        Route("GET", "/readyz", reads.readyz),
    ]


class Sidecar:
    """The WSGI application around bottle."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._guard = Guard(hub.settings)
        self._language = hub.settings.language
        self._bottle = _router(routes(hub), self._preflight)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        call = Call(environ, self._language)
        environ[CALL_KEY] = call
        surrounding = self._guard.headers(call)

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            return start_response(status, headers + surrounding, exc_info)

        try:
            self._guard.check(call)
            answer: Iterable[bytes] = self._bottle(environ, start)
        except HubError as error:
            if isinstance(error, OriginRefused):
                self._hub.note_refusal(error)
            return _send(call, error_answer(call, error), start)
        except Exception as error:
            return _send(call, unexpected_answer(call, error), start)
        return answer

    def _preflight(self, call: Call, **_: str) -> Answer:
        return Answer(204, b"", self._guard.preflight(call))


def create_app(hub: Hub) -> Sidecar:
    """The WSGI application that serves the API of `hub`."""
    return Sidecar(hub)


def _send(call: Call, answer: Answer, start: Callable[[str, Headers], object]) -> list[bytes]:
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    phrase = HTTPStatus(answer.status).phrase
    start(f"{answer.status} {phrase}", [*answer.headers.items(), ("Content-Length", str(len(body)))])
    return [] if call.method == "HEAD" else [body]


def _router(table: Iterable[Route], preflight: Callable[..., Answer]) -> Any:
    router = bottle.Bottle()
    router.config["catchall"] = False  # errors of handlers come to us, not to bottle's HTML pages
    router.default_error_handler = _refused_by_router
    rules: set[str] = set()
    for route in table:
        router.route(route.rule, method=route.method, callback=_adapted(route.handler))
        if route.rule not in rules:
            rules.add(route.rule)
            router.route(route.rule, method="OPTIONS", callback=_adapted(preflight))
    return router


def _adapted(handler: Callable[..., Answer]) -> Callable[..., Any]:
    def callback(**wildcards: str) -> Any:
        answer = handler(bottle.request.environ[CALL_KEY], **wildcards)
        return bottle.HTTPResponse(body=answer.body, status=answer.status, headers=dict(answer.headers))

    return callback


def _refused_by_router(refusal: Any) -> None:
    call: Call = bottle.request.environ[CALL_KEY]
    raise routing_error(refusal.status_code, call.method, refusal.headers.get("Allow", ""))
