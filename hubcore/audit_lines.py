"""Entries of the audit log as lines of JSON, and back. Pure.

Nothing that is recorded can make a second line, hide behind control characters, or grow beyond a line's length: names
of services, origins and hosts come from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

LONGEST_LINE = 8192  # bytes, the line feed included
LONGEST_TEXT = 500  # characters
MOST_ITEMS = 50
DEEPEST = 4
_TEXTS = ("timestamp", "event_type", "user_ip", "user", "via")
_NEEDED = ("timestamp", "event_type")


def line_of(entry: Mapping[str, Any]) -> bytes:
    """An entry as one line of at most LONGEST_LINE bytes, line feed included. Texts lose their control characters."""
    bounded = _bounded(entry, 0)
    line = _dumped(bounded)
    if len(line) >= LONGEST_LINE:
        line = _dumped({**bounded, "details": {"left_out": "too much to record"}})
    return line + b"\n"


def parsed(line: bytes) -> dict[str, Any] | None:
    """The entry of a line; None when it is none."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in _NEEDED):
        return None
    details = found.get("details")
    return {name: _text(found.get(name)) for name in _TEXTS} | {"details": details if isinstance(details, dict) else {}}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _dumped(value: Any) -> bytes:
    return orjson.dumps(value, default=lambda other: _clean(str(other)), option=orjson.OPT_NON_STR_KEYS)


def _bounded(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Mapping):
        kept = list(value.items())[:MOST_ITEMS]
        return {_clean(str(k))[:100]: _bounded(v, depth + 1) for k, v in kept} if depth < DEEPEST else "…"
    if isinstance(value, list | tuple | set | frozenset):
        return [_bounded(item, depth + 1) for item in list(value)[:MOST_ITEMS]] if depth < DEEPEST else "…"
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, int) or abs(value) < 2**53 else str(value)
    return _clean(str(value))


def _clean(value: str) -> str:
    """Without control characters, line and paragraph separators, or marks that turn the direction of writing."""
    cut = value if len(value) <= LONGEST_TEXT else value[: LONGEST_TEXT - 1] + "…"
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(c if c.isprintable() or c == "\u00a0" else " " for c in cut.encode("utf-8", "replace").decode())
