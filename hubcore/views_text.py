"""Text and numbers on their way into the API's JSON. Pure.

Clients of the legacy API put names and descriptions into pages as HTML without escaping, formatted numbers with
`toFixed`, and break on a string or null where a number belongs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from .models import Text

# Characters that HTML gives a meaning, and look-alikes that it does not.
_LOOKALIKES = str.maketrans({"<": "‹", ">": "›", '"': "”", "'": "’", "`": "’"})
_MARKUP = re.compile(r"[<>\"'`&]")
_AMPERSAND = re.compile(r"&(?=\S)")  # "Cache & Session" is harmless; "&lt;" would be decoded
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_URL_ESCAPES = str.maketrans({"<": "%3C", ">": "%3E", '"': "%22", "'": "%27", "`": "%60"})


def clean(value: str) -> str:
    """Text that JSON can carry: no lone surrogates, no control characters but tab and line feed."""
    return _CONTROL.sub(" ", value.encode("utf-8", "replace").decode("utf-8"))


def plain(value: str, limit: int = 500) -> str:
    """Untrusted text without HTML markup, at most `limit` characters: `<b>` becomes `‹b›`."""
    if value.isprintable() and not _MARKUP.search(value):
        return value[:limit]
    return _AMPERSAND.sub("＆", clean(value[:limit])).translate(_LOOKALIKES)


def harmless(value: Any, words: Callable[[str], str] = plain, depth: int = 30) -> Any:
    """JSON of another program with every text in it changed by `words`; what is nested too deeply becomes null."""
    if isinstance(value, str):
        return words(value)
    if isinstance(value, Mapping):
        return {words(str(k)): harmless(v, words, depth - 1) for k, v in value.items()} if depth else None
    if isinstance(value, list | tuple):
        return [harmless(item, words, depth - 1) for item in value] if depth else None
    return value


def link(value: str | None) -> str | None:
    """An address whose markup characters are percent-encoded; None for none."""
    return None if value is None else clean(value).translate(_URL_ESCAPES)


def say(value: Text | None) -> str:
    """A sentence in English, free of markup; "" for None.

    One whose fields do not fit is shown unfilled: a wrong sentence must not take the whole answer with it.
    """
    if value is None:
        return ""
    try:
        return plain(value.english(), 1000)
    except (LookupError, ValueError, TypeError):
        return plain(value.template, 1000)


def number(value: float | None, digits: int, upper: float = math.inf) -> float:
    """A finite number from 0 to `upper`, rounded to `digits` decimals; 0.0 for None, NaN and infinity."""
    if value is None or not math.isfinite(value):
        return 0.0
    return round(min(max(float(value), 0.0), upper), digits)
