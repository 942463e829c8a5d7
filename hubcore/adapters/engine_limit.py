"""A limit for what the engine answers: one that never stops talking costs neither memory nor more than its deadline."""

from __future__ import annotations

from typing import Any

import requests
import requests.adapters

from .engine_errors import MalformedAnswer

LARGEST = 16 * 1024 * 1024  # bytes of one answer; the list of a thousand containers has about two million
_PIECE = 64 * 1024


class Limited(requests.adapters.HTTPAdapter):
    """Reads answers whole, up to the limit; only a stream that was asked for and is given is left to its reader."""

    def send(self, request: Any, stream: bool = False, *args: Any, **kwargs: Any) -> requests.Response:
        """As in requests. Raises MalformedAnswer for an answer beyond the limit."""
        response = super().send(request, stream, *args, **kwargs)
        if not stream or response.status_code >= 300:  # errors and redirections are read by whoever meets them
            _read(response)
        return response


def _read(response: requests.Response) -> None:
    pieces, size = [], 0
    for piece in response.iter_content(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST:
            response.close()
            raise MalformedAnswer(f"an answer of more than {LARGEST >> 20} MB")
    response._content = b"".join(pieces)
