"""`python -m api_sidecar`: serve the API until told to stop.

Exit codes: 0 stopped, 1 the worker could not be kept alive, 2 a setting is wrong, 3 the port cannot be used.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from wsgiref.types import WSGIApplication

from hubcore.errors import HubError, SettingsError
from hubcore.log import configure_logging
from hubcore.settings import Settings, load_settings
from hubcore.texts import Translator

from . import server
from .lifecycle import PortTaken, end_with_supervisor, require_port

log = logging.getLogger("api_sidecar")


def build() -> WSGIApplication:
    """The application, in the worker; the hub is imported there, so that the main process stays small."""
    from .wsgi import build as build_application

    return build_application()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m api_sidecar", description="The dashboard’s JSON API.")
    parser.add_argument(
        "--supervised", action="store_true", help="end when the program that started this one ends (used by hubcore up)"
    )
    options = parser.parse_args(arguments)
    try:
        settings = load_settings()
    except SettingsError as error:
        return _fail(error, None, 2)
    configure_logging(settings)
    if options.supervised:
        end_with_supervisor()
    try:
        require_port(settings.api_host, settings.api_port)
    except PortTaken as error:
        return _fail(error, settings, 3)
    log.info("The API is at http://%s:%s", settings.api_host, settings.api_port)
    server.serve(settings, build)
    return 0


def _fail(error: HubError, settings: Settings | None, code: int) -> int:
    translator = Translator((settings.language if settings else None) or "en")
    sys.stderr.write(translator.text(error.text).replace("\n", " ") + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
