"""Errors as answers: one JSON shape, in the client's language, without traceback or path.

`{"error": text, "code": stable code}`, plus `success: false` for what should have changed something, `operation_id` on
a conflict and `error_id` (also in the log) when the program itself is at fault. `docs/errors.md` lists the codes.
"""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Mapping
from typing import Any

from hubcore.errors import (
    BadRequest,
    ChangedMeanwhile,
    HubError,
    InvalidChange,
    MethodRefused,
    NotFound,
    NotReady,
    OperationActive,
    TokenRequired,
    TooBusy,
    TooManyAttempts,
    Unavailable,
)
from hubcore.models import Text, text
from hubcore.views_text import clean, plain

from .call import Answer, Call, json_answer

log = logging.getLogger(__name__)


class WrongMethod(MethodRefused):
    """The path exists, the method does not; `allow` lists those that do."""

    def __init__(self, method: str, allow: str) -> None:
        super().__init__(text("{method} is not possible here; use {allowed}.", method=plain(method, 20), allowed=allow))
        self.allow = allow


def routing_error(status: int, method: str, allow: str) -> HubError:
    """What the router's refusal means: no such path, or not with this method."""
    if status == 404:
        return NotFound(text("There is nothing at this address. The page /docs lists what there is."))
    if status == 405:
        methods = {name.strip() for name in allow.split(",") if name.strip()}
        if "GET" in methods:
            methods.add("HEAD")  # the router answers it, but does not say so
        return WrongMethod(method, ", ".join(sorted(methods)))
    return BadRequest(text("This request cannot be understood."))


def spoken(call: Call, sentence: Text, remedy: Text | None = None) -> str:
    """A sentence and the next step, in the client's language, free of HTML markup (clients do not escape)."""
    words = call.translator.text(sentence)
    if remedy is not None:
        words = f"{words} {call.translator.text(remedy)}"
    return plain(words, 2000)


def error_answer(
    call: Call, error: HubError, *, status: int | None = None, extra: Mapping[str, Any] | None = None
) -> Answer:
    """The answer for one of our own errors. `status`: another one than the error's; `extra`: further fields."""
    body: dict[str, Any] = {"error": spoken(call, error.text, error.remedy), "code": error.code, **(extra or {})}
    headers: dict[str, str] = {}
    if not call.safe:
        body["success"] = False
    if isinstance(error, OperationActive):
        body["operation_id"] = error.operation_id
    if isinstance(error, InvalidChange):
        body["errors"] = [spoken(call, reason) for reason in error.errors]
        body["error"] = " ".join(body["errors"])  # clients show this one only
    if isinstance(error, ChangedMeanwhile):
        body |= {"version": error.version, "difference": clean(error.difference)}
    if isinstance(error, WrongMethod):
        headers["Allow"] = error.allow
    if isinstance(error, Unavailable) and status in (None, 503):
        headers["Retry-After"] = "1" if isinstance(error, NotReady) else "3" if isinstance(error, TooBusy) else "5"
    if isinstance(error, TokenRequired):
        headers["WWW-Authenticate"] = 'Bearer realm="dashboard"'
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(max(math.ceil(error.wait), 1))
    if error.status >= 500 and not isinstance(error, Unavailable):
        body["error_id"] = _logged(call, error)
    return json_answer(body, status or error.status, headers)


def unexpected_answer(call: Call, error: Exception, extra: Mapping[str, Any] | None = None) -> Answer:
    """The answer for a fault of the program: nothing of it is shown but a number that is in the log as well."""
    error_id = _logged(call, error)
    sentence = text(
        "Something went wrong in the dashboard itself. Its log says more under the number {id}.", id=error_id
    )
    body: dict[str, Any] = {"error": spoken(call, sentence), "code": HubError.code, "error_id": error_id}
    body |= extra or {}
    if not call.safe:
        body["success"] = False
    return json_answer(body, 500)


def _logged(call: Call, error: Exception) -> str:
    error_id = secrets.token_hex(4)
    path = str(call.environ.get("PATH_INFO", ""))[:200]
    log.error("Request failed, number %s: %s %r", error_id, call.method, path, exc_info=error)
    return error_id
