"""What granian's worker process runs: the hub is made here, after the fork, and lives as long as the worker."""

from __future__ import annotations

import logging
import sys
from wsgiref.types import WSGIApplication

from hubcore.errors import HubError
from hubcore.hub import Hub
from hubcore.log import configure_logging
from hubcore.settings import load_settings

from .app import create_app
from .lifecycle import end_worker_with

log = logging.getLogger(__name__)


def build() -> WSGIApplication:
    """The application with a running hub. Called once per worker, in its main thread.

    A hub that cannot start ends the worker with one line in the log instead of a traceback.
    """
    settings = load_settings()
    configure_logging(settings)
    try:
        hub = Hub(settings)
        hub.start()
    except HubError as error:
        log.critical("The API cannot start: %s %s", error, error.remedy.english() if error.remedy else "")
        sys.exit(1)
    except OSError as error:
        log.critical("The API cannot use its directory (DASHBOARD_STATE_DIR): %s", error)
        sys.exit(1)
    end_worker_with(hub.close)
    return create_app(hub)
