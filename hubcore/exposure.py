"""Whether the API may listen where the settings want it: beyond this machine only for those who hold a token."""

from __future__ import annotations

import time

from .adapters.tokenfile import TokenFile
from .errors import SettingsError
from .models import text
from .origins import is_loopback, is_wildcard
from .settings import Settings


def require_tokens(settings: Settings) -> None:
    """Refuse to listen beyond loopback before there is a token that opens anything.

    Raises SettingsError, whose text says what to do, and TokensUnreadable.
    """
    if is_loopback(settings.api_host) or usable_tokens(settings):
        return
    raise SettingsError(
        text(
            "DASHBOARD_API_HOST is “{host}”, which others can reach, and there is no API token: make one with "
            "`python -m hubcore token create NAME --role admin`, or set it to 127.0.0.1.",
            host=settings.api_host,
        )
    )


def usable_tokens(settings: Settings) -> int:
    """How many tokens open something now. Raises TokensUnreadable."""
    now = time.time()
    return sum(not token.expired(now) for token in TokenFile(settings.state_dir).tokens())


def is_nameless(settings: Settings) -> bool:
    """Whether others could reach the API but none of its names: it listens everywhere and no host is allowed."""
    return is_wildcard(settings.api_host) and not settings.allowed_hosts
