"""API tokens: their form, their proof, their life. Pure.

A token reads `hub_<id>_<secret>`. The id is public and names the token in lists and in the audit log; the secret is 32
random bytes. Only the SHA-256 of the whole token is kept: a secret of 256 random bits cannot be guessed from it however
fast the hash is, so the slow hashes that passwords need would cost time at every request and protect nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from .errors import BadRequest
from .models import Model, text
from .roles import Role

SECRET_BYTES = 32
LONGEST_LIFE = 3660 * 86400  # seconds
_FORM = re.compile(r"hub_(?P<id>[0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"\w[\w .@-]{0,59}")
_ID = re.compile(r"[0-9a-f]{8}")
_SPAN = re.compile(r"(?P<count>[0-9]{1,6})(?P<unit>[mhdw])")
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
RESERVED = ("local",)  # what the audit log calls whoever needs no token
_NOBODY = hashlib.sha256(b"").hexdigest()


class Token(Model):
    """What is kept of a token: everything but the secret. Times are epoch seconds; `expires_at` None: never."""

    id: str
    name: str
    role: Role
    digest: str
    created_at: float
    expires_at: float | None = None

    def expired(self, now: float) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and now >= self.expires_at


class Issued(NamedTuple):
    """A new token: what is kept of it, and its text, which is shown once."""

    token: Token
    secret: str


def issue(name: str, role: Role, now: float, *, life: float | None = None, existing: Iterable[Token] = ()) -> Issued:
    """Make a token that is good for `life` seconds (None: until it is revoked).

    Raises BadRequest for a name that is taken or that cannot be one.
    """
    known = list(existing)
    name = checked_name(name, known)
    token_id = secrets.token_hex(4)
    while any(token.id == token_id for token in known):
        token_id = secrets.token_hex(4)
    secret = base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()
    whole = f"hub_{token_id}_{secret}"
    expires_at = None if life is None else round(now + life, 3)
    made = Token(
        id=token_id, name=name, role=role, digest=_digest(whole), created_at=round(now, 3), expires_at=expires_at
    )
    return Issued(made, whole)


def checked_name(name: str, existing: Iterable[Token] = ()) -> str:
    """A name for a new token, blanks around it removed. Raises BadRequest."""
    name = name.strip()
    if not _NAME.fullmatch(name) or _ID.fullmatch(name) or name.lower() in RESERVED:
        raise BadRequest(
            text("“{name}” cannot be the name of a token.", name=name[:80]),
            remedy=text("Use up to 60 letters, digits, blanks, dots, dashes; for example “backup script”."),
        )
    if any(token.name.casefold() == name.casefold() for token in existing):
        raise BadRequest(
            text("There is a token named “{name}” already.", name=name),
            remedy=text("Choose another name, or revoke that one first."),
        )
    return name


def find(whole: str, known: Iterable[Token]) -> Token | None:
    """The token that `whole` proves, expired or not; None when it proves none.

    Takes the same time for an unknown id as for a wrong secret.
    """
    form = _FORM.fullmatch(whole)
    token_id = form["id"] if form else ""
    candidate = next((token for token in known if token.id == token_id), None)
    same = hmac.compare_digest(_digest(whole), candidate.digest if candidate is not None else _NOBODY)
    return candidate if same and form is not None else None


def id_of(whole: str) -> str | None:
    """The public id in something that has a token's form; None for anything else."""
    form = _FORM.fullmatch(whole)
    return form["id"] if form else None


def named(name_or_id: str, known: Iterable[Token]) -> Token | None:
    """The token with this id or name."""
    wanted = name_or_id.strip().casefold()
    return next((token for token in known if token.id == wanted or token.name.casefold() == wanted), None)


def span(written: str) -> float:
    """Seconds of a span such as `90d`, `12h`, `30m` or `2w`. Raises BadRequest."""
    found = _SPAN.fullmatch(written.strip().lower())
    seconds = int(found["count"]) * _UNITS[found["unit"]] if found else 0
    if not 0 < seconds <= LONGEST_LIFE:
        raise BadRequest(
            text("“{span}” is no span of time.", span=written[:40]),
            remedy=text("Write it as 90d, 12h, 30m or 2w; ten years at most."),
        )
    return float(seconds)


def bearer(authorization: str) -> str | None:
    """The token of an Authorization header (`Bearer <token>`, RFC 6750); None for another scheme."""
    scheme, _, credentials = authorization.strip().partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def _digest(whole: str) -> str:
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()
