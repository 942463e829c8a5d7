"""TCP addresses to listen on: can one be used, does something answer there, and how is it reached from here."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import socket
import sys


def trouble_with(host: str, port: int) -> OSError | None:
    """Why the address cannot be listened on now; None when it can.

    A plain socket is used for the look: servers that listen with SO_REUSEPORT could share a port without noticing.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            if sys.platform != "win32":  # there it would mean sharing the port, not passing over TIME_WAIT
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error
    return None


def is_taken(trouble: OSError) -> bool:
    """Whether another program listens there, as opposed to a wrong address or missing rights."""
    return trouble.errno == errno.EADDRINUSE


def reachable(host: str) -> str:
    """The address under which what listens on `host` is reached from this machine: loopback for “all addresses”."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def answers(host: str, port: int, path: str, timeout: float = 1.0) -> bool:
    """Whether a GET there gets a 2xx answer in time (seconds)."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
