"""A request and an answer, typed: what the routes see instead of the web framework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

import orjson

from hubcore.errors import BadRequest, BodyTooLarge
from hubcore.models import text
from hubcore.texts import Translator, choose_language

from .slots import Slots

BODY_LIMIT = 64 * 1024  # bytes; the largest body of this release is {"action": "restart"}
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


@lru_cache(maxsize=256)
def _wanted(accept_language: str) -> tuple[str, ...]:
    """Languages of an Accept-Language header, best first (RFC 9110, section 12.5.4); those with q=0 left out."""
    ranked: list[tuple[float, str]] = []
    for part in accept_language[:500].split(","):
        tag, _, parameter = part.partition(";")
        quality = parameter.strip().removeprefix("q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        if tag.strip() and weight > 0:
            ranked.append((weight, tag.strip()))
    return tuple(tag for _, tag in sorted(ranked, key=lambda item: -item[0]))


class Call:
    """One request, read lazily from the WSGI environment."""

    def __init__(self, environ: WSGIEnvironment, default_language: str | None = None) -> None:
        self.environ = environ
        self._default_language = default_language

    @property
    def method(self) -> str:
        """The HTTP method in capitals."""
        return str(self.environ["REQUEST_METHOD"])

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
        wishes = _wanted(self.header("Accept-Language") or "")
        return _translator(choose_language(*wishes, self._default_language))

    def json_object(self, slots: Slots) -> dict[str, Any]:
        """The body as a JSON object; {} for an empty one, whatever its Content-Type.

        `slots` limit how many bodies are read at once: a client that sends its body drop by drop holds a thread.
        Raises BodyTooLarge, BadRequest and TooBusy.
        """
        if not self._has_body():
            return {}
        with slots.hold():
            data = self._read()
        if not data.strip():
            return {}
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise BadRequest(text("The request body is not valid JSON.")) from None
        if not isinstance(value, dict):
            raise BadRequest(text("The request body must be a JSON object.")) from None
        return value

    def _has_body(self) -> bool:
        length = self.environ.get("CONTENT_LENGTH") or ""
        if length:
            if not length.isdecimal():
                raise BadRequest(text("The request body has no valid length."))
            if int(length[:20]) > BODY_LIMIT:
                raise _too_large()
            return int(length) > 0
        return "HTTP_TRANSFER_ENCODING" in self.environ or bool(self.environ.get("wsgi.input_terminated"))

    def _read(self) -> bytes:
        data = b""
        declared = self.environ.get("CONTENT_LENGTH")
        wanted = int(declared) if declared else BODY_LIMIT + 1
        while len(data) < wanted:
            chunk = self.environ["wsgi.input"].read(wanted - len(data))
            if not chunk:
                break
            data += chunk
        if len(data) > BODY_LIMIT:
            raise _too_large()
        if declared and len(data) < wanted:
            raise BadRequest(text("The request body ended too early."))
        return data


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(text("The request body is larger than {size} KB.", size=BODY_LIMIT // 1024))
