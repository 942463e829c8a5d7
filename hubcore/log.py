"""The program's own log: one line an event on standard error."""

from __future__ import annotations

import logging
import sys

from .settings import Settings

# Their INFO and DEBUG lines say nothing to an owner; with debug mode they are shown all the same.
CHATTY = ("httpx", "httpcore", "urllib3", "docker", "asyncio")


class Trouble:
    """Trouble that may come many times a second: told once, until it is another one or over."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._told = ""

    def tell(self, what: str, error: Exception) -> None:
        """`what` went wrong because of `error`."""
        said = f"{what}: {error} ({getattr(error, 'detail', None) or type(error).__name__})"
        if said != self._told:
            self._logger.warning("%s", said)
        self._told = said

    def over(self) -> None:
        """It works again."""
        if self._told:
            self._logger.info("Over: %s", self._told)
        self._told = ""


def configure_logging(settings: Settings) -> None:
    """Set up the root logger by the settings; calling it again replaces the earlier setup."""
    level = logging.DEBUG if settings.debug_mode else logging.getLevelNamesMapping()[settings.log_level]
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr, force=True
    )
    for name in CHATTY:
        logging.getLogger(name).setLevel(level if settings.debug_mode else max(level, logging.WARNING))
