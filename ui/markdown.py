"""Untrusted words made safe for Streamlit's Markdown.

Names, labels, images and answers of services come from outside: a service may be called `**[x](http://y)**`. Streamlit
reads Markdown in titles, labels, buttons and badges, with `:icon:` and `:red[…]` of its own on top.
"""

from __future__ import annotations

import re
import string

from hubcore.models import Text
from hubcore.texts import Translator

# Characters that would change how the text around them is read: controls, and the marks that reverse the direction.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]+")
# Addresses that may become links: nothing in them can end a Markdown link or name another scheme.
SAFE_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~/-]*)?")
_JOINER = "\u2060"
_ADDRESS = re.compile(r"https?:(?=//)|www(?=\.)|.(?=@)", re.IGNORECASE)
_PUNCTUATION = re.compile("([" + re.escape(string.punctuation) + "])")
_BACKSLASH = r"\\\1"


def visible(value: str) -> str:
    """Untrusted text with its spaces, tabs widened, every invisible character replaced by a space."""
    return _INVISIBLE.sub(" ", value.replace("\t", "    ")).rstrip()


def plain(value: object, limit: int = 300) -> str:
    """Untrusted text on one line without invisible characters, cut after `limit`; for places that read no Markdown."""
    line = _INVISIBLE.sub(" ", str(value)).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def escape(value: object, limit: int = 300) -> str:
    """Untrusted text for a place that reads Markdown: shown letter by letter, as it is.

    Addresses are made into links after the backslashes have been read, so an invisible word joiner parts them.
    """
    return _escaped(plain(value, limit))


def _escaped(line: str) -> str:
    return _PUNCTUATION.sub(_BACKSLASH, _ADDRESS.sub(lambda found: found[0] + _JOINER, line))


# In a sentence of our own: an address (without the full stop behind it), and a command between backticks.
_OWN_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~-]+)*/?(?<![.,:])")
_COMMAND = r"`[^`]+`"


def told(value: Text | None, words: Translator, limit: int = 600) -> str:
    """A sentence of the program for a place that reads Markdown.

    Its fields come from outside and are shown letter by letter. What the program itself wrote is not doubted: addresses
    in its sentence are links, `commands` are code. Nothing for None.
    """
    if value is None:
        return ""
    sentence = plain(words.text(value), limit)
    marks = [re.escape(address) for address in _OWN_ADDRESS.findall(value.template)]
    if sentence.count("`") == value.template.count("`"):  # else a field brought its own, or the end is cut off
        marks.append(_COMMAND)
    if not marks:
        return escape(sentence, limit)
    pieces = re.split("(" + "|".join(marks) + ")", sentence)
    return "".join(_own(piece) if place % 2 else _escaped(piece) for place, piece in enumerate(pieces))


def _own(piece: str) -> str:
    return piece if piece.startswith("`") else f"[{_PUNCTUATION.sub(_BACKSLASH, piece)}]({piece})"
