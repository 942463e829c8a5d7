"""cgroup v2 and odd layouts, from trees of files as the kernel's documentation describes them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hubcore.adapters.cgroups import CgroupSampler, block_totals_v1, block_totals_v2, network_totals
from hubcore.models import Container, ContainerStatus

ID = "ab" * 32
NET_DEV = """\
Inter-|   Receive                                       |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier
    lo:     999       2    0    0    0     0          0         0      999       2    0    0    0     0       0
  eth0:    1000      10    0    0    0     0          0         0      200       3    0    0    0     0       0
  eth1:12345678901   10    0    0    0     0          0         0        5       3    0    0    0     0       0
"""
V2_FILES = {
    "cpu.stat": "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 0\n",
    "memory.current": "10485760\n",
    "memory.stat": "anon 4194304\nfile 6291456\nx_inactive_file 7\ninactive_file 2097152\nactive_file 1\n",
    "memory.max": "max\n",
    "io.stat": "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n259:0 rbytes=1 wbytes=2 rios=1\n7:0\n",
    "pids.current": "5\n",
    "cgroup.procs": "41\n42\n",
}


def container(**fields: object) -> Container:
    return Container(id=ID, name="c", status=ContainerStatus.RUNNING).model_copy(update=fields)


class Machine:
    """A made-up /sys/fs/cgroup and /proc."""

    def __init__(self, base: Path) -> None:
        self.cgroup, self.proc = base / "cgroup", base / "proc"
        self.cgroup.mkdir()
        self.add_process(41)

    def add_process(self, pid: int, group: str = "") -> None:
        (self.proc / str(pid) / "net").mkdir(parents=True)
        (self.proc / str(pid) / "net" / "dev").write_text(NET_DEV)
        (self.proc / str(pid) / "cgroup").write_text(group)

    def v2(self, path: str = f"system.slice/docker-{ID}.scope", **changes: str) -> Path:
        (self.cgroup / "cgroup.controllers").write_text("cpu io memory pids\n")
        directory = self.cgroup / path
        directory.mkdir(parents=True)
        for name, content in (V2_FILES | changes).items():
            (directory / name).write_text(content)
        return directory

    def sampler(self) -> CgroupSampler:
        return CgroupSampler(self.cgroup, self.proc)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_v2_counters(machine: Machine) -> None:
    machine.v2()
    found = machine.sampler().sample([container()])[ID]
    assert found.cpu_ns == 1_500_000_000
    assert found.memory_usage == 10485760 - 2097152
    assert found.memory_limit is None
    assert (found.block_read, found.block_write, found.pids) == (4097, 8194, 5)
    assert (found.network_rx, found.network_tx) == (12345679901, 205)
    assert found.system_ns is None


def test_v2_limit_and_controllers_that_are_off(machine: Machine) -> None:
    directory = machine.v2(**{"memory.max": "67108864\n"})
    (directory / "io.stat").unlink()
    (directory / "pids.current").unlink()
    found = machine.sampler().sample([container()])[ID]
    assert (found.memory_limit, found.block_read, found.pids) == (67108864, 0, None)


@pytest.mark.parametrize(
    "path",
    [
        f"docker/{ID}",
        f"system.slice/docker-{ID}.scope",
        f"user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope",
        f"user.slice/user-1000.slice/user@1000.service/docker-{ID}.scope",
    ],
)
def test_the_usual_places(machine: Machine, path: str) -> None:
    machine.v2(path)
    assert ID in machine.sampler().sample([container()])


def test_another_parent_is_found_by_the_process(machine: Machine) -> None:
    machine.v2(f"tenant.slice/web/{ID}")
    machine.add_process(77, f"0::/tenant.slice/web/{ID}\n")
    assert machine.sampler().sample([container()]) == {}
    assert ID in machine.sampler().sample([container(pid=77)])


def test_a_process_of_someone_else_is_never_taken(machine: Machine) -> None:
    machine.v2("tenant.slice/other")
    machine.add_process(77, "0::/tenant.slice/other\n")  # the number was given to another program
    assert machine.sampler().sample([container(pid=77)]) == {}


def test_v1_by_process_needs_the_line_of_the_controller(machine: Machine) -> None:
    for name in ("cpuacct", "memory"):
        directory = machine.cgroup / name / "tenant" / ID
        directory.mkdir(parents=True)
        (directory / "cgroup.procs").write_text("41\n")
        for file, content in {
            "cpuacct.usage": "7\n",
            "memory.usage_in_bytes": "100\n",
            "memory.stat": "cache 5\ntotal_inactive_file 40\n",
            "memory.limit_in_bytes": "9223372036854771712\n",
        }.items():
            (directory / file).write_text(content)
    machine.add_process(41 + 1, f"5:cpu,cpuacct:/tenant/{ID}\n3:memory:/tenant/{ID}\n1:name=systemd:/\n")
    found = machine.sampler().sample([container(pid=42)])[ID]
    assert (found.cpu_ns, found.memory_usage, found.memory_limit) == (7, 60, None)
    assert (found.block_read, found.pids) == (0, None)  # controllers that are not mounted


@pytest.mark.parametrize("mode", ["host", "none"])
def test_the_hosts_network_is_not_the_containers(machine: Machine, mode: str) -> None:
    machine.v2()
    found = machine.sampler().sample([container(network_mode=mode)])[ID]
    assert (found.network_rx, found.network_tx) == (0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"cpu.stat": "user_usec 1\n"},
        {"memory.current": "much\n"},
        {"cgroup.procs": ""},
        {"cgroup.procs": "0\n"},  # processes of another namespace of process ids
        {"cgroup.procs": "4711\n"},  # gone meanwhile
    ],
)
def test_what_cannot_be_read_is_missing(machine: Machine, changes: dict[str, str]) -> None:
    machine.v2(**changes)
    assert machine.sampler().sample([container()]) == {}


def test_a_directory_that_went_and_came_elsewhere_is_found_again(machine: Machine) -> None:
    directory = machine.v2()
    sampler = machine.sampler()
    assert ID in sampler.sample([container()])
    shutil.rmtree(directory)
    assert sampler.sample([container()]) == {}
    machine.v2(f"docker/{ID}")
    assert ID in sampler.sample([container()])


def test_only_running_containers_are_read(machine: Machine) -> None:
    machine.v2()
    sampler = machine.sampler()
    assert sampler.sample([container(status=ContainerStatus.EXITED)]) == {}
    assert ID in sampler.sample([container(status=ContainerStatus.PAUSED)])


def test_no_cgroups_at_all(tmp_path: Path) -> None:
    assert CgroupSampler(tmp_path / "none", tmp_path / "none").sample([container(pid=1)]) == {}


def test_odd_lines_are_passed_over() -> None:
    assert network_totals("") == (0, 0)
    assert network_totals("a\nb\n  eth0: 1 2\n") == (0, 0)
    assert block_totals_v1("8:0 Read 5\n8:16 Read 6\n8:0 Write 1\n8:0 Sync 9\nTotal 12\n") == (11, 1)
    assert block_totals_v2("") == (0, 0)
