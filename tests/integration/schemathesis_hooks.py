"""Loaded by schemathesis: each request comes from an address of its own.

The API looks at ten wrong tokens a minute from one address. schemathesis sends wrong ones to every operation, and all
that follows from the same address would only be told to wait.
"""

from __future__ import annotations

import itertools
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

_addresses = itertools.cycle(f"127.0.{third}.{fourth}" for third in range(1, 200) for fourth in range(1, 255))
_send, _connect = HTTPAdapter.send, HTTPConnection._new_conn


def _send_and_close(self: HTTPAdapter, request: Any, *arguments: Any, **options: Any) -> Any:
    request.headers["Connection"] = "close"
    return _send(self, request, *arguments, **options)


def _connect_from_the_next(self: HTTPConnection) -> Any:
    self.source_address = (next(_addresses), 0)
    return _connect(self)


HTTPAdapter.send = _send_and_close  # type: ignore[method-assign]
HTTPConnection._new_conn = _connect_from_the_next  # type: ignore[method-assign]
