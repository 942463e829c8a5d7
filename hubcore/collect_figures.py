"""Samples figures of the machine and of all services on one clock, and keeps them as history."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping

from .adapters.cgroups import CgroupSampler
from .adapters.engine import Engine
from .adapters.history import History
from .adapters.host import HostSampler
from .adapters.native import process_figures
from .errors import HubError
from .history_rows import host_row, service_row
from .models import Condition, Container, ContainerStatus, EngineStatus, Figures, HostFigures
from .rates import RawSample, figures
from .series import HOST
from .world import World

log = logging.getLogger(__name__)

_FIRST_GAP = 0.3  # seconds before the first sample and until the second
_HURRIES = 10  # such short intervals in a row


class Sampler:
    """One thread that samples every `interval` seconds."""

    def __init__(
        self,
        *,
        host: HostSampler,
        cgroups: CgroupSampler,
        engine: Engine,
        history: History,
        world: World,
        interval: float,
    ) -> None:
        self._host = host
        self._cgroups = cgroups
        self._engine = engine
        self._history = history
        self._world = world
        self._interval = interval
        self._previous: dict[str, RawSample] = {}
        self._last_figures: dict[str, Figures] = {}
        self._recorded_host: HostFigures | None = None
        self._recorded: Mapping[str, Figures] = {}
        self._hurries = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="figures", daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def close(self) -> None:
        """Stop sampling."""
        self._stopping.set()
        self._thread.join(5)

    def sample(self) -> None:
        """Take one sample of everything now."""
        with self._lock:
            self._sample(time.time(), record=False)

    def _run(self) -> None:
        delay, recorded = _FIRST_GAP, 0.0
        while not self._stopping.wait(delay):
            began = time.monotonic()
            due = began - recorded >= self._interval
            try:
                with self._lock:
                    self._sample(time.time(), record=due)
            except Exception:
                log.exception("Sampling figures failed unexpectedly.")
            recorded = began if due else recorded
            # Rates need two samples: what has only one (a container that just started) gets its second one soon.
            pause = _FIRST_GAP if self._hurried() else self._interval
            delay = max(0.0, pause - (time.monotonic() - began))

    def _hurried(self) -> bool:
        """Whether another sample soon would tell more; for a while only, should one never come."""
        incomplete = self._world.engine.status == EngineStatus.CONNECTING or any(
            f.cpu_percent is None for f in self._last_figures.values()
        )
        self._hurries = self._hurries + 1 if incomplete else 0
        return 0 < self._hurries <= _HURRIES

    def _sample(self, now: float, *, record: bool) -> None:
        host = self._host.sample()
        self._world.set_host(host)
        services = self._services(host.memory_total)
        self._world.set_figures(services)
        if record:
            self._record(now, host, services)
        self._last_figures = services

    def _services(self, host_memory: int) -> dict[str, Figures]:
        running: dict[str, list[Container]] = {}
        for name, definition in self._world.definitions().items():
            alive = [c for c in definition.containers if c.status == ContainerStatus.RUNNING]
            if alive:
                running[name] = alive
        samples, source = self._containers([c for alive in running.values() for c in alive])
        result: dict[str, Figures] = {}
        for name, alive in running.items():
            parts = [
                figures(self._previous.get(c.id), samples[c.id], host_memory, source[c.id])
                for c in alive
                if c.id in samples
            ]
            if parts:
                result[name] = _summed(parts)
        self._previous = samples
        for name, pid in self._world.natives().items():
            if name not in result and pid is not None and (native := process_figures(pid)) is not None:
                result[name] = native
        return result

    def _containers(self, containers: list[Container]) -> tuple[dict[str, RawSample], dict[str, str]]:
        """Samples by container id with where each came from: cgroup files, and the engine for what they do not show."""
        samples = dict(self._cgroups.sample(containers)) if self._engine.is_local else {}
        source = dict.fromkeys(samples, "cgroup")
        missing = [c.id for c in containers if c.id not in samples]
        if missing and self._world.engine.status == EngineStatus.CONNECTED:
            try:
                told = self._engine.stats(missing)
            except HubError as error:
                log.warning("The Docker engine did not tell the figures of %d containers: %s", len(missing), error)
            else:
                samples |= told
                source |= dict.fromkeys(told, "engine")
        return samples, source

    def _record(self, now: float, host: HostFigures, services: Mapping[str, Figures]) -> None:
        rows = {HOST: host_row(self._recorded_host, host)}
        states = self._world.states()
        for name, (condition, health) in states.items():
            if name in services or condition in (Condition.BROKEN, Condition.STOPPED):
                rows[name] = service_row(self._recorded.get(name), services.get(name), condition, health)
        self._recorded_host, self._recorded = host, services
        self._history.append(now, rows)
        self._world.set_own_problem("history", self._history.problem)


def _summed(replicas: list[Figures]) -> Figures:
    """The figures of a service from those of its replicas."""
    if len(replicas) == 1:
        return replicas[0]
    cpu = [r.cpu_percent for r in replicas if r.cpu_percent is not None]
    usage, limit = sum(r.memory_usage for r in replicas), sum(r.memory_limit for r in replicas)
    return Figures(
        taken_at=replicas[0].taken_at,
        source=replicas[0].source,
        cpu_percent=sum(cpu) if cpu else None,
        memory_usage=usage,
        memory_limit=limit,
        memory_percent=round(usage / limit * 100, 2) if limit else 0.0,
        network_rx=sum(r.network_rx for r in replicas),
        network_tx=sum(r.network_tx for r in replicas),
        block_read=sum(r.block_read for r in replicas),
        block_write=sum(r.block_write for r in replicas),
    )
