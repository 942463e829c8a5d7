"""Request bodies by their models: what is wrong is said in words, with the field's name."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import Field

from api_sidecar.bodies import validated
from api_sidecar.schemas.base import BodyModel
from hubcore.errors import BadRequest
from hubcore.texts import Translator


class Inner(BodyModel):
    content: str


class Body(BodyModel):
    action: Literal["start", "stop"]
    names: list[str] = Field(default_factory=list, min_length=1, max_length=2)
    title: str = Field("x", min_length=1, max_length=5, pattern="^[a-z]*$")
    count: int = Field(1, ge=1)
    sure: bool = False
    values: dict[str, str] = Field(default_factory=dict)
    inner: Inner | None = None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "“action” must be one of start, stop."),
        ({"action": "rm"}, "“action” must be one of start, stop."),
        ({"action": None}, "“action” must be one of start, stop."),
        ({"action": "start", "names": "redis"}, "“names” must be a list."),
        ({"action": "start", "names": []}, "“names” must not be empty."),
        ({"action": "start", "names": ["a", "b", "c"]}, "“names” is too long; at most 2."),
        ({"action": "start", "names": ["a", 1]}, "“names.1” must be text."),
        ({"action": "start", "title": ""}, "“title” must not be empty."),
        ({"action": "start", "title": "abcdef"}, "“title” is too long; at most 5."),
        ({"action": "start", "title": "A"}, "“title” has characters that are not possible here."),
        ({"action": "start", "title": 1}, "“title” must be text."),
        ({"action": "start", "count": "1"}, "“count” must be a number."),
        ({"action": "start", "count": 0}, "“count” is not as it must be; /docs shows what is possible."),
        ({"action": "start", "sure": 1}, "“sure” must be true or false."),
        ({"action": "start", "values": []}, "“values” must be an object."),
        ({"action": "start", "values": {"a": 1}}, "“values.a” must be text."),
        ({"action": "start", "inner": []}, "“inner” must be an object."),
        ({"action": "start", "inner": {}}, "“inner.content” is missing."),
    ],
)
def test_what_is_wrong_is_said(value: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        validated(Body, value)
    assert str(caught.value) == words
    russian = Translator("ru").text(caught.value.text)
    assert russian != words and any("а" <= letter <= "я" for letter in russian)


def test_what_fits_is_taken_and_what_nobody_asked_for_is_left_out() -> None:
    body = validated(Body, {"action": "stop", "names": ["a"], "more": {"x": 1}})
    assert (body.action, body.names, body.count) == ("stop", ["a"], 1)
    assert not hasattr(body, "more")


def test_a_long_name_of_a_field_is_cut() -> None:
    with pytest.raises(BadRequest) as caught:
        validated(Body, {"action": "stop", "values": {"k" * 5000: 1}})
    assert len(str(caught.value)) < 200
