"""Asks every service whether it works: each on its own clock, with jitter and a hard deadline."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping

from .adapters import probes
from .catalog import Definition
from .models import ContainerStatus, EngineStatus, Health, HealthStatus, Means
from .presets import PRESETS
from .probing import ProbeSpec
from .targets import Key, Reach, native_probe, probe_for
from .world import World

log = logging.getLogger(__name__)

_TICK = 0.1  # seconds between two looks at who is due
_SOON = 2.0  # seconds between checks of a service that is not well
_JITTER = 0.1  # share of the interval by which a check may come earlier or later
_NATIVE_INTERVAL = 15.0  # seconds between two searches for services that run without Docker
_AT_ONCE = 64  # checks under way at the same time

FindNative = Callable[[set[int]], Mapping[str, tuple[int, int | None]]]  # published ports → service → port, process id


class Prober:
    """One thread with an event loop; checks are its tasks. `find_native` lists programs that may be known services."""

    def __init__(
        self,
        world: World,
        *,
        execute: probes.Execute,
        reach: Callable[[], Reach],
        key: Key,
        find_native: FindNative,
        interval: float,
        timeout: float,
    ) -> None:
        self._world = world
        self._execute = execute
        self._reach = reach
        self._key = key
        self._find_native = find_native
        self._interval = interval
        self._timeout = timeout
        self._due: dict[str, float] = {}
        self._under_way: set[str] = set()
        self._again: set[str] = set()
        self._stopping = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Begin to check."""
        self._thread.start()

    def close(self) -> None:
        """Stop; checks under way are cancelled."""
        self._stopping.set()
        self._thread.join(5)

    def soon(self, service: str) -> None:
        """Check a service now; called from any thread."""
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(self._hurry, service)

    def check_all(self, timeout: float) -> bool:
        """Check everything now and wait for it; whether all answered (or ran out of time) within `timeout` seconds."""
        future = asyncio.run_coroutine_threadsafe(self._check_all(), self._loop)
        try:
            future.result(timeout)
        except TimeoutError:
            return False
        return True

    def _hurry(self, service: str) -> None:
        self._due[service] = 0.0
        if service in self._under_way:
            self._again.add(service)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        finally:
            self._loop.close()

    async def _main(self) -> None:
        native = asyncio.create_task(self._watch_natives())
        while not self._stopping.is_set():
            now = time.monotonic()
            for name, definition in self._world.definitions().items():
                if self._due.get(name, 0.0) <= now and name not in self._under_way and len(self._under_way) < _AT_ONCE:
                    self._begin(definition)
            await asyncio.sleep(_TICK)
        for task in (native, *self._tasks):
            task.cancel()
        await asyncio.gather(native, *self._tasks, return_exceptions=True)

    async def _check_all(self) -> None:
        for definition in self._world.definitions().values():
            if definition.name not in self._under_way:
                self._begin(definition)
        self._world.set_natives(await self._look_for_natives())
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, definition: Definition) -> None:
        self._under_way.add(definition.name)
        task = asyncio.create_task(self._check(definition))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, definition: Definition) -> None:
        name = definition.name
        healthy = True
        try:
            health = await self._ask(definition)
            if health is not None:
                self._world.set_health(name, health)
                healthy = health.status == HealthStatus.HEALTHY
        except Exception:
            log.exception("Checking %s failed unexpectedly.", name)
        finally:
            self._under_way.discard(name)
            interval = self._interval if healthy else min(_SOON, self._interval)
            spread = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # keeps checks apart, hides nothing
            self._due[name] = time.monotonic() + interval * spread
            if name in self._again:
                self._again.discard(name)
                self._due[name] = 0.0

    async def _ask(self, definition: Definition) -> Health | None:
        """The result of a check; None when there is nobody to ask."""
        container = definition.containers[0] if definition.containers else None
        if container is None or container.status != ContainerStatus.RUNNING:
            return None
        spec = probe_for(definition, self._reach(), self._key)
        away = self._world.engine.status != EngineStatus.CONNECTED
        if spec is None:
            status = HealthStatus.ASSUMED_HEALTHY
            return Health(status=status, checked_at=time.time(), means=Means.NONE)
        if away and spec.means in (Means.DOCKER, Means.EXEC, Means.PROCESS):
            return None  # only the engine could tell; the last result stays and is marked as old
        return await probes.run(spec, timeout=self._timeout, container=container, execute=self._execute)

    async def _watch_natives(self) -> None:
        known: dict[str, int | None] = {}
        while True:
            try:
                known = await self._look_for_natives()
                self._world.set_natives(known)
            except Exception:
                log.exception("Looking for programs without Docker failed unexpectedly.")
            await asyncio.sleep(_NATIVE_INTERVAL if not known else self._interval)

    async def _look_for_natives(self) -> dict[str, int | None]:
        definitions = self._world.definitions()
        found: dict[str, int | None] = {}
        published = {p.host_port for c in self._world.containers() for p in c.ports if p.host_port}
        candidates = await asyncio.to_thread(self._find_native, published)
        for name, (port, pid) in candidates.items():
            preset = PRESETS[name]
            if preset.native is None or (name in definitions and definitions[name].containers):
                continue
            spec: ProbeSpec = native_probe(preset, preset.native, port, self._key)
            health = await probes.run(spec, timeout=self._timeout, container=None, execute=self._execute)
            if health.status == HealthStatus.HEALTHY:
                self._world.set_health(name, health)
                found[name] = pid
        return found
