"""TCP ports of this machine: who holds one."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Holder:
    """The program that listens on a port; `lineage`: its command line and those of its ancestors. Untrusted text."""

    pid: int
    name: str
    lineage: tuple[str, ...]


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
