"""The audit log over the API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hubcore.roles import Role
from hubcore.views_text import plain

from .call import Answer, Call, json_answer
from .route import Doc, Parameter, Route
from .schemas.security import SecurityLog

if TYPE_CHECKING:
    from hubcore.hub import Hub

DEFAULT_ENTRIES = 100
MOST_ENTRIES = 1000
_NUMBER = re.compile(r"[0-9]+")


class Security:
    """Handlers for the audit log."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[Route]:
        """The addresses answered here."""
        limit = Parameter(
            "limit",
            f"How many entries; at most {MOST_ENTRIES}. What is no number counts as {DEFAULT_ENTRIES}.",
            {"type": ["integer", "string"], "default": DEFAULT_ENTRIES},
        )
        doc = Doc("The audit log, newest first", "Security", answer=SecurityLog, query=(limit,))
        return [Route("GET", "/api/security/logs", self.logs, Role.ADMIN, doc)]

    def logs(self, call: Call) -> Answer:
        """GET /api/security/logs?limit=100"""
        entries = self._hub.audit.newest(wanted_entries(call.query("limit")))
        return json_answer({"logs": [_shown(entry) for entry in entries]})


def wanted_entries(raw: str | None) -> int:
    """How many entries: 100 unless a number is given; at most 1000."""
    if raw is None or not _NUMBER.fullmatch(raw.strip()):
        return DEFAULT_ENTRIES
    return min(int(raw.strip()[:12]), MOST_ENTRIES)


def _shown(value: Any) -> Any:
    """Clients put texts into pages as HTML: names, addresses and origins of strangers lose their markup."""
    if isinstance(value, str):
        return plain(value, 1000)
    if isinstance(value, Mapping):
        return {plain(str(name), 100): _shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return value
