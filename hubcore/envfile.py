"""Env files: reading them as the API promises, and changing values while everything else stays as it is. Pure.

A line is skipped when it is blank, a `#` comment, or has no `=`. Else it is split at the first `=`, both sides are
trimmed and quotes are kept. The last line of a key is the one that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

_BOM = "\ufeff"


class _Line(NamedTuple):
    """One line: what stands before the value, the value, the rest (blanks and line ending), and the key if any."""

    key: str | None
    before: str
    value: str
    after: str

    @property
    def text(self) -> str:
        return self.before + self.value + self.after


def parse(text: str) -> dict[str, str]:
    """The variables of an env file by name, in the order of their first lines."""
    return {line.key: line.value for line in _lines(text) if line.key is not None}


def merge(text: str, changes: Mapping[str, str]) -> str:
    """The text with these variables set: a key that is there is replaced where it stands, a new one is appended.

    Values are trimmed. Comments, order, line endings and a missing last line break stay; only lines whose value is
    another one differ. The caller sees to it that keys and values are fit for a line.
    """
    lines = list(_lines(text))
    last = {line.key: number for number, line in enumerate(lines) if line.key is not None}
    wanted = {key: value.strip() for key, value in changes.items()}
    for key, value in wanted.items():
        if key in last and lines[last[key]].value != value:
            lines[last[key]] = lines[last[key]]._replace(value=value)
    return _appended("".join(line.text for line in lines), [f"{k}={v}" for k, v in wanted.items() if k not in last])


def redraw(text: str, show: Callable[[str, str], str]) -> str:
    """The text with each value replaced by what `show` makes of its key and value; for looking at, not for writing."""
    shown = (line if line.key is None else line._replace(value=show(line.key, line.value)) for line in _lines(text))
    return "".join(line.text for line in shown)


def spread(text: str) -> frozenset[str]:
    """Keys whose lines belong to a quoted value that goes over several lines, as Compose allows.

    Changing one of these lines alone would tear that value apart.
    """
    lines = list(_lines(text))
    found: set[str] = set()
    number = 0
    while number < len(lines):
        end = _closing_line(lines, number)
        found.update(key for line in lines[number : end + 1] if end > number and (key := line.key) is not None)
        number = max(end, number) + 1
    return frozenset(found)


def is_open(value: str) -> bool:
    """Whether a value begins with a quotation mark that is not closed in it."""
    return value[:1] in ("'", '"') and not _closes(value[1:], value[0])


def _lines(text: str) -> Iterator[_Line]:
    start = len(_BOM) if text.startswith(_BOM) else 0
    parts = text[start:].split("\n")
    for number, raw in enumerate(parts):
        lead = text[:start] if number == 0 else ""
        line, ending = (raw[:-1], "\r\n") if raw.endswith("\r") else (raw, "\n")
        if number == len(parts) - 1:  # what follows the last line break
            line, ending = raw, ""
        yield _split(lead, line, ending)


def _split(lead: str, line: str, ending: str) -> _Line:
    stripped = line.strip()
    key = line.partition("=")[0].strip()
    if not stripped or stripped.startswith("#") or "=" not in line or not key:
        return _Line(None, lead + line, "", ending)
    before, value = line[: line.index("=") + 1], line[line.index("=") + 1 :]
    trimmed = value.strip()
    if not trimmed:
        return _Line(key, lead + before, "", value + ending)
    at = value.index(trimmed)
    return _Line(key, lead + before + value[:at], trimmed, value[at + len(trimmed) :] + ending)


def _appended(text: str, new: list[str]) -> str:
    if not new:
        return text
    ending = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    if not text.removeprefix(_BOM):
        return text + "".join(line + ending for line in new)
    if text.endswith("\n"):
        return text + "".join(line + ending for line in new)
    return text + "".join(ending + line for line in new)


def _closing_line(lines: list[_Line], number: int) -> int:
    """The number of the line that ends the quoted value beginning in this one; its own number where none does."""
    line = lines[number]
    if line.key is None or not is_open(line.value):
        return number
    quote = line.value[0]
    for later in range(number + 1, len(lines)):
        if _closes(lines[later].text, quote):
            return later
    return number


def _closes(text: str, quote: str) -> bool:
    escaped = False
    for character in text:
        if character == quote and not escaped:
            return True
        escaped = quote == '"' and character == "\\" and not escaped
    return False
