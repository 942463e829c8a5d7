"""The OpenAPI document as a page for people: one HTML text without scripts and without anything from elsewhere. Pure.

The page's own words are in the reader's language; what the document says is English.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from hubcore.models import text
from hubcore.texts import Translator

from .examples import body_example, curl
from .openapi import who
from .schema_words import Piece, limits_of, pieces

Schema = Mapping[str, Any]

TEMPLATES = Path(__file__).resolve().parent / "templates"
STYLE = (TEMPLATES / "docs.css").read_text(encoding="utf-8")
STYLE_HASH = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

WORDS = {
    "contents": text("Contents"),
    "intro": text("Everything the API answers, and how to ask for it. For programs the same as OpenAPI 3.1:"),
    "open_door": text("From this machine no token is needed. A token that is sent counts."),
    "closed_door": text("Every request needs a token of the dashboard."),
    "make_token": text("A token is made on the machine itself; it is shown once:"),
    "english": text("The descriptions below are in English."),
    "parameters": text("Parameters"),
    "body": text("Request body"),
    "answer": text("Answer"),
    "errors": text("Other answers"),
    "example": text("Example"),
    "role": text("Role"),
    "nobody": text("none needed"),
    "field": text("Field"),
    "type": text("Type"),
    "meaning": text("Meaning"),
    "required": text("required"),
    "optional": text("optional"),
    "in_path": text("in the address"),
    "in_query": text("in the query"),
    "types": text("Types"),
    "top": text("To the top"),
    "nothing": text("Nothing is expected; an empty body will do."),
    "or_stream": text("or a stream of the type"),
}


class Field(NamedTuple):
    """A row of a table of fields or parameters."""

    name: str
    kind: list[Piece]
    note: str  # where a parameter stands, or whether a field may be absent
    limits: str
    about: str


class Operation(NamedTuple):
    """One address with one method, ready to be shown."""

    anchor: str
    method: str
    path: str
    summary: str
    about: str
    role: str | None
    parameters: list[Field]
    body: list[Piece] | None
    body_example: str | None
    answer: list[Piece]
    others: list[str]  # content types beyond JSON
    errors: list[tuple[str, str]]
    example: str


def render(document: Schema, translator: Translator, *, base: str, needs_token: bool) -> str:
    """The page. `base`: the API's address without a trailing slash, for the examples."""
    words = {name: translator.text(sentence) for name, sentence in WORDS.items()}
    schemas: Schema = document["components"]["schemas"]
    operations = list(_operations(document, words, translator, base=base, token=needs_token))
    page = _environment().get_template("docs.html")
    return page.render(
        document=document,
        language=translator.language,
        words=words,
        style=Markup(STYLE),  # noqa: S704 - a file of the program
        groups=[(tag["name"], [o for t, o in operations if t == tag["name"]]) for tag in document["tags"]],
        types=[(name, schema, _fields(schema, words, translator)) for name, schema in schemas.items()],
        pieces=lambda schema: pieces(schema, translator),
        base=base,
        needs_token=needs_token,
    )


def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["marked"] = marked
    return found


def marked(words: str) -> Markup:
    """Text with `code` between backticks as HTML."""
    parts = str(words).split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if number % 2 and number < len(parts) - 1 else escape(part)
        for number, part in enumerate(parts)
    )


def _operations(
    document: Schema, words: Mapping[str, str], translator: Translator, *, base: str, token: bool
) -> Iterator[tuple[str, Operation]]:
    schemas: Schema = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation["responses"]["200"].get("content", {})
            answer = content.get("application/json")
            body = _body_schema(operation)
            example = body_example(operation, schemas)
            yield (
                operation["tags"][0],
                Operation(
                    anchor=operation["operationId"],
                    method=method.upper(),
                    path=path,
                    summary=operation["summary"],
                    about=operation["description"].removesuffix(who(operation["x-role"])).strip(),
                    role=operation["x-role"],
                    parameters=[_parameter(p, words, translator) for p in operation["parameters"]],
                    body=pieces(body, translator) if body is not None else None,
                    body_example=json.dumps(example, indent=2, ensure_ascii=False) if example else None,
                    answer=pieces(answer["schema"], translator) if answer else [],
                    others=[kind for kind in content if kind != "application/json"],
                    errors=[(s, r["description"]) for s, r in operation["responses"].items() if s != "200"],
                    example=curl(method, path, operation, schemas, base=base, token=token),
                ),
            )


def _body_schema(operation: Schema) -> Schema | None:
    for media in operation.get("requestBody", {}).get("content", {}).values():
        schema: Schema = media["schema"]
        return schema if "$ref" in schema else None
    return None


def _parameter(parameter: Schema, words: Mapping[str, str], translator: Translator) -> Field:
    return Field(
        parameter["name"],
        pieces(parameter["schema"], translator),
        words["in_path"] if parameter["in"] == "path" else words["in_query"],
        limits_of(parameter["schema"], translator),
        parameter["description"],
    )


def _fields(schema: Schema, words: Mapping[str, str], translator: Translator) -> list[Field]:
    required = schema.get("required", ())
    return [
        Field(
            name,
            pieces(field, translator),
            words["required"] if name in required else words["optional"],
            limits_of(field, translator),
            field.get("description", ""),
        )
        for name, field in schema.get("properties", {}).items()
    ]
