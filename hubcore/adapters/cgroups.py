"""Container figures from the kernel's files: microseconds per container, no work for the engine.

Sources: Documentation/admin-guide/cgroup-v1/{cpuacct,memory,blkio-controller}.rst, cgroup-v2.rst and proc(5) of Linux.
Memory is counted as `docker stats` does. Network counters come from `/proc/<pid>/net/dev` of a process of the
container, taken from the cgroup itself: so it is never a process of someone else that got the same number.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hubcore.models import Container, ContainerStatus
from hubcore.rates import RawSample, resident

log = logging.getLogger(__name__)

# Where the engine puts a container: cgroupfs driver, systemd driver, rootless engine.
PATTERNS = (
    "docker/{id}",
    "system.slice/docker-{id}.scope",
    "user.slice/user-*.slice/user@*.service/*/docker-{id}.scope",
    "user.slice/user-*.slice/user@*.service/docker-{id}.scope",
)
UNLIMITED = 1 << 60  # v1 says “no limit” as the largest multiple of the page size


@dataclass(frozen=True, slots=True)
class _Group:
    """The files of one container's control group."""

    version: int
    cpu: str  # directories, which for v2 are all the same one
    memory: str
    block: str
    pids: str


class CgroupSampler:
    """Reads the counters of running containers. Use one per thread.

    `cgroup_root` and `proc_root` are the kernel's `/sys/fs/cgroup` and `/proc`.
    """

    def __init__(self, cgroup_root: Path = Path("/sys/fs/cgroup"), proc_root: Path = Path("/proc")) -> None:
        self._root = cgroup_root
        self._proc = proc_root
        self._groups: dict[str, _Group] = {}

    def sample(self, containers: Sequence[Container]) -> dict[str, RawSample]:
        """One sample for each running container whose files can be read, by container id."""
        running = [c for c in containers if c.status in (ContainerStatus.RUNNING, ContainerStatus.PAUSED)]
        for gone in self._groups.keys() - {c.id for c in running}:
            del self._groups[gone]
        samples = {}
        for container in running:
            sample = self._one(container)
            if sample is not None:
                samples[container.id] = sample
        return samples

    def _one(self, container: Container) -> RawSample | None:
        known = self._groups.get(container.id)
        group = known or self._find(container)
        if group is None:
            return None
        try:
            sample = _read_group(group, self._network(container, group))
        except (OSError, ValueError) as error:
            # Normal for a container that just ended; its directory goes with it.
            log.debug("no figures of container %s: %s", container.short_id, error)
            self._groups.pop(container.id, None)
            return None
        self._groups[container.id] = group
        return sample

    def _find(self, container: Container) -> _Group | None:
        if (self._root / "cgroup.controllers").exists():
            base = self._root
            path = self._locate(base, container)
            return _Group(2, path, path, path, path) if path else None
        found = [self._locate(self._root / name, container) for name in ("cpuacct", "memory", "blkio", "pids")]
        cpu, memory, block, pids = found
        return _Group(1, cpu, memory, block or "", pids or "") if cpu and memory else None

    def _locate(self, base: Path, container: Container) -> str | None:
        """The directory of a container below the mount point of a controller."""
        for pattern in PATTERNS:
            relative = pattern.format(id=container.id)
            candidates: Iterable[Path] = base.glob(relative) if "*" in relative else (base / relative,)
            for candidate in candidates:
                if (candidate / "cgroup.procs").exists():
                    return str(candidate)
        return self._locate_by_pid(base, container)

    def _locate_by_pid(self, base: Path, container: Container) -> str | None:
        # Other parents (--cgroup-parent) show in /proc/<pid>/cgroup: lines of “hierarchy:controllers:path”.
        if container.pid <= 0:
            return None
        try:
            lines = _read(f"{self._proc}/{container.pid}/cgroup").splitlines()
        except OSError:
            return None
        for line in lines:
            _, controllers, path = line.split(":", 2)
            fits = base == self._root if controllers == "" else base.name in controllers.split(",")
            candidate = base / path.lstrip("/")
            if fits and container.id in path and (candidate / "cgroup.procs").exists():
                return str(candidate)
        return None

    def _network(self, container: Container, group: _Group) -> tuple[int, int]:
        """Bytes received and sent; (0, 0) with the host's network, as the engine reports it."""
        if container.network_mode in ("host", "none"):
            return 0, 0
        pids = [pid for pid in _read(f"{group.cpu}/cgroup.procs").split() if pid != "0"]
        own = str(container.pid)
        pid = own if own in pids else next(iter(pids), "")
        if not pid:
            raise ValueError("no visible process in the control group")
        return network_totals(_read(f"{self._proc}/{pid}/net/dev"))


def _read_group(group: _Group, network: tuple[int, int]) -> RawSample:
    reader = _read_v2 if group.version == 2 else _read_v1
    return reader(group, network)


def _read_v1(group: _Group, network: tuple[int, int]) -> RawSample:
    cpu_ns = int(_read(f"{group.cpu}/cpuacct.usage"))
    clock_ns = time.monotonic_ns()
    inactive = _field(_read(f"{group.memory}/memory.stat"), "total_inactive_file") or 0
    limit = int(_read(f"{group.memory}/memory.limit_in_bytes"))
    read, write = 0, 0
    if group.block:
        read, write = block_totals_v1(_read(f"{group.block}/blkio.throttle.io_service_bytes"))
    return RawSample(
        taken_at=time.time(),
        clock_ns=clock_ns,
        cpu_ns=cpu_ns,
        memory_usage=resident(int(_read(f"{group.memory}/memory.usage_in_bytes")), inactive),
        memory_limit=limit if limit < UNLIMITED else None,
        network_rx=network[0],
        network_tx=network[1],
        block_read=read,
        block_write=write,
        pids=_number(f"{group.pids}/pids.current") if group.pids else None,
    )


def _read_v2(group: _Group, network: tuple[int, int]) -> RawSample:
    usage = _field(_read(f"{group.cpu}/cpu.stat"), "usage_usec")
    clock_ns = time.monotonic_ns()
    if usage is None:
        raise ValueError("no usage_usec in cpu.stat")
    inactive = _field(_read(f"{group.memory}/memory.stat"), "inactive_file") or 0
    limit = _read(f"{group.memory}/memory.max").strip()
    read, write = block_totals_v2(_optional(f"{group.block}/io.stat"))
    return RawSample(
        taken_at=time.time(),
        clock_ns=clock_ns,
        cpu_ns=usage * 1000,
        memory_usage=resident(int(_read(f"{group.memory}/memory.current")), inactive),
        memory_limit=None if limit == "max" else int(limit),
        network_rx=network[0],
        network_tx=network[1],
        block_read=read,
        block_write=write,
        pids=_number(f"{group.pids}/pids.current"),
    )


def network_totals(text: str) -> tuple[int, int]:
    """Bytes received and sent by all interfaces but the loopback, from the text of `/proc/<pid>/net/dev`."""
    received = sent = 0
    for line in text.splitlines()[2:]:
        name, _, rest = line.partition(":")
        columns = rest.split()
        if name.strip() != "lo" and len(columns) >= 9:
            received += int(columns[0])
            sent += int(columns[8])
    return received, sent


def block_totals_v1(text: str) -> tuple[int, int]:
    """Bytes read and written, from `blkio.throttle.io_service_bytes`: lines of `8:0 Read 4096`."""
    totals = {"Read": 0, "Write": 0}
    for line in text.splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[1] in totals:
            totals[parts[1]] += int(parts[2])
    return totals["Read"], totals["Write"]


def block_totals_v2(text: str) -> tuple[int, int]:
    """Bytes read and written, from `io.stat`: lines of `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 …`."""
    read = written = 0
    for line in text.splitlines():
        for part in line.split()[1:]:
            key, _, value = part.partition("=")
            if key == "rbytes":
                read += int(value)
            elif key == "wbytes":
                written += int(value)
    return read, written


def _field(text: str, name: str) -> int | None:
    """One number of a file with lines of `name number`; None when it is not there."""
    start = f"\n{text}".find(f"\n{name} ")
    return int(text[start + len(name) + 1 :].split("\n", 1)[0]) if start >= 0 else None


def _number(path: str) -> int | None:
    text = _optional(path).strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _optional(path: str) -> str:
    """A file of a controller that need not be enabled."""
    try:
        return _read(path)
    except FileNotFoundError:
        return ""


def _read(path: str) -> str:
    # Plain descriptors: a third of the time of open() and Path.read_text(), and there are hundreds of files a round.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        pieces = []
        while piece := os.read(descriptor, 65536):
            pieces.append(piece)
            if len(piece) < 4096:  # the kernel gives small files whole; longer ones may come in pages
                break
        return b"".join(pieces).decode("ascii", "replace")
    finally:
        os.close(descriptor)
