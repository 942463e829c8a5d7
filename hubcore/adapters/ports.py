"""TCP ports of this machine: is one free, who holds it, does something answer there."""

from __future__ import annotations

import errno
import http.client
import socket
import sys
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Holder:
    """The program that listens on a port; `lineage`: its command line and those of its ancestors. Untrusted text."""

    pid: int
    name: str
    lineage: tuple[str, ...]


def trouble_with(host: str, port: int) -> OSError | None:
    """Why the address cannot be listened on now; None when it can."""
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


def holder_of(port: int) -> Holder | None:
    """The program that listens on a TCP port, as far as this user may know."""
    try:
        listening = psutil.net_connections("tcp")
        pids = [
            c.pid for c in listening if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port and c.pid
        ]
        if not pids:
            return None
        process = psutil.Process(pids[0])
        return Holder(process.pid, process.name(), tuple(_command(p) for p in (process, *process.parents())))
    except psutil.Error:  # another user's program, or it ended meanwhile
        return None


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def answers(host: str, port: int, path: str, timeout: float = 1.0) -> bool:
    """Whether a GET there gets a 2xx answer in time."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
