"""JSON Schema in words: “list of text”, “number or null”, “one of start, stop, restart”. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hubcore.models import Text, text
from hubcore.texts import Translator

Schema = Mapping[str, Any]

TYPES: dict[str, Text] = {
    "string": text("text"),
    "integer": text("whole number"),
    "number": text("number"),
    "boolean": text("true or false"),
    "null": text("null"),
    "object": text("object"),
    "array": text("list"),
}
ANYTHING = text("anything")


class Piece(NamedTuple):
    """Part of a description; `type` is the name of a type that it links to."""

    words: str
    type: str | None = None


def pieces(schema: Schema, t: Translator) -> list[Piece]:
    """What kind of value a schema describes."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return [Piece(name, name)]
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        words = ", ".join("null" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in values)
        return [Piece(words if len(values) == 1 else t.text(text("one of {words}", words=words)))]
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return _joined([pieces(one, t) for one in alternatives], t)
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return pieces(schema["allOf"][0], t)
    return _by_type(schema, t)


def _by_type(schema: Schema, t: Translator) -> list[Piece]:
    kind = schema.get("type")
    if isinstance(kind, list):
        return _joined([[Piece(t.text(TYPES[one]))] for one in kind], t)
    if kind == "array" and "items" in schema:
        return [Piece(t.text(text("list of")) + " "), *pieces(schema["items"], t)]
    values = schema.get("additionalProperties")
    if kind == "object" and isinstance(values, Mapping) and "properties" not in schema:
        return [Piece(t.text(text("object: name →")) + " "), *pieces(values, t)]
    return [Piece(t.text(TYPES.get(str(kind), ANYTHING)))]


def _joined(alternatives: list[list[Piece]], t: Translator) -> list[Piece]:
    found: list[Piece] = []
    for alternative in alternatives:
        if found:
            found.append(Piece(f" {t.text(text('or'))} "))
        found += alternative
    return found


def limits_of(schema: Schema, t: Translator) -> str:
    """Limits and default in words; "" where there are none."""
    found = []
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        found.append(t.text(text("{low} to {high}", low=low, high=high)))
    elif low is not None:
        found.append(t.text(text("at least {low}", low=low)))
    elif high is not None:
        found.append(t.text(text("at most {high}", high=high)))
    if (longest := schema.get("maxLength")) is not None:
        found.append(t.text(text("at most {longest} characters", longest=longest)))
    if schema.get("default") is not None:
        default = schema["default"]
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        found.append(t.text(text("default {value}", value=shown)))
    return ", ".join(found)
