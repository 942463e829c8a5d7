"""Figures from cgroup files are those of the engine, for real containers."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import psutil
import pytest

from hubcore import rates
from hubcore.adapters.cgroups import CgroupSampler
from hubcore.adapters.engine import Engine
from hubcore.models import ContainerStatus
from tests.stack.stack import docker
from tests.stack.waiting import wait_until

from .boxes import Box

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(sys.platform != "linux", reason="control groups exist on Linux only"),
]
HALF_BUSY = ("sh", "-c", "while true; do i=0; while [ $i -lt 4000 ]; do i=$((i+1)); done; sleep 0.02; done")
MIB = 1024 * 1024


@pytest.fixture
def engine() -> Iterator[Engine]:
    with closing(Engine(read_timeout=20)) as found:
        if not found.is_local:
            pytest.skip("the engine is on another machine")
        yield found


def test_figures_agree_with_docker_stats(engine: Engine, box: Box) -> None:
    made = box(*HALF_BUSY, options=("--memory", "64m"))
    sampler, memory = CgroupSampler(), psutil.virtual_memory().total

    def compare() -> bool:
        before = sampler.sample([made])[made.id]
        told = json.loads(docker("stats", "--no-stream", "--format", "{{json .}}", made.id))
        now = sampler.sample([made])[made.id]
        ours = rates.figures(before, now, memory, "cgroup")
        theirs = float(told["CPUPerc"].rstrip("%"))
        assert ours.memory_limit == 64 * MIB
        assert ours.pids is not None and abs(ours.pids - int(told["PIDs"])) <= 1  # its sleep comes and goes
        assert ours.memory_percent == pytest.approx(float(told["MemPerc"].rstrip("%")), abs=1.0)
        # docker stats measures about one second within our interval; the load is even, but the machine may not be
        return ours.cpu_percent is not None and abs(ours.cpu_percent - theirs) < max(5.0, theirs * 0.3)

    wait_until(compare, 30, "the CPU figure agrees with that of docker stats")


def test_counters_are_the_engines(engine: Engine, box: Box) -> None:
    made = box("sh", "-c", "head -c 8388608 /dev/zero > /dev/shm/x; sleep 1000000", options=("--shm-size", "16m"))

    def settled() -> bool:
        ours = CgroupSampler().sample([made])[made.id]
        theirs = engine.stats([made.id])[made.id]
        assert (ours.memory_limit or theirs.memory_limit) == theirs.memory_limit
        assert theirs.cpu_ns >= ours.cpu_ns
        assert theirs.system_ns is not None and theirs.online_cpus >= 1
        same = ("memory_usage", "network_rx", "network_tx", "block_read", "block_write", "pids")
        return all(getattr(ours, name) == getattr(theirs, name) for name in same) and ours.memory_usage > 8 * MIB

    wait_until(settled, 20, "all counters agree with the engine's")


def test_network_traffic_is_counted(engine: Engine, box: Box) -> None:
    server = box("httpd", "-f", "-p", "80")
    sampler = CgroupSampler()
    before = sampler.sample([server])[server.id]
    client = box("sh", "-c", f"for i in $(seq 20); do wget -q -O - http://{server.address}/ ; done; true")
    wait_until(lambda: engine.inspect(client.id).status is ContainerStatus.EXITED, 20)
    after = sampler.sample([server])[server.id]
    assert after.network_rx - before.network_rx > 2000
    assert after.network_tx - before.network_tx > 2000


def test_a_restarted_container_has_no_cpu_figure_at_first(engine: Engine, box: Box) -> None:
    made = box("sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 1000000")
    sampler = CgroupSampler()
    wait_until(lambda: sampler.sample([made])[made.id].cpu_ns > 100_000_000, 20)
    before = sampler.sample([made])[made.id]
    engine.stop(made.id, grace=0)
    assert sampler.sample([made]) == {}
    docker("update", "--cpus", "0.1", made.id)  # so that it has not caught up when it is looked at
    engine.start(made.id)
    after = wait_until(lambda: sampler.sample([engine.inspect(made.id)]).get(made.id), 10)
    assert rates.cpu_percent(before, after) is None


def test_forty_containers_are_sampled_in_milliseconds(engine: Engine, box: Box) -> None:
    made = [box("sleep", "1000000") for _ in range(4)] * 10  # reading the same files again costs the same
    sampler = CgroupSampler()
    sampler.sample(made)
    best = min(_timed(lambda: sampler.sample(made)) for _ in range(10))
    assert best < 0.05, f"{best * 1000:.1f} ms"


def _timed(action: object) -> float:
    began = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - began
