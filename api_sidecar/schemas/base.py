"""What all models of answers and bodies share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


def _leave_open(schema: dict[str, Any]) -> None:
    # Clients must expect further fields in later versions; only our own tests insist on there being none.
    schema.pop("additionalProperties", None)


class AnswerModel(BaseModel):
    """The JSON of an answer. A field too many, too few or of another type does not validate.

    The JSON Schema made from it allows further fields: the contract lets answers grow.
    """

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_leave_open)


class BodyModel(BaseModel):
    """The JSON of a request. Fields that nobody asked for are ignored, as older clients send some.

    Types are taken as they are: `"1"` is no number and `1` is no text.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


Epoch = Annotated[float, Field(ge=0, description="Unix epoch seconds.")]
Age = Annotated[float, Field(ge=0, description="Seconds.")]
Bytes = Annotated[int, Field(ge=0, description="Bytes.")]
Count = Annotated[int, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100, description="0 to 100.")]
Said = Annotated[str, Field(min_length=1)]


class Error(AnswerModel):
    """Every answer but 200, 204 and 304. `error` is for people and may change, `code` is stable: docs/errors.md."""

    model_config = ConfigDict(extra="allow", strict=True)

    error: Said = Field(description="What went wrong and what to do, in the language of `Accept-Language`.")
    code: Said = Field(description="A stable word for the kind of error.")
    success: bool | None = Field(None, description="`false` when something should have changed.")
    operation_id: str | None = Field(None, description="On 409: the operation that is under way.")
    error_id: str | None = Field(None, description="On 500: the number under which the log says more.")


class OpenApi(BaseModel):
    """An OpenAPI 3.1 document; its own specification says what is in it."""

    model_config = ConfigDict(extra="allow", strict=True)

    openapi: Annotated[str, Field(pattern=r"^3\.1\.[0-9]+$")]
    info: dict[str, Any]
    paths: dict[str, Any]
