"""Secrets of a configuration: which values they are, showing a mask instead, and taking the mask back. Pure.

A secret is the whole value of a variable whose name says so, and the password inside a URL or a connection string of
any other. People edit what they were shown and send all of it back: a mask that comes back stands for what is stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "*" * 8

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TELLING = re.compile(
    "passwor[dt]|passwd|passphrase|secret|token|credential|(access|api|encryption|license|master|private|signing|ssh)key"
)
_TELLING_WORDS = frozenset({"key", "keys", "pass", "pwd", "pw", "auth", "salt", "cred", "creds"})
_SWITCHES = frozenset({"true", "false", "yes", "no", "on", "off"})  # ENABLE_API_KEY=true gives nothing away
_HARMLESS_WORDS = frozenset({"tokenizer", "tokenizers", "tokenization"})
_AMOUNTS = frozenset({"max", "min", "limit", "count", "num", "number", "per"})  # MAX_TOKENS is an amount
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PLAIN_HOST = re.compile(r"[^\s:@/?#]+:\d{1,5}(?=[/?#,;\"']|$)")
_AUTHORITY = re.compile(r"[^/?#]*")
_PATH = re.compile(r"[^?#]*(?:[?#][^=]*@.*)?")
_ASSIGNED = re.compile(
    r"(?<![A-Za-z0-9])(?:password|passwd|pwd|secret|token|access_token|api_?key|client_secret|sig)\s*=\s*([^\s&;\"']+)",
    re.IGNORECASE,
)


class MaskStandsForNothing(ValueError):
    """A mask came back for something that is not stored."""


def names_secret(key: str) -> bool:
    """Whether a variable of this name holds a secret."""
    words = [word.lower() for word in _WORDS.findall(key)]
    joined = "".join(word for word in words if word not in _HARMLESS_WORDS)
    if words and words[-1] == "tokens" and _AMOUNTS.intersection(words):
        return False
    return _TELLING.search(joined) is not None or not _TELLING_WORDS.isdisjoint(words)


def mask(key: str, value: str) -> str:
    """The value as it may be shown: secrets replaced by eight asterisks; an empty value stays empty."""
    shown, end = "", 0
    for start, stop in _secrets(key, value):
        shown, end = shown + value[end:start] + MASK, stop
    return shown + value[end:]


def unmask(key: str, value: str, stored: str | None) -> str:
    """What a value that came back stands for; `stored` is the present one, None without one.

    A mask in place of a secret becomes that secret: the only one, or the one at the same position. Raises
    MaskStandsForNothing where there is none.
    """
    if stored is not None and value == mask(key, stored):
        return stored
    spans = _secrets(key, value)
    masked = [number for number, (start, stop) in enumerate(spans) if MASK in value[start:stop]]
    if value.strip("\"'") == MASK or any(value[slice(*spans[number])] != MASK for number in masked):
        raise MaskStandsForNothing(key)
    known = [stored[start:stop] for start, stop in _secrets(key, stored)] if stored is not None else []
    if masked and len(known) not in (1, len(spans)):
        raise MaskStandsForNothing(key)
    for number in reversed(masked):
        if len(known) == 1 and len(masked) > 1:
            raise MaskStandsForNothing(key)
        start, stop = spans[number]
        value = value[:start] + (known[0] if len(known) == 1 else known[number]) + value[stop:]
    return value


def scrub(line: str, secrets: Iterable[str]) -> str:
    """A line of foreign output with these texts replaced by the mask, the longest first; short ones are left."""
    for secret in sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True):
        line = line.replace(secret, MASK)
    return line


def _secrets(key: str, value: str) -> list[tuple[int, int]]:
    """Where the secrets of a value are, in order, without overlaps."""
    if not value or value.strip("\"'").lower() in _SWITCHES:
        return []
    if names_secret(key):
        return [(0, len(value))]
    found = sorted([*_passwords(value), *(match.span(1) for match in _ASSIGNED.finditer(value))])
    apart: list[tuple[int, int]] = []
    for start, stop in found:
        if start < stop and (not apart or start >= apart[-1][1]):
            apart.append((start, stop))
    return apart


def _passwords(value: str) -> Iterable[tuple[int, int]]:
    """The passwords of the URLs in a value: between the first colon of the user part and the last at sign."""
    schemes = list(_SCHEME.finditer(value))
    for number, scheme in enumerate(schemes):
        limit = schemes[number + 1].start() if number + 1 < len(schemes) else len(value)
        rest = value[scheme.end() : limit]
        rest = re.split(r"\s", rest, maxsplit=1)[0]
        authority = _AUTHORITY.match(rest)[0]  # type: ignore[index]
        if "@" not in authority and (_PLAIN_HOST.match(rest) or ":" not in authority):
            continue
        # A password may hold the very characters that end an authority; what follows a question mark rarely is one.
        part = rest if "@" not in authority else _PATH.match(rest)[0]  # type: ignore[index]
        if "@" in part[len(authority) :]:
            authority = part
        colon, at = authority.find(":"), authority.rfind("@")
        if 0 <= colon < at:
            yield scheme.end() + colon + 1, scheme.end() + at
