"""The API's own description: `/openapi.json` for programs, `/docs` for people. Each is rendered once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import orjson

from hubcore.roles import Role
from hubcore.settings import VERSION
from hubcore.texts import LANGUAGES, Translator

from . import docs_page
from .call import JSON_TYPE, Answer, Call
from .openapi import document
from .reads import same_tag
from .route import Route
from .schemas import docs

if TYPE_CHECKING:
    from hubcore.hub import Hub


class Rendered(NamedTuple):
    """Bytes and their entity tag."""

    body: bytes
    etag: str


class Documentation:
    """Handlers for the description. `described`: the routes of all other groups."""

    def __init__(self, hub: Hub, described: Sequence[Route]) -> None:
        self._hub = hub
        self._described = tuple(described)
        self._pages: dict[str, Rendered] = {}
        self._rendering = threading.Lock()

    def routes(self) -> list[Route]:
        """The addresses answered here."""
        return [
            Route("GET", "/openapi.json", self.openapi, Role.VIEWER, docs.OPENAPI),
            Route("GET", "/docs", self.page, Role.VIEWER, docs.PAGE),
        ]

    @cached_property
    def _document(self) -> docs_page.Schema:
        table = [*self._described, *self.routes()]
        return document(table, version=VERSION, needs_token=self._hub.access.needs_token)

    def openapi(self, call: Call) -> Answer:
        """GET /openapi.json"""
        made = self._once("", lambda: orjson.dumps(self._document))
        return _tagged(call, made, {"Content-Type": JSON_TYPE})

    def page(self, call: Call) -> Answer:
        """GET /docs, in the browser's language or that of `?language=`"""
        wanted = call.query("language")
        translator = Translator(wanted) if wanted in LANGUAGES else call.translator
        made = self._once(translator.language, lambda: self._page(translator).encode())
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": docs_page.POLICY}
        return _tagged(call, made, headers)

    def _page(self, translator: Translator) -> str:
        base = f"http://localhost:{self._hub.settings.api_port}"
        return docs_page.render(self._document, translator, base=base, needs_token=self._hub.access.needs_token)

    def _once(self, name: str, render: Callable[[], bytes]) -> Rendered:
        with self._rendering:
            if name not in self._pages:
                body = render()
                self._pages[name] = Rendered(body, f'"{blake2b(body, digest_size=9).hexdigest()}"')
            return self._pages[name]


def _tagged(call: Call, made: Rendered, headers: dict[str, str]) -> Answer:
    tag = {"ETag": made.etag, "Cache-Control": "no-cache", "Vary": "Origin, Accept-Language"}
    if same_tag(call.header("If-None-Match"), made.etag):
        return Answer(304, b"", tag)
    return Answer(200, made.body, headers | tag)
