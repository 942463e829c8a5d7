"""Known services that run as programs of this machine, without Docker: who has their ports, and what they use."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import psutil

from hubcore.models import Figures
from hubcore.rates import RawSample, figures

log = logging.getLogger(__name__)

REACHABLE = ("127.0.0.1", "0.0.0.0", "::1", "::", "*", "")  # noqa: S104  # compared, not bound
# Programs that hold published ports on Docker's behalf (Linux, rootless, Docker Desktop, Podman).
DOCKERS = ("docker-proxy", "dockerd", "rootlesskit", "rootlessport", "slirp4netns", "vpnkit", "gvproxy", "containerd")
IN_CONTAINER = ("docker", "containerd", "libpod", "kubepods", "lxc")


class Wanted(Protocol):
    """How a service is recognised: ports in order of preference, and usual names of its process."""

    @property
    def ports(self) -> tuple[int, ...]: ...
    @property
    def processes(self) -> tuple[str, ...]: ...


class NativeProcess(NamedTuple):
    """A program that listens where a known service would. `pid` None: it belongs to another user."""

    port: int
    pid: int | None


def find_native(wanted: Mapping[str, Wanted], docker_ports: Collection[int] = ()) -> dict[str, NativeProcess]:
    """By service, the program that listens on one of its ports and is not Docker's.

    That it really is the service must be asked of itself. `docker_ports` are known to be published by containers.
    """
    listeners = _listeners()
    unknown = any(None in listeners.get(port, ()) for preset in wanted.values() for port in preset.ports)
    taken = {*docker_ports, *(_proxied_ports() if unknown else ())}
    found: dict[str, NativeProcess] = {}
    for service, preset in wanted.items():
        for port in preset.ports:
            pids = listeners.get(port, set())
            own = [pid for pid in pids if pid is not None and not belongs_to_docker(pid)]
            if own:
                found[service] = NativeProcess(port, _main_process(own, preset.processes))
                break
            if pids == {None} and port not in taken:
                found[service] = NativeProcess(port, None)
                break
    return found


def belongs_to_docker(pid: int) -> bool:
    """Whether a process is a part of the engine, or runs in a container (with the host's network)."""
    try:
        name = psutil.Process(pid).name().lower()
    except psutil.Error:
        return False
    return name.startswith(DOCKERS) or name.startswith("com.docker") or in_container(pid)


def in_container(pid: int, proc: Path = Path("/proc")) -> bool:
    """Whether a process runs in a container, by the path of its control group. False where there are none."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    paths = (line.rsplit(":", 1)[-1] for line in lines)
    # The services of the engine itself, such as system.slice/docker.service, are no containers.
    return any(word in path and not path.endswith(".service") for path in paths for word in IN_CONTAINER)


def _listeners() -> dict[int, set[int | None]]:
    """Process ids by TCP port, of listeners that 127.0.0.1 reaches. None stands for processes of others."""
    by_port: dict[int, set[int | None]] = defaultdict(set)
    for connection, pid in _connections():
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.ip in REACHABLE:
            by_port[connection.laddr.port].add(pid)
    for pids in by_port.values():
        if len(pids) > 1:
            pids.discard(None)
    return by_port


def _connections() -> Iterator[tuple[Any, int | None]]:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows only one's own processes
        for process in psutil.process_iter():
            try:
                yield from ((connection, process.pid) for connection in process.net_connections("tcp"))
            except psutil.Error as error:
                log.debug("process %s not looked at: %s", process.pid, error)
        return
    yield from ((connection, connection.pid) for connection in connections)


def _proxied_ports() -> set[int]:
    """Ports that Docker's proxies hold. Their sockets belong to root, but everyone may read their command lines."""
    ports: set[int] = set()
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "docker-proxy":
            ports.update(proxied_port(process.info["cmdline"] or ()))
    return ports


def proxied_port(command: Iterable[str]) -> Iterator[int]:
    """The host's port in a command line of docker-proxy."""
    parts = list(command)
    for flag, value in pairwise(parts):
        if flag == "-host-port" and value.isascii() and value.isdecimal():
            yield int(value)


def _main_process(pids: Iterable[int], names: tuple[str, ...]) -> int:
    """Of the processes that share a listening socket the one to show: with a usual name, then the oldest."""

    def rank(pid: int) -> tuple[bool, float, int]:
        try:
            process = psutil.Process(pid)
            return process.name() not in names, process.create_time(), pid
        except psutil.Error:
            return True, float("inf"), pid

    return min(pids, key=rank)


class ProcessSampler:
    """Figures of programs with all their child processes. Thread-safe."""

    def __init__(self) -> None:
        self._previous: dict[int, tuple[float, RawSample]] = {}  # process id → start time, last sample
        self._memory = psutil.virtual_memory().total
        self._lock = threading.Lock()

    def figures(self, pid: int) -> Figures | None:
        """The figures of a process; None when it is gone. Network traffic is not known per process, so it is 0."""
        try:
            process = psutil.Process(pid)
            started = process.create_time()
            sample = _sample([process, *process.children(recursive=True)])
        except psutil.Error as error:
            log.debug("no figures of process %d: %s", pid, error)
            with self._lock:
                self._previous.pop(pid, None)
            return None
        with self._lock:
            before = self._previous.get(pid)
            self._previous[pid] = (started, sample)
        previous = before[1] if before is not None and before[0] == started else None
        return figures(previous, sample, self._memory, "process")


_sampler = ProcessSampler()


def process_figures(pid: int) -> Figures | None:
    """The figures of a process and its children; CPU from the second call on. None when it is gone."""
    return _sampler.figures(pid)


def _sample(processes: list[psutil.Process]) -> RawSample:
    """The first process must be readable; children that end meanwhile or belong to others are left out."""
    cpu = private = shared = read = written = count = 0
    clock_ns = time.monotonic_ns()
    for index, process in enumerate(processes):
        try:
            with process.oneshot():
                times, memory = process.cpu_times(), process.memory_info()
        except psutil.Error:
            if index == 0:
                raise
            continue
        # The times of children that ended and were waited for are their parent's, so the sum never shrinks.
        cpu += int(sum(times[:4]) * 1e9)
        common = getattr(memory, "shared", 0)
        private, shared = private + memory.rss - common, max(shared, common)
        count += 1
        got, put = _disk(process)
        read, written = read + got, written + put
    return RawSample(
        taken_at=time.time(),
        clock_ns=clock_ns,
        cpu_ns=cpu,
        memory_usage=private + shared,  # shared memory counts once, not once per process
        block_read=read,
        block_write=written,
        pids=count,
    )


def _disk(process: psutil.Process) -> tuple[int, int]:
    """Bytes read from and written to disks; 0 where the system does not tell, or not to us."""
    try:
        counters: Any = getattr(process, "io_counters", tuple)()
    except psutil.Error:
        return 0, 0
    return (counters.read_bytes, counters.write_bytes) if counters else (0, 0)
