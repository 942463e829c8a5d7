"""Request bodies by their models: what pydantic finds wrong becomes our 400, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from hubcore.errors import BadRequest
from hubcore.models import Text, text

B = TypeVar("B", bound=BaseModel)

_PLACE = 100  # characters of a field's name that are shown


def validated(model: type[B], value: Mapping[str, Any]) -> B:
    """`value` (parsed JSON) as a `model`. Raises BadRequest, which names the first field that does not fit and why."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadRequest(_sentence(model, first)) from None


def _sentence(model: type[BaseModel], error: Mapping[str, Any]) -> Text:
    place, kind = error["loc"], error["type"]
    field = ".".join(str(part) for part in place)[:_PLACE]
    if (allowed := _choices(model, place)) and kind in ("missing", "literal_error"):
        return text("“{field}” must be one of {allowed}.", field=field, allowed=", ".join(allowed))
    return _by_kind(kind, field, error.get("ctx") or {})


def _choices(model: type[BaseModel], place: tuple[Any, ...]) -> tuple[str, ...]:
    """The words a field of the model allows, if it is a choice among some."""
    info = model.model_fields.get(str(place[0])) if len(place) == 1 else None
    if info is None or get_origin(info.annotation) is not Literal:
        return ()
    return tuple(str(word) for word in get_args(info.annotation))


def _by_kind(kind: str, field: str, limits: Mapping[str, Any]) -> Text:
    match kind:
        case "missing":
            return text("“{field}” is missing.", field=field)
        case "string_type" | "string_sub_type":
            return text("“{field}” must be text.", field=field)
        case "bool_type":
            return text("“{field}” must be true or false.", field=field)
        case "int_type" | "float_type" | "int_from_float":
            return text("“{field}” must be a number.", field=field)
        case "list_type" | "tuple_type":
            return text("“{field}” must be a list.", field=field)
        case "dict_type" | "model_type" | "model_attributes_type":
            return text("“{field}” must be an object.", field=field)
        case "string_too_short" | "too_short":
            return text("“{field}” must not be empty.", field=field)
        case "string_too_long" | "too_long":
            return text("“{field}” is too long; at most {most}.", field=field, most=int(limits["max_length"]))
        case "string_pattern_mismatch":
            return text("“{field}” has characters that are not possible here.", field=field)
    return text("“{field}” is not as it must be; /docs shows what is possible.", field=field)
