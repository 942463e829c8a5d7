"""The OpenAPI document, made from the table of routes and the models that bodies are validated by. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from .call import JSON_TYPE
from .route import Doc, Parameter, Route
from .schemas.base import Error

Schema = dict[str, Any]
References = Mapping[type[BaseModel], Schema]

ABOUT = (
    "State, figures, logs, configuration, models and backups of a self-hosted stack. Times are Unix epoch seconds, "
    "sizes bytes, ages seconds. Answers may grow by further fields; none is removed, renamed or given another type. "
    "Texts hold no HTML markup; log lines are the services' own words and are not escaped. GET addresses answer HEAD "
    "as well, all answer OPTIONS."
)
NAME = Parameter("name", "Name of a service, as in `GET /api/services`.", {"type": "string", "examples": ["redis"]})
WILDCARDS = {
    "name": NAME,
    "service": Parameter("service", NAME.about, NAME.schema),
    "operation_id": Parameter("operation_id", "Id of an operation, as in `GET /api/operations`.", {"type": "string"}),
}
ERRORS = {
    304: "Unchanged since the answer with the `ETag` that `If-None-Match` names.",
    400: "The request is not as it must be; nothing has happened.",
    401: "A token is needed, or the one sent is unknown.",
    403: "The token's role does not reach that far, or a web page of a foreign origin asks for a change.",
    404: "There is no such service or object.",
    409: "Something else works on it, or it has changed meanwhile.",
    411: "The request body came in pieces, without its length.",
    413: "The request body is too large.",
    415: "The request body is of another type than JSON.",
    421: "The request names a host that this server does not answer to.",
    429: "Too many wrong tokens; `Retry-After` says when to try again.",
    500: "A fault of the dashboard, or a refusal of the engine or a file; `error_id` is in the log.",
    503: "Something that is needed does not answer, or too much is asked at once; see `Retry-After`.",
}
EVENTS = "text/event-stream"
EVENT: Schema = {
    "type": "object",
    "description": "Each event (Server-Sent Events).",
    "properties": {
        "event": {
            "enum": ["message", "end", "error"],
            "description": "`message`: a line; `end`: the container ended; `error`: the reason why no more comes.",
        },
        "data": {"type": "string"},
    },
    "required": ["data"],
}
REFERENCE = "#/components/schemas/{model}"
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_WILDCARD = re.compile(r"<(\w+)(?::[^>]*)?>")


class _Untitled(GenerateJsonSchema):
    """Without the titles that pydantic makes from the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def path_of(rule: str) -> str:
    """A bottle rule as OpenAPI writes it: `/api/service/<name>/logs` becomes `/api/service/{name}/logs`."""
    return _WILDCARD.sub(r"{\1}", rule)


def usual_errors(route: Route) -> set[int]:
    """Statuses an address may answer with by what it is, besides those of its own `Doc.errors`."""
    found = {421, 500}
    if route.role is not None:
        found |= {401, 403, 429, 503}
    if route.method == "POST":
        found |= {400, 403, 411, 413, 503}
    if route.doc.query:
        found.add(400)
    if _WILDCARD.search(route.rule):
        found.add(404)
    if route.doc.tagged:
        found.add(304)
    return found


def document(routes: Iterable[Route], *, version: str, needs_token: bool) -> Schema:
    """The whole document as JSON-ready data. `needs_token`: whether nobody is served without a token."""
    table = list(routes)
    references, schemas = _schemas(table)
    paths: dict[str, Schema] = {}
    for route in table:
        paths.setdefault(path_of(route.rule), {})[route.method.lower()] = _operation(route, references, needs_token)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Dashboard API", "version": version, "description": ABOUT},
        "servers": [{"url": "/", "description": "The address this document comes from"}],
        "tags": [{"name": tag} for tag in tags(table)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token, made with `python -m hubcore token create NAME --role ROLE`.",
                }
            },
        },
    }


def tags(table: Iterable[Route]) -> list[str]:
    """The groups, in the order in which they come first."""
    return list(dict.fromkeys(route.doc.tag for route in table))


def _schemas(table: Iterable[Route]) -> tuple[References, Schema]:
    """How each model is referred to, and the schemas of all of them by name."""
    models = {Error: None} | {m: None for route in table for m in (route.doc.answer, route.doc.body) if m is not None}
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in models]
    found, made = models_json_schema(wanted, ref_template=REFERENCE, schema_generator=_Untitled)
    return {model: found[model, "validation"] for model in models}, dict(sorted(made["$defs"].items()))


def _operation(route: Route, references: References, needs_token: bool) -> Schema:
    doc = route.doc
    operation: Schema = {
        "operationId": _SEPARATORS.sub("_", f"{route.method} {path_of(route.rule)}".lower()).strip("_"),
        "summary": doc.summary,
        "description": " ".join(filter(None, (doc.about, who(route.role)))),
        "tags": [doc.tag],
        "x-role": route.role.value if route.role else None,
        "parameters": [*_path_parameters(route), *(_parameter(p, "query") for p in doc.query)],
        "responses": _responses(route, references),
        "security": _security(route, needs_token),
    }
    if route.method == "POST":
        operation["requestBody"] = _body(doc, references)
    return operation


def who(role: str | None) -> str:
    """The last sentence of a description: the role that is needed."""
    return f"Needs the role {role}." if role else "Needs no role."


def _security(route: Route, needs_token: bool) -> list[Schema]:
    if route.role is None:
        return []
    return [{"bearer": []}] if needs_token else [{}, {"bearer": []}]


def _path_parameters(route: Route) -> list[Schema]:
    own = {parameter.name: parameter for parameter in route.doc.path}
    names = _WILDCARD.findall(route.rule)
    return [_parameter(own.get(n) or WILDCARDS.get(n) or Parameter(n, "", {"type": "string"}), "path") for n in names]


def _parameter(parameter: Parameter, place: str) -> Schema:
    return {
        "name": parameter.name,
        "in": place,
        "required": place == "path",
        "description": parameter.about,
        "schema": dict(parameter.schema),
    }


def _body(doc: Doc, references: References) -> Schema:
    if doc.body is None:
        schema: Schema = {"type": "object", "description": "Nothing is expected; an empty body will do."}
        return {"required": False, "content": {JSON_TYPE: {"schema": schema}}}
    required = any(field.is_required() for field in doc.body.model_fields.values())
    return {"required": required, "content": {JSON_TYPE: {"schema": references[doc.body]}}}


def _responses(route: Route, references: References) -> Schema:
    doc = route.doc
    content: Schema = {JSON_TYPE: {"schema": references[doc.answer]}} if doc.answer is not None else {}
    if doc.stream is not None:
        content[doc.stream] = {"schema": EVENT if doc.stream == EVENTS else {"type": "string"}}
    done: Schema = {"description": "Done." if route.method == "POST" else "The answer.", "content": content}
    if doc.tagged:
        done["headers"] = {"ETag": {"description": "For `If-None-Match`.", "schema": {"type": "string"}}}
    refused = {str(status): _refusal(status, references) for status in sorted({*usual_errors(route), *doc.errors})}
    return {"200": done, **refused}


def _refusal(status: int, references: References) -> Schema:
    about = ERRORS.get(status) or HTTPStatus(status).phrase
    if status < 400:
        return {"description": about}
    refusal: Schema = {"description": about, "content": {JSON_TYPE: {"schema": references[Error]}}}
    headers: Mapping[int, str] = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
    if status in headers:
        refusal["headers"] = {headers[status]: {"schema": {"type": "string"}}}
    return refusal
