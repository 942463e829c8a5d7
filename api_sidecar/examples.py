"""A curl command for each operation of the OpenAPI document. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

Schema = Mapping[str, Any]

TOKEN = "$TOKEN"  # noqa: S105 - the name of a shell variable


def curl(method: str, path: str, operation: Schema, schemas: Schema, *, base: str, token: bool) -> str:
    """The command line. `base`: address without a trailing slash; `token`: whether one has to be sent."""
    command = "curl" if method == "get" else f"curl -X {method.upper()}"
    if token and operation["x-role"]:
        command += f' -H "Authorization: Bearer {TOKEN}"'
    body = body_example(operation, schemas)
    if body:
        data = json.dumps(body, ensure_ascii=False)
        command += f" -H {shlex.quote('Content-Type: application/json')} -d {shlex.quote(data)}"
    return f"{command} {shlex.quote(base + filled(path, operation))}"


def filled(path: str, operation: Schema) -> str:
    """The path with example values for its wildcards, and the query."""
    query = []
    for parameter in operation["parameters"]:
        example = example_of(parameter["schema"], {})
        if parameter["in"] == "path":
            value = example or parameter["schema"].get("enum", [parameter["name"].upper()])[0]
            path = path.replace("{" + parameter["name"] + "}", quote(str(value), safe=""))
        elif example is not None:
            query.append((parameter["name"], str(example).lower() if isinstance(example, bool) else example))
    return f"{path}?{urlencode(query)}" if query else path


def body_example(operation: Schema, schemas: Schema) -> Any:
    """The example of the request body; None where nothing is expected."""
    content = operation.get("requestBody", {}).get("content", {})
    for media in content.values():
        return example_of(media["schema"], schemas)
    return None


def example_of(schema: Schema, schemas: Schema) -> Any:
    """What a schema gives as an example; for an object without one, that of its fields; else None."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    if "properties" in schema:
        fields = {name: example_of(field, schemas) for name, field in schema["properties"].items()}
        return {name: example for name, example in fields.items() if example is not None} or None
    return None
