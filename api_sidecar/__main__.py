"""`python -m api_sidecar`: serve the API until told to stop.

Exit codes: 0 stopped, 1 the worker could not be kept alive, 2 a setting is wrong, 3 the port cannot be used.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from wsgiref.types import WSGIApplication

from hubcore.errors import HubError, SettingsError, TokensUnreadable
from hubcore.exposure import require_tokens
from hubcore.log import configure_logging
from hubcore.origins import authority
from hubcore.process_life import end_with_parent
from hubcore.settings import Settings, load_settings
from hubcore.texts import Translator

from . import server
from .lifecycle import PortTaken, require_port

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
    settings = None
    try:
        settings = load_settings()
        require_tokens(settings)
        if not options.supervised:
            _open_state(settings)
    except (SettingsError, TokensUnreadable) as error:
        return _fail(error, settings, 2)
    except OSError as error:
        sys.stderr.write(f"The API cannot use its directory (DASHBOARD_STATE_DIR): {error}\n")
        return 1
    configure_logging(settings)
    if options.supervised:
        end_with_parent()
    try:
        require_port(settings.api_host, settings.api_port)
    except PortTaken as error:
        return _fail(error, settings, 3)
    log.info("The API is at http://%s", authority(settings.api_host, settings.api_port))
    server.serve(settings, build)
    return 0


def _open_state(settings: Settings) -> None:
    """Here already, so that it is told once; imported only now, for it brings Docker's SDK along."""
    from hubcore.statefolder import open_state

    open_state(settings)


def _fail(error: HubError, settings: Settings | None, code: int) -> int:
    translator = Translator((settings.language if settings else None) or "en")
    sys.stderr.write(translator.text(error.text).replace("\n", " ") + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
