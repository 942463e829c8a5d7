"""Figures of the machine the collector runs on, by psutil."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

import psutil

from hubcore.models import HostFigures


class HostSampler:
    """Takes samples of the host. Use one per thread: the CPU figure is the mean since this sampler's last sample."""

    def __init__(self) -> None:
        # Not psutil.cpu_percent(): it remembers the last times per thread, and another thread may call sample().
        self._cpu_before: Any = psutil.cpu_times()
        self._cpu_percent = 0.0
        self._disk_path = Path.home().anchor or "/"  # "/", or the drive that holds the users' files
        self._hostname = platform.node()
        self._cpu_count = psutil.cpu_count() or 1
        self._booted_at = psutil.boot_time()

    def sample(self) -> HostFigures:
        """The figures of this moment. What the platform does not tell stays 0 or None."""
        memory, swap, disk = psutil.virtual_memory(), psutil.swap_memory(), psutil.disk_usage(self._disk_path)
        network, blocks = psutil.net_io_counters(), psutil.disk_io_counters()
        return HostFigures(
            taken_at=time.time(),
            hostname=self._hostname,
            cpu_percent=self._cpu(),
            cpu_count=self._cpu_count,
            memory_total=memory.total,
            memory_used=memory.used,
            memory_available=memory.available,
            memory_percent=memory.percent,
            swap_total=swap.total,
            swap_used=swap.used,
            disk_path=self._disk_path,
            disk_total=disk.total,
            disk_used=disk.used,
            disk_free=disk.free,
            disk_percent=disk.percent,
            load=_load(),
            network_rx=network.bytes_recv if network else 0,
            network_tx=network.bytes_sent if network else 0,
            disk_read=blocks.read_bytes if blocks else 0,
            disk_write=blocks.write_bytes if blocks else 0,
            booted_at=self._booted_at,
        )

    def _cpu(self) -> float:
        before, now = self._cpu_before, psutil.cpu_times()
        busy, passed = busy_time(now) - busy_time(before), all_time(now) - all_time(before)
        if passed > 0:  # two samples within one tick of the counters: the last figure stays
            self._cpu_before = now
            self._cpu_percent = round(min(max(busy / passed * 100, 0.0), 100.0), 1)
        return self._cpu_percent


def all_time(times: Any) -> float:
    """Seconds of all CPUs together, of a `psutil.cpu_times()`. Guests' time is already part of user and nice."""
    return float(sum(times)) - float(getattr(times, "guest", 0.0)) - float(getattr(times, "guest_nice", 0.0))


def busy_time(times: Any) -> float:
    """Seconds in which the CPUs worked: all but idle and waiting for disks."""
    return all_time(times) - float(times.idle) - float(getattr(times, "iowait", 0.0))


def _load() -> tuple[float, float, float] | None:
    # psutil imitates it on Windows by counting for minutes; a figure that is not there is better than a wrong one.
    return os.getloadavg() if hasattr(os, "getloadavg") else None
