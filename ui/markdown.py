"""Untrusted words made safe for Streamlit's Markdown.

Names, labels, images and answers of services come from outside: a service may be called `**[x](http://y)**`. Streamlit
reads Markdown in titles, labels, buttons and badges, with `:icon:` and `:red[…]` of its own on top.
"""

from __future__ import annotations

import re
import string

# Characters that would change how the text around them is read: controls, and the marks that reverse the direction.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]+")
# Addresses that may become links: nothing in them can end a Markdown link or name another scheme.
SAFE_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~/-]*)?")
_JOINER = "\u2060"
_ADDRESS = re.compile(r"https?:(?=//)|www(?=\.)|.(?=@)", re.IGNORECASE)
_PUNCTUATION = re.compile("([" + re.escape(string.punctuation) + "])")


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
    return _PUNCTUATION.sub(r"\\\1", _ADDRESS.sub(lambda found: found[0] + _JOINER, plain(value, limit)))
