"""The program's own log: one line an event on standard error."""

from __future__ import annotations

import logging
import sys

from .settings import Settings

# Their INFO and DEBUG lines say nothing to an owner; with debug mode they are shown all the same.
CHATTY = ("httpx", "httpcore", "urllib3", "docker", "asyncio")


def configure_logging(settings: Settings) -> None:
    """Set up the root logger by the settings; calling it again replaces the earlier setup."""
    level = logging.DEBUG if settings.debug_mode else logging.getLevelNamesMapping()[settings.log_level]
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr, force=True
    )
    for name in CHATTY:
        logging.getLogger(name).setLevel(level if settings.debug_mode else max(level, logging.WARNING))
