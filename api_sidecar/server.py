"""The web server: granian with one worker process and many threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from hubcore.settings import Settings

from .commands import BODIES, WAITS
from .streams import FOLLOWERS, READERS

# What may block for long is limited to WAITS + BODIES + FOLLOWERS + READERS threads; the rest always answers reads.
THREADS = WAITS + BODIES + FOLLOWERS + READERS + 16
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
        log_level=LogLevels.debug if settings.debug_mode else LogLevels.error,
        log_dictconfig=LOGGING,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_TIMEOUT,
    )
    server.serve(target_loader=build, wrap_loader=False)
