"""Names and passwords inside addresses (`tcp://user:password@host`): shown nowhere. Pure."""

from __future__ import annotations

from urllib.parse import unquote

_LEAST = 3  # characters; a shorter word is no secret, and would be found in the middle of others
HIDDEN = "…"


def without_userinfo(url: str) -> str:
    """An address as it may be shown: what stands before the `@` left out. Paths of sockets stay as they are."""
    scheme, separator, rest = url.rpartition("://")
    if scheme.endswith(("unix", "npipe")):
        return url
    return scheme + separator + rest.rpartition("@")[2]


def scrubbed(words: str, url: str) -> str:
    """Foreign words about an address, such as an error message: its name and password replaced by an ellipsis."""
    hidden = userinfo(url)
    password = hidden.partition(":")[2]
    for secret in (hidden, unquote(hidden), password, unquote(password)):
        if len(secret) >= _LEAST:
            words = words.replace(secret, HIDDEN)
    return words


def userinfo(url: str) -> str:
    """What stands before the `@` of an address, "" where nothing does."""
    shown = without_userinfo(url)
    return url.rpartition("://")[2][: -len(shown.rpartition("://")[2]) - 1] if shown != url else ""
