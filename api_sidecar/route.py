"""One address of the API: who answers it, who may ask, and what `/openapi.json` says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from hubcore.roles import Role

from .call import Answer


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query or the path. `schema`: JSON Schema."""

    name: str
    about: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Doc:
    """What the documentation says of an address, in English.

    `answer`, `body`: models of the JSON of a 200 and of the request; None where there is none (or a stream). `errors`:
    the status codes it may answer with besides those that every address has (`openapi.usual_errors`). `stream`: a
    content type it may answer with besides JSON, or instead of it without `answer`. `tagged`: carries an ETag, so that
    304 is possible. `path`: what there is to say of a wildcard beyond the usual (`openapi.WILDCARDS`).
    """

    summary: str
    tag: str
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = ()
    about: str = ""
    stream: str | None = None
    tagged: bool = False
    path: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class Route:
    """Method, bottle's rule, handler (which takes the call and the rule's wildcards), and the role it needs.

    `role` None: anybody who may reach the port, for programs that only ask whether this one lives.
    """

    method: str
    rule: str
    handler: Callable[..., Answer]
    role: Role | None
    doc: Doc = field(default_factory=lambda: Doc("", ""))
