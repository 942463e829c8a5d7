"""From two readings of a container's counters to the figures people see. Pure arithmetic.

The formulas are those of the docker command (`docker stats`, cli/command/container/stats_helpers.go): the share of CPU
is `cpu_delta / system_delta * online_cpus * 100`, where the system's time is that of all CPUs together. Where only the
wall clock is known, `cpu_delta / wall_delta * 100` is the same figure. Memory in use leaves out the page cache that the
kernel may drop at any moment (`inactive_file`).
"""

from __future__ import annotations

from dataclasses import dataclass

from .models import Figures


@dataclass(frozen=True, slots=True)
class RawSample:
    """One reading of a container's (or a process's) counters.

    `clock_ns` is a monotonic clock, so that a corrected wall clock makes no wrong rate; two samples may be compared
    only when the same process of this dashboard took both. `system_ns` is the time of all CPUs together where the
    source reports it. `memory_limit` None or 0 means no limit.
    """

    taken_at: float
    clock_ns: int
    cpu_ns: int
    memory_usage: int = 0
    memory_limit: int | None = None
    network_rx: int = 0
    network_tx: int = 0
    block_read: int = 0
    block_write: int = 0
    pids: int | None = None
    system_ns: int | None = None
    online_cpus: int = 1


def figures(previous: RawSample | None, current: RawSample, host_memory: int, source: str) -> Figures:
    """The figures at `current`. `cpu_percent` is None for the first sample and after a restart of the container.

    `host_memory` (bytes) stands in for a missing limit, or one beyond what the machine has, as in `docker stats`.
    """
    limit = current.memory_limit or host_memory
    if 0 < host_memory < limit:
        limit = host_memory
    percent = round(min(current.memory_usage / limit * 100, 100.0), 2) if limit > 0 else 0.0
    return Figures(
        taken_at=current.taken_at,
        source=source,
        cpu_percent=cpu_percent(previous, current),
        memory_usage=current.memory_usage,
        memory_limit=limit,
        memory_percent=percent,
        network_rx=current.network_rx,
        network_tx=current.network_tx,
        block_read=current.block_read,
        block_write=current.block_write,
        pids=current.pids,
    )


def cpu_percent(previous: RawSample | None, current: RawSample) -> float | None:
    """Per cent of one core between two samples, two decimals; None when it cannot be told.

    It cannot without a first sample, without time between the two, or when the counter went backwards: the container
    was started anew in between.
    """
    if previous is None or current.cpu_ns < previous.cpu_ns:
        return None
    used = current.cpu_ns - previous.cpu_ns
    if previous.system_ns is not None and current.system_ns is not None:
        passed = (current.system_ns - previous.system_ns) / max(current.online_cpus, 1)
    else:
        passed = float(current.clock_ns - previous.clock_ns)
    if passed <= 0:
        return None
    return round(used / passed * 100, 2)


def resident(usage: int, inactive_file: int) -> int:
    """Memory in use as `docker stats` counts it: without page cache that the kernel may drop (never negative)."""
    return usage - inactive_file if inactive_file < usage else usage
