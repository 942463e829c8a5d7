"""What may be saved as the configuration of a service: every rule of the API, all violations at once. Pure.

Only what differs from what is stored is judged: clients send back all they were shown, and one long value from earlier
times must not make a service uneditable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from . import envfile
from .config_content import LONGEST, Unreadable, kind_of, parsed
from .masking import MaskStandsForNothing, mask, unmask
from .models import ConfigChange, Text, text

LONGEST_KEY, LONGEST_VALUE = 100, 1000
LONGEST_ENV = 500_000  # characters of an env file
MOST_ERRORS = 50  # that are told; whoever sends thousands needs no more
REFUSED_KEYS = frozenset({"PATH", "HOME", "USER", "SHELL"})
_SHELL_SIGNS = frozenset("$`;|&")
_KEY = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")
# What one program or another takes for the end of a line, and the other control characters but the tab.
_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_FORBIDDEN = re.compile(r"(?<!\w)(rm\s+-rf|sudo|chmod\s+777|wget|curl|exec)(?!\w)", re.IGNORECASE)


class Files(NamedTuple):
    """Which files a service has, relative to the stack's root; `env` None: it has no env file."""

    env: str | None = None
    config: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, the env file first."""
        return ((self.env,) if self.env else ()) + self.config


class Edit(NamedTuple):
    """What of a change differs from what is stored: variables by name, whole contents by path."""

    env: Mapping[str, str]
    files: Mapping[str, str]

    def contents(self, files: Files, stored: Mapping[str, str]) -> dict[str, str]:
        """The new content of each file that will be another one."""
        new = dict(self.files)
        if self.env and files.env is not None:
            new[files.env] = envfile.merge(stored.get(files.env, ""), self.env)
        return new


def shown(value: str) -> str:
    """Text that JSON can carry: what was not UTF-8 in the file is shown as a replacement character."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def shown_variables(content: str) -> dict[str, str]:
    """The variables of an env file as people may see them."""
    return {shown(key): mask(key, shown(value)) for key, value in envfile.parse(content).items()}


def check(files: Files, stored: Mapping[str, str], change: ConfigChange) -> tuple[Edit, tuple[Text, ...]]:
    """What a change comes down to, and every reason why it cannot be saved.

    `stored`: path → content of those that exist, bytes that are not UTF-8 as lone surrogates.
    """
    errors = list(change.problems)
    env = _check_env(files, stored, change, errors)
    changed: dict[str, str] = {}
    for path, content in change.config_files.items():
        if path not in files.config:
            errors.append(text("“{path}” is not a configuration file of this service.", path=path[:100]))
        elif not _is_stored(content, stored.get(path)):
            changed[path] = content
            errors += _content_errors(path, content)
    if len(errors) > MOST_ERRORS:
        errors[MOST_ERRORS:] = [text("There are {count} more.", count=len(errors) - MOST_ERRORS)]
    return Edit(env, changed), tuple(errors)


def notes(files: Files, stored: Mapping[str, str], change: ConfigChange, edit: Edit) -> list[Text]:
    """What to know about a change that does not stand in its way."""
    present = envfile.parse(stored.get(files.env, "")) if files.env else {}
    found = [
        text("{name} is left out: names that begin with “_” are reserved.", name=key[:LONGEST_KEY])
        for key in change.env_vars
        if key.startswith("_") and key not in present
    ]
    return found + [
        text("The value of {name} begins with a quotation mark that is not closed.", name=key)
        for key, value in edit.env.items()
        if envfile.is_open(value)
    ]


def _check_env(files: Files, stored: Mapping[str, str], change: ConfigChange, errors: list[Text]) -> dict[str, str]:
    if not change.env_vars:
        return {}
    if files.env is None:
        errors.append(text("This service has no file for variables."))
        return {}
    content = stored.get(files.env, "")
    present, spread = envfile.parse(content), envfile.spread(content)
    changed: dict[str, str] = {}
    for key, value in change.env_vars.items():
        found = _variable(key, value, present, errors)
        if found is None:
            continue
        changed[key] = found
        errors += _key_errors(key, known=key in present)
        if len(found) > LONGEST_VALUE:
            errors.append(
                text("The value of {name} is longer than {limit} characters.", name=_name(key), limit=LONGEST_VALUE)
            )
        if key in spread:
            errors.append(
                text("The value of {name} goes over several lines; change it in the file itself.", name=_name(key))
            )
    if len(content) + sum(len(key) + len(value) + 2 for key, value in changed.items()) > LONGEST_ENV:
        errors.append(text("The variables together are longer than {limit} characters.", limit=LONGEST_ENV))
    return changed


def _variable(key: str, value: str, present: Mapping[str, str], errors: list[Text]) -> str | None:
    """The new value of a variable; None when it stays as it is, or cannot be read."""
    if _BREAKS.search(key) or _BREAKS.search(value):
        errors.append(text("The variable {name} contains a line break or a control character.", name=_name(key)))
        return None
    stored, wanted = present.get(key), value.strip()
    if stored is not None and wanted in (stored, mask(key, shown(stored))):
        return None
    if stored is None and key.startswith("_"):
        return None
    try:
        wanted = unmask(key, wanted, stored)
    except MaskStandsForNothing:
        errors.append(
            text("The value of {name} is only asterisks in place of a secret; enter the secret.", name=_name(key))
        )
        return None
    return None if wanted == stored else wanted


def _key_errors(key: str, *, known: bool) -> Iterator[Text]:
    name = _name(key)
    if not key:
        yield text("A variable has no name.")
    elif len(key) > LONGEST_KEY:
        yield text("The name {name} is longer than {limit} characters.", name=name, limit=LONGEST_KEY)
    elif key in REFUSED_KEYS:
        yield text("{name} cannot be set here: the container needs its own.", name=name)
    elif not _SHELL_SIGNS.isdisjoint(key):
        yield text("The name {name} contains one of {signs}, which is not allowed.", name=name, signs="$ ` ; | &")
    elif "=" in key or (not known and any(character.isspace() for character in key)):
        yield text("The name {name} contains an equals sign or a blank.", name=name)
    elif not known and not _KEY.fullmatch(key):
        yield text("The name {name} may have letters, digits and _ . - only, and no digit first.", name=name)


def _content_errors(path: str, content: str) -> Iterator[Text]:
    if content.strip() == "undefined":
        yield text("The content of {path} is only the word “undefined”; it was lost on its way.", path=path)
    if len(content) > LONGEST:
        yield text("{path} is longer than {limit} characters.", path=path, limit=LONGEST)
        return
    if _UNPRINTABLE.search(content):
        yield text("{path} contains control characters.", path=path)
        return
    words = sorted({" ".join(match[1].lower().split()) for match in _FORBIDDEN.finditer(content)})
    if words:
        yield text("{path} contains words that are not allowed: {words}.", path=path, words=", ".join(words))
    kind = kind_of(path)
    if kind == "text":
        return
    try:
        parsed(kind, content)
    except Unreadable as error:
        yield error.reason(path)


def _is_stored(content: str, stored: str | None) -> bool:
    return stored is not None and (content == stored or (stored == "" and content == "\n"))


def _name(key: str) -> str:
    return shown(key[:60]) or "“”"
