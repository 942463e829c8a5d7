"""A bottle application that only answers, on the sidecar's server: `python -m benchmarks.bare PORT SIZE`."""

from __future__ import annotations

import sys

import bottle
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

SIZE = int(sys.argv[2]) if len(sys.argv) > 2 else 100


def build() -> bottle.Bottle:
    """One route with an answer of a fixed size."""
    app = bottle.Bottle()
    body = b"{" + b" " * (SIZE - 2) + b"}"

    def bare() -> bytes:
        bottle.response.content_type = "application/json"
        return body

    app.route("/bare", callback=bare)
    return app


if __name__ == "__main__":
    Granian(
        "benchmarks.bare",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        blocking_threads=64,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.error,
        log_access=False,
    ).serve(target_loader=build, wrap_loader=False)
