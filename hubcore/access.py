"""Who a request comes from: this machine without a token, or the holder of one.

On a loopback address nobody else can reach the port, so whoever comes without a token is the owner; unless the setting
`DASHBOARD_REQUIRE_TOKEN` says otherwise. On any other address everybody needs a token. A token that is sent always
counts, so that a script can be held to a role of its own on the machine itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from .attempts import Attempts
from .errors import TokenRequired, TokensUnreadable, TooManyAttempts
from .models import Text, text
from .origins import is_loopback
from .roles import Principal
from .settings import Settings
from .tokens import Token, bearer, find

log = logging.getLogger(__name__)

_MAKE_ONE = text("Make one on the machine itself: `python -m hubcore token create NAME --role viewer`.")


class Tokens(Protocol):
    """Where the tokens are kept; see `adapters/tokenfile.py`."""

    def tokens(self) -> Sequence[Token]:
        """All tokens as they are now. Raises TokensUnreadable."""

    def note_use(self, token_id: str) -> None:
        """Remember that a token was used now."""


class Access:
    """Identifies the sender of a request. Safe for threads."""

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        *,
        attempts: Attempts | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = is_loopback(settings.api_host) and not settings.require_token
        self._tokens = tokens
        self._attempts = attempts or Attempts()
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._told_damage = False

    @property
    def needs_token(self) -> bool:
        """Whether nobody gets in without a token."""
        return not self._open

    def identify(self, authorization: str | None, address: str) -> Principal:
        """The sender, by the Authorization header and the client's address.

        Raises TokenRequired (none, unknown, expired), TooManyAttempts, TokensUnreadable.
        """
        if authorization is None:
            if self._open:
                return Principal(address=address)
            raise TokenRequired(text("This address needs a token."), remedy=_MAKE_ONE)
        with self._lock:
            wait = self._attempts.wait(address, self._monotonic())
        if wait > 0:
            raise TooManyAttempts(wait)
        token = self._judge(bearer(authorization))
        if isinstance(token, Text):
            with self._lock:
                wait = self._attempts.failed(address, self._monotonic())
            if wait > 0:
                raise TooManyAttempts(wait)
            raise TokenRequired(token, remedy=_MAKE_ONE)
        self._tokens.note_use(token.id)
        return Principal(token.name, token.role, address, token.id)

    def holds(self, principal: Principal) -> bool:
        """Whether who was identified some time ago would be so now: for answers that take long."""
        if principal.token is None:
            return self._open
        try:
            known = next((token for token in self._known() if token.id == principal.token), None)
        except TokensUnreadable:
            return False
        return known is not None and known.role.includes(principal.role) and not known.expired(self._clock())

    def _judge(self, whole: str | None) -> Token | Text:
        """The token that somebody sent, or why it does not count."""
        if whole is None:
            return text("The Authorization header must read “Bearer” and a token of the dashboard.")
        token = find(whole, self._known())
        if token is None:
            return text("This token is unknown, or it has been revoked.")
        if token.expired(self._clock()):
            return text("The token “{name}” has expired.", name=token.name)
        return token

    def _known(self) -> Sequence[Token]:
        try:
            known = self._tokens.tokens()
        except TokensUnreadable as error:
            if not self._told_damage:
                log.error("%s (%s)", error, error.detail)
            self._told_damage = True
            raise
        self._told_damage = False
        return known
