"""The YAML of a compose file as a plain tree: dict, list, str and None. Pure.

Built from the parser's events, because a compose file is somebody else's text: every scalar stays the text that was
written (no dates, no numbers, no Python objects), an alias is one more reference instead of a copy, and the number of
values is bounded. Compose's own tags are kept: `!reset` and `!override` (Compose specification, “Merge and override”).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

LONGEST = 512 * 1024  # characters
MOST_VALUES = 100_000
DEEPEST = 60
MERGE = "<<"
NOTHING = ("", "~", "null", "Null", "NULL")


class BadYaml(ValueError):
    """Not YAML, or more of it than any compose file has. `line` counts from 1; None where there is no one place."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


class Reset:
    """Stands where `!reset` does: what an earlier file says of this is to go."""


@dataclass
class Override:
    """Stands where `!override` does: `value` replaces what an earlier file says instead of being merged into it."""

    value: Any


def load(content: str) -> Any:
    """The first document of a YAML text. Raises BadYaml."""
    if len(content) > LONGEST:
        raise BadYaml(f"it is longer than {LONGEST // 1024} KB")
    builder = _Builder()
    try:
        for event in YAML(typ="safe", pure=True).parse(content):
            if isinstance(event, DocumentStartEvent) and builder.done:
                break
            builder.take(event)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else None
        raise BadYaml(" ".join(str(error.problem or "it is not valid YAML").split())[:200], line) from None
    except (YAMLError, RecursionError) as error:
        raise BadYaml(" ".join(str(error).split())[:200]) from None
    return builder.result


@dataclass
class _Open:
    """A collection that has begun and not ended."""

    value: dict[str, Any] | list[Any]
    wrapped: Any  # the value, or what a tag makes of it
    key: str | None = None  # of a mapping: the key that waits for its value
    merged: list[Any] = field(default_factory=list)


class _Builder:
    def __init__(self) -> None:
        self.result: Any = None
        self.done = False
        self._open: list[_Open] = []
        self._anchors: dict[str, Any] = {}
        self._values = 0

    def take(self, event: Any) -> None:
        """One event of the parser, in order."""
        line = event.start_mark.line + 1 if event.start_mark is not None else None
        if isinstance(event, AliasEvent):
            if event.anchor not in self._anchors:
                raise BadYaml(f"there is nothing named “{event.anchor}”"[:200], line)
            value = self._anchors[event.anchor]
            if any(one.wrapped is value for one in self._open):
                raise BadYaml("an alias stands for something that contains it", line)
            self._put(value, line)
        elif isinstance(event, ScalarEvent):
            nothing = event.style is None and event.value in NOTHING
            self._named(event, _tagged(event, None if nothing else event.value), line)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            made: Any = {} if isinstance(event, MappingStartEvent) else []
            wrapped = _tagged(event, made)
            self._named(event, wrapped, line)
            self._open.append(_Open(made, wrapped))
            if len(self._open) > DEEPEST:
                raise BadYaml("it is nested too deeply", line)
        elif isinstance(event, CollectionEndEvent):
            self._close(line)

    def _named(self, event: Any, value: Any, line: int | None) -> None:
        self._put(value, line)
        if event.anchor is not None:
            self._anchors[event.anchor] = value

    def _put(self, value: Any, line: int | None) -> None:
        self._count(1, line)
        if not self._open:
            self.result, self.done = value, True
            return
        into = self._open[-1]
        if isinstance(into.value, list):
            into.value.append(value)
        elif into.key is None:
            into.key = "" if value is None else value if isinstance(value, str) else "?"
        else:
            if into.key == MERGE:
                into.merged.append(value)
            else:
                into.value[into.key] = value
            into.key = None

    def _close(self, line: int | None) -> None:
        ended = self._open.pop()
        if isinstance(ended.value, dict):
            for named in ended.merged:
                for source in named if isinstance(named, list) else [named]:
                    self._merge(ended.value, source, line)

    def _merge(self, into: dict[str, Any], source: Any, line: int | None) -> None:
        """A merge key: the mapping's own keys win, then those merged first (YAML 1.1, “Merge Key”)."""
        if isinstance(source, dict):
            self._count(len(source), line)
            for key, value in source.items():
                into.setdefault(key, value)

    def _count(self, number: int, line: int | None) -> None:
        self._values += number
        if self._values > MOST_VALUES:
            raise BadYaml("it holds too many values", line)


def _tagged(event: Any, value: Any) -> Any:
    tag = str(event.tag or "")
    return Reset() if tag.endswith("!reset") else Override(value) if tag.endswith("!override") else value
