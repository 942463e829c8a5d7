"""The web server: granian with one worker process and many threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from hubcore.settings import Settings

from . import config
from .commands import BODIES, WAITS
from .frontend import FILES
from .streams import FOLLOWERS, READERS
from .upstream_answers import BLOCKING

# What may block for long is limited to so many threads; the rest always answers reads.
_CONFIG = config.BODIES + config.READERS + config.WAITS
LIMITED = WAITS + BODIES + FOLLOWERS + READERS + BLOCKING + FILES + _CONFIG
THREADS = LIMITED + 16
# Seconds a client has to send the head of a request; also how long an idle connection is kept. Clients of the older
# dashboards ask every 30 s: closing at that moment would meet their next request half of the time.
HEADER_TIMEOUT = 20
HEADER_LIMIT = 64 * 1024  # bytes of a request's head; beyond, 431
STOP_TIMEOUT = 5  # seconds until a worker that does not end is killed
# granian's own messages go where ours go.
LOGGING: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}, "granian.access": {"handlers": [], "propagate": True}},
}


def serve(settings: Settings, build: Callable[[], Callable[..., Any]]) -> None:
    """Serve until SIGTERM or SIGINT; a worker that dies is replaced. `build` makes the application in the worker.

    Ends the process with exit code 1 when the worker cannot be kept alive.
    """
    server = Granian(
        "api_sidecar",
        address=settings.api_host,
        port=settings.api_port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT * 1000, max_buffer_size=HEADER_LIMIT),
        log_level=LogLevels.debug if settings.debug_mode else LogLevels.error,
        log_dictconfig=LOGGING,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_TIMEOUT,
    )
    server.serve(target_loader=build, wrap_loader=False)
