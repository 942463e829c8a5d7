"""The base of all models, and sentences for people."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Base of all models: frozen, tolerant of unknown fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def dump(model: Model) -> dict[str, Any]:
    """A model as plain JSON-ready data."""
    return model.model_dump(mode="json")


class Text(Model):
    """A sentence for a person, translated where it is shown.

    `template` is the English sentence with `{name}` fields and doubles as the key into the translation catalogue.
    With `plural`, `params["count"]` chooses between the two.
    """

    template: str
    plural: str | None = None
    params: dict[str, str | int | float] = Field(default_factory=dict)

    def english(self) -> str:
        """The sentence in English, fields filled in."""
        template = self.template
        if self.plural is not None and self.params.get("count") != 1:
            template = self.plural
        return template.format(**self.params)


def text(template: str, plural: str | None = None, /, **params: str | int | float) -> Text:
    """A `Text`; the name that the translation tools look for (`pybabel extract -k text:1,2`)."""
    return Text(template=template, plural=plural, params=params)
