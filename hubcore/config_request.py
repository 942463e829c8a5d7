"""Reading what is to be saved from a request's JSON. Pure; never raises, all that is wrong is told together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .models import ConfigChange, Text, text


def read_change(body: Mapping[str, Any], version: str | None = None) -> ConfigChange:
    """The change a JSON object asks for; `version` counts where the body has none.

    What does not fit its field is left out and told in `problems`. A file's content is text, or an object with the
    text under `content`: clients send both.
    """
    problems: list[Text] = []
    restart = body.get("restart_service")
    if not isinstance(restart, bool | None):
        problems.append(text("“restart_service” must be true or false."))
    named = body.get("version")
    if not isinstance(named, str | None):
        problems.append(text("“version” must be the text that reading the configuration gave."))
    return ConfigChange(
        env_vars=_variables(body, problems),
        config_files=_files(body, problems),
        restart=restart is True,
        version=named if isinstance(named, str) else version,
        problems=tuple(problems),
    )


def _variables(body: Mapping[str, Any], problems: list[Text]) -> dict[str, str]:
    given = body.get("env_vars", {})
    if not isinstance(given, dict):
        problems.append(text("“env_vars” must be an object of names and values."))
        return {}
    for key, value in given.items():
        if not isinstance(value, str):
            problems.append(text("The value of {name} must be text.", name=_short(key)))
    return {key: value for key, value in given.items() if isinstance(value, str)}


def _files(body: Mapping[str, Any], problems: list[Text]) -> dict[str, str]:
    given = body.get("config_files", {})
    if not isinstance(given, dict):
        problems.append(text("“config_files” must be an object of paths and contents."))
        return {}
    files: dict[str, str] = {}
    for path, entry in given.items():
        content = entry.get("content") if isinstance(entry, dict) else entry
        if isinstance(content, str):
            files[path] = content
        else:
            problems.append(text("The content of {path} must be text.", path=_short(path)))
    return files


def _short(value: str) -> str:
    return value[:60] or "“”"
