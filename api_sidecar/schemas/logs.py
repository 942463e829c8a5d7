"""Log lines."""

from __future__ import annotations

from pydantic import Field

from .base import AnswerModel


class LogLines(AnswerModel):
    """The last lines of a service, oldest first, standard output and standard error together."""

    logs: list[str] = Field(description="Each `<RFC 3339 time> <text>`. The service's own words, not escaped.")
    container: str
