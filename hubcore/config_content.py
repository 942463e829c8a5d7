"""The content of configuration files: which kind it is, whether it parses, and what it says. Pure.

Content is untrusted: a few lines of YAML can name any Python object or expand to gigabytes. The parser's events are
therefore counted before anything is built from them, and whatever is built is a tree of plain JSON values.
"""

from __future__ import annotations

import datetime
import math
from functools import lru_cache
from typing import Any

import orjson
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    NodeEvent,
    ScalarEvent,
)

from .models import Text, text

LONGEST = 100_000  # characters of a file
DEEPEST = 50  # levels of nesting
MOST_NODES = 100_000  # values and keys, with each alias counted as all that it stands for
MOST_CHARACTERS = 4_000_000  # of all scalars, counted in the same way


class Unreadable(ValueError):
    """Content that is not what its kind promises."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason.template)
        self._reason = reason

    def reason(self, path: str) -> Text:
        """Why, without a word of the content; `path` names the file."""
        return self._reason.model_copy(update={"params": {**self._reason.params, "path": path}})


def kind_of(path: str) -> str:
    """`yaml`, `json` or `text`, by the name of a file."""
    name = path.lower()
    return "yaml" if name.endswith((".yml", ".yaml")) else "json" if name.endswith(".json") else "text"


@lru_cache(maxsize=32)
def parsed(kind: str, content: str) -> Any:
    """What YAML or JSON says, as plain JSON values; whoever gets it must not change it. Raises Unreadable."""
    if len(content) > LONGEST:
        raise Unreadable(text("{path} is longer than {limit} characters.", limit=LONGEST))
    try:
        return _plain(_yaml(content) if kind == "yaml" else orjson.loads(content))
    except orjson.JSONDecodeError as error:
        raise Unreadable(
            text("{path}, line {line}, column {column}: this is not valid JSON.", line=error.lineno, column=error.colno)
        ) from None
    except MarkedYAMLError as error:
        raise Unreadable(_yaml_problem(error)) from None
    except (YAMLError, ValueError, LookupError, TypeError, RecursionError, AttributeError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(text("{path} cannot be read.")) from None


def _yaml_problem(error: MarkedYAMLError) -> Text:
    mark = error.problem_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    if isinstance(error, DuplicateKeyError):
        return text("{path}, line {line}, column {column}: this key has been there before.", line=line, column=column)
    return text("{path}, line {line}, column {column}: this is not valid YAML.", line=line, column=column)


class _Bounds:
    """Counts what a stream of YAML events stands for, and refuses what would grow beyond the limits."""

    def __init__(self) -> None:
        self.open: list[tuple[str | None, int, int]] = []  # anchor, nodes and characters before it
        self.anchors: dict[str, tuple[int, int]] = {}
        self.nodes = 0
        self.characters = 0

    def take(self, event: NodeEvent) -> None:
        if isinstance(event, AliasEvent):
            nodes, characters = self.anchors.get(event.anchor, (0, 0))
            if any(anchor == event.anchor for anchor, _, _ in self.open):
                raise Unreadable(text("{path}: an alias stands for something that contains it."))
            self._add(nodes + 1, characters)
            return
        if event.tag is not None:  # type: ignore[attr-defined]
            line = event.start_mark.line + 1
            raise Unreadable(text("{path}, line {line}: tags (words that begin with “!”) are not allowed.", line=line))
        if isinstance(event, ScalarEvent):
            self._add(1, len(event.value))
            if event.anchor is not None:
                self.anchors[event.anchor] = (1, len(event.value))
        elif isinstance(event, CollectionStartEvent):
            self.open.append((event.anchor, self.nodes, self.characters))
            self._add(1, 0)
            if len(self.open) > DEEPEST:
                raise Unreadable(text("{path} is nested more than {levels} levels deep.", levels=DEEPEST))

    def end(self) -> None:
        anchor, nodes, characters = self.open.pop()
        if anchor is not None:
            self.anchors[anchor] = (self.nodes - nodes, self.characters - characters)

    def _add(self, nodes: int, characters: int) -> None:
        self.nodes += nodes
        self.characters += characters
        if self.nodes > MOST_NODES or self.characters > MOST_CHARACTERS:
            raise Unreadable(text("{path}: its aliases stand for too much."))


def _yaml(content: str) -> Any:
    bounds = _Bounds()
    for event in YAML(typ="safe", pure=True).parse(content):
        if isinstance(event, NodeEvent):
            bounds.take(event)
        elif isinstance(event, CollectionEndEvent):
            bounds.end()
    reader = YAML(typ="safe", pure=True)
    reader.composer.warn_double_anchors = False  # its warnings quote the content
    return reader.load(content)


def _plain(value: Any, level: int = 0) -> Any:
    """Plain JSON values from what a parser made; keys become text, times too, what JSON cannot say becomes null."""
    if level > DEEPEST:
        raise Unreadable(text("{path} is nested more than {levels} levels deep.", levels=DEEPEST))
    if isinstance(value, dict):
        return {_key(key): _plain(item, level + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item, level + 1) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def _key(value: Any) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(_plain(value)).decode()
