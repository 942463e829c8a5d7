"""The bytes of a request body, within limits of size and time."""

from __future__ import annotations

import time
from wsgiref.types import WSGIEnvironment

from hubcore.errors import BadRequest, BodyTooLarge, LengthRequired
from hubcore.models import text

BODY_LIMIT = 64 * 1024  # bytes, where a route does not say otherwise
PATIENCE = 20.0  # seconds in which a body must arrive
_DIGITS = 10  # of a length: more is no length of anything


def declared_length(environ: WSGIEnvironment, limit: int = BODY_LIMIT) -> int:
    """The length of the body in bytes; 0 without one. Raises BadRequest, BodyTooLarge, LengthRequired."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        # In pieces of unknown number, an end cannot be told from a broken connection: half a command would be obeyed.
        raise LengthRequired(text("The request body must come with its length (Content-Length)."))
    words = str(environ.get("CONTENT_LENGTH") or "").lstrip("0") or "0"
    if not (words.isascii() and words.isdecimal()):
        raise BadRequest(text("The request body has no valid length."))
    if len(words) > _DIGITS or int(words) > limit:
        raise BodyTooLarge(text("The request body is larger than {size} KB.", size=limit // 1024))
    return int(words)


def read_body(environ: WSGIEnvironment, length: int) -> bytes:
    """The body, which must be `length` bytes long. Raises BadRequest when it ends early or takes too long."""
    deadline = time.monotonic() + PATIENCE
    pieces: list[bytes] = []
    missing = length
    while missing > 0:
        piece = environ["wsgi.input"].read(missing)
        if not piece:
            raise BadRequest(text("The request body ended too early."))
        if time.monotonic() > deadline:
            raise BadRequest(text("The request body took longer than {seconds} seconds.", seconds=round(PATIENCE)))
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
