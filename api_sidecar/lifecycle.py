"""Birth and death of the sidecar's processes: logging, the port, and never outliving the parent.

The program is two processes: granian's main process, which restarts a worker that died, and the worker, which holds
the hub and answers. A worker whose main process was killed must not keep the port, and a main process whose supervisor
was killed must not go on alone.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

from hubcore.errors import HubError
from hubcore.listening import is_taken, trouble_with
from hubcore.models import text

log = logging.getLogger(__name__)

PORT_PATIENCE = 5.0  # seconds a predecessor has to let go of the port
GRACE = 3.0  # seconds to release what the hub holds before the process ends regardless
_POLL = 0.25


class PortTaken(HubError):
    """The API's address cannot be listened on."""

    code = "port_taken"


def require_port(host: str, port: int, patience: float = PORT_PATIENCE) -> None:
    """Make sure that nobody listens on the address; wait a little for a predecessor that is ending.

    Raises PortTaken.
    """
    deadline = time.monotonic() + patience
    while True:
        trouble = trouble_with(host, port)
        if trouble is None:
            return
        if not is_taken(trouble) or time.monotonic() >= deadline:
            raise _port_taken(host, port, trouble) from trouble
        time.sleep(_POLL)


def _port_taken(host: str, port: int, trouble: OSError) -> PortTaken:
    if is_taken(trouble):
        return PortTaken(
            text(
                "Port {port} is in use by another program. End that program, or choose another port with {setting}.",
                port=str(port),
                setting="DASHBOARD_API_PORT",
            )
        )
    return PortTaken(
        text(
            "The API cannot listen on {host}, port {port} ({reason}). Choose others with {settings}.",
            host=host,
            port=str(port),
            reason=os.strerror(trouble.errno) if trouble.errno and trouble.errno > 0 else "unknown address",
            settings="DASHBOARD_API_HOST, DASHBOARD_API_PORT",
        )
    )


def end_worker_with(close: Callable[[], None]) -> None:
    """Worker, main thread: call `close` once when told to stop or when the main process is gone, then end within GRACE.

    granian waits for open streams when it stops; a log that somebody follows would never let it go.
    """
    ending = threading.Lock()

    def end(code: int, drain: float) -> None:
        if not ending.acquire(blocking=False):
            return
        closing = threading.Thread(target=_close_logged, args=(close,), name="closing", daemon=True)
        closing.start()
        closing.join(GRACE)
        time.sleep(drain)  # an orderly end by granian comes first, usually
        os._exit(code)

    def orphaned() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            end(1, drain=0.0)

    threading.Thread(target=orphaned, name="parent-watch", daemon=True).start()
    _call_on_stop_signal(lambda: end(0, drain=1.0))


def _close_logged(close: Callable[[], None]) -> None:
    try:
        close()
    except Exception:
        log.exception("Could not close everything in order.")


def _call_on_stop_signal(act: Callable[[], None]) -> None:
    """Call `act` in a thread on SIGTERM or SIGINT, beside the handlers that granian installs later.

    Python writes the number of each signal it handles to the wake-up descriptor (`signal.set_wakeup_fd`).
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)

    def watch() -> None:
        with receiver, sender:
            while number := receiver.recv(1):
                if number[0] in (signal.SIGTERM, signal.SIGINT):
                    act()
                    return

    threading.Thread(target=watch, name="stop-watch", daemon=True).start()
