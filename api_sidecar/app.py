"""The web application: which address is answered by what, and what surrounds every answer.

bottle routes; everything else (guard, errors, headers) is ours and typed. An error anywhere inside, the router's own
included, comes out as JSON with the CORS headers of the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIEnvironment

import bottle

from hubcore.audit_events import Asking
from hubcore.errors import HubError, RoleRefused
from hubcore.roles import Principal, Role

from .call import Answer, Call
from .commands import Commands
from .config import Config
from .databases import Databases
from .documentation import Documentation
from .errors import error_answer, routing_error, unexpected_answer
from .frontend import Frontend
from .guard import Guard, Headers, surrounded
from .models import Models
from .reads import Reads
from .route import Route
from .security import Security
from .selftests import SelfTests
from .streams import Streams
from .upstream_answers import UpstreamSlots
from .while_allowed import WhileAllowed

if TYPE_CHECKING:
    from hubcore.hub import Hub

CALL_KEY = "sidecar.call"


def routes(hub: Hub) -> list[Route]:
    """Every address of the API. GET routes answer HEAD as well, all answer OPTIONS."""
    asked = UpstreamSlots()
    table = [
        *Reads(hub).routes(),
        *Streams(hub).routes(),
        *Commands(hub).routes(),
        *Config(hub).routes(),
        *Models(hub, asked).routes(),
        *Databases(hub, asked).routes(),
        *SelfTests(hub, asked).routes(),
        *Security(hub).routes(),
    ]
    return [*table, *Documentation(hub, table).routes()]


class Sidecar:
    """The WSGI application around bottle."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._guard = Guard(hub.settings)
        self._language = hub.settings.language
        folder = hub.settings.legacy_frontend_dir
        self._frontend = Frontend(folder, hub.settings.api_port) if folder is not None else None
        self._bottle = _router(routes(hub), self._preflight, hub.access.holds)
        self._bottle.default_error_handler = self._unrouted

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        call = Call(environ, self._hub.access.identify, self._language)
        environ[CALL_KEY] = call
        surrounding = self._guard.headers(call)

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            return start_response(status, surrounded(headers, surrounding), exc_info)

        try:
            self._guard.check(call)
            answer: Iterable[bytes] = self._bottle(environ, start)
        except HubError as error:
            self._hub.refusals.note(error, _asking(call, error))
            return _send(call, error_answer(call, error), start)
        except Exception as error:
            return _send(call, unexpected_answer(call, error), start)
        return answer

    def _preflight(self, call: Call, allow: str, **_: str) -> Answer:
        return Answer(204, b"", {**self._guard.preflight(call), "Allow": allow})

    def _unrouted(self, refusal: Any) -> Any:
        """What the router did not find, or not with this method."""
        call: Call = bottle.request.environ[CALL_KEY]
        if self._frontend is not None and refusal.status_code == 404 and self._frontend.takes(call.path):
            return _response(self._frontend.answer(call))  # pages are for whoever may reach the port
        if call.method != "OPTIONS":
            call.principal.require(Role.VIEWER)  # who may see nothing does not learn which addresses there are either
        raise routing_error(refusal.status_code, call.method, refusal.headers.get("Allow", ""))


def create_app(hub: Hub) -> Sidecar:
    """The WSGI application that serves the API of `hub`."""
    return Sidecar(hub)


def _send(call: Call, answer: Answer, start: Callable[[str, Headers], object]) -> list[bytes]:
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    phrase = HTTPStatus(answer.status).phrase
    start(f"{answer.status} {phrase}", [*answer.headers.items(), ("Content-Length", str(len(body)))])
    return [] if call.method == "HEAD" else [body]


def _asking(call: Call, error: HubError) -> Asking:
    user = call.principal.name if isinstance(error, RoleRefused) else ""
    return Asking(user, call.address, "api", call.method, str(call.environ.get("PATH_INFO") or ""))


def _router(table: Iterable[Route], preflight: Callable[..., Answer], holds: Callable[[Principal], bool]) -> Any:
    router = bottle.Bottle()
    router.config["catchall"] = False  # errors of handlers come to us, not to bottle's HTML pages
    methods: dict[str, set[str]] = {}
    for route in table:
        router.route(route.rule, method=route.method, callback=_adapted(route.handler, route.role, holds))
        methods.setdefault(route.rule, {"OPTIONS"}).update({"GET", "HEAD"} if route.method == "GET" else {route.method})
    for rule, possible in methods.items():
        answer = partial(preflight, allow=", ".join(sorted(possible)))
        router.route(rule, method="OPTIONS", callback=_adapted(answer, None, holds))
    return router


def _adapted(
    handler: Callable[..., Answer], role: Role | None, holds: Callable[[Principal], bool]
) -> Callable[..., Any]:
    def callback(**wildcards: str) -> Any:
        call: Call = bottle.request.environ[CALL_KEY]
        if role is not None:
            call.principal.require(role)  # before the handler reads anything of the body
        answer = handler(call, **wildcards)
        if role is not None and not isinstance(answer.body, bytes):
            answer = answer._replace(body=WhileAllowed(answer.body, lambda: holds(call.principal)))
        return _response(answer)

    return callback


def _response(answer: Answer) -> Any:
    return bottle.HTTPResponse(body=answer.body, status=answer.status, headers=dict(answer.headers))
