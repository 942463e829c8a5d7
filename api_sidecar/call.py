"""A request and an answer, typed: what the routes see instead of the web framework."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

import orjson

from hubcore.errors import BadRequest
from hubcore.models import Actor, text
from hubcore.roles import Principal
from hubcore.texts import Translator, choose_language, wanted_languages

from .bodies import B, validated
from .body_reading import BODY_LIMIT, declared_length, read_body
from .slots import Slots

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
JSON_TYPE = "application/json"


class Answer(NamedTuple):
    """A response: status, body (bytes, or an iterable of chunks for a stream) and headers beyond the usual ones."""

    status: int
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = {}


def json_answer(value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer whose body is `value` as JSON."""
    return Answer(status, orjson.dumps(value), {"Content-Type": JSON_TYPE, **(headers or {})})


@lru_cache(maxsize=8)
def _translator(language: str) -> Translator:
    return Translator(language)


class Call:
    """One request, read lazily from the WSGI environment."""

    def __init__(
        self, environ: WSGIEnvironment, identify: Callable[[str | None, str], Principal], language: str | None = None
    ) -> None:
        """`identify`: the sender by Authorization header and address; `language`: for clients that name none."""
        self.environ = environ
        self._identify = identify
        self._default_language = language
        #: the path of the address, percent-decoded; bytes that are no UTF-8 are replaced (bottle would drop them)
        self.path = str(environ.get("PATH_INFO") or "").encode("latin-1", "replace").decode("utf-8", "replace")

    @property
    def method(self) -> str:
        """The HTTP method in capitals."""
        return str(self.environ["REQUEST_METHOD"])

    @cached_property
    def principal(self) -> Principal:
        """Who asks. Raises TokenRequired, TooManyAttempts."""
        return self._identify(self.header("Authorization"), self.address)

    @property
    def address(self) -> str:
        """The client's address, as the connection has it: headers that proxies add could be anybody's words."""
        return str(self.environ.get("REMOTE_ADDR") or "")

    @property
    def actor(self) -> Actor:
        """Who asks, for the record of an operation."""
        return Actor(name=self.principal.name, via="api", address=self.principal.address)

    @property
    def safe(self) -> bool:
        """Whether the method cannot change anything."""
        return self.method in SAFE_METHODS

    def header(self, name: str) -> str | None:
        """A request header, None when absent. Repeated ones are joined by commas."""
        value = self.environ.get("HTTP_" + name.upper().replace("-", "_"))
        return None if value is None else str(value)

    def query(self, name: str) -> str | None:
        """The first value of a query parameter, None when absent."""
        values = self._query.get(name)
        return values[0] if values else None

    @cached_property
    def _query(self) -> Mapping[str, list[str]]:
        raw = str(self.environ.get("QUERY_STRING") or "")
        try:
            return parse_qs(raw, keep_blank_values=True, max_num_fields=50)
        except ValueError:
            raise BadRequest(text("The address has too many parameters.")) from None

    @cached_property
    def translator(self) -> Translator:
        """Speaks the language the client asks for, else the one of the settings, else English."""
        wishes = wanted_languages(self.header("Accept-Language") or "")
        return _translator(choose_language(*wishes, self._default_language))

    def json_object(self, slots: Slots, limit: int = BODY_LIMIT) -> dict[str, Any]:
        """The body, at most `limit` bytes, as a JSON object; {} for an empty one, whatever its Content-Type.

        `slots` limit how many bodies are read at once: a client that sends its body drop by drop holds a thread.
        Raises BodyTooLarge, LengthRequired, BadRequest and TooBusy.
        """
        length = declared_length(self.environ, limit)
        if not length:
            return {}
        with slots.hold():
            data = read_body(self.environ, length)
        if not data.strip():
            return {}
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise BadRequest(text("The request body is not valid JSON.")) from None
        if not isinstance(value, dict):
            raise BadRequest(text("The request body must be a JSON object.")) from None
        return value

    def body(self, model: type[B], slots: Slots, limit: int = BODY_LIMIT) -> B:
        """The body as a `model`. Raises what `json_object` does, and BadRequest for what does not fit the model."""
        return validated(model, self.json_object(slots, limit))
