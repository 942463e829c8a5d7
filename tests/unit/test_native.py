"""Programs without Docker: found by the ports they listen on, told apart from Docker's, and measured."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hubcore.adapters.host import HostSampler
from hubcore.adapters.native import ProcessSampler, find_native, in_container, proxied_port
from tests.stack.waiting import free_port, wait_until

LISTEN = """
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
block = b"x" * (32 * 1024 * 1024)
print("ready", flush=True)
for line in sys.stdin:
    sum(range(3_000_000)); print("done", flush=True)
"""


class Wanted(NamedTuple):
    ports: tuple[int, ...]
    processes: tuple[str, ...] = ()


@pytest.fixture
def listener(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port, host = free_port(), getattr(request, "param", "127.0.0.1")
    command = [sys.executable, "-c", LISTEN, host, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process, port
        process.kill()


@pytest.mark.parametrize("listener", ["127.0.0.1", "0.0.0.0"], indirect=True)
def test_a_listener_is_found_with_its_process(listener: tuple[subprocess.Popen[str], int]) -> None:
    process, port = listener
    found = find_native({"a": Wanted((free_port(), port)), "b": Wanted((free_port(),))})
    assert found == {"a": (port, process.pid)}


def test_the_first_port_of_the_list_wins(listener: tuple[subprocess.Popen[str], int]) -> None:
    process, port = listener
    with socket.create_server(("127.0.0.1", 0)) as other:
        own = other.getsockname()[1]
        assert find_native({"a": Wanted((own, port))}) == {"a": (own, os.getpid())}
        assert find_native({"a": Wanted((port, own))}) == {"a": (port, process.pid)}


def test_a_connection_is_no_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert find_native({"a": Wanted((client.getsockname()[1],))}) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0::/system.slice/ollama.service\n", False),
        ("0::/system.slice/docker.service\n", False),
        ("0::/user.slice/user-1000.slice/session-2.scope\n", False),
        (f"0::/system.slice/docker-{'a' * 64}.scope\n", True),
        (f"5:memory:/docker/{'a' * 64}\n1:name=systemd:/\n", True),
        (f"0::/machine.slice/libpod-{'a' * 64}.scope\n", True),
        ("", False),
    ],
)
def test_a_process_in_a_container_is_told_by_its_control_group(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(text)
    assert in_container(7, tmp_path) is expected
    assert in_container(8, tmp_path) is False


def test_the_port_in_a_proxys_command_line() -> None:
    command = "docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80"
    assert list(proxied_port(command.split())) == [8080]
    assert list(proxied_port(["docker-proxy", "-host-port"])) == []


def test_figures_of_a_program(listener: tuple[subprocess.Popen[str], int]) -> None:
    process, _ = listener
    sampler = ProcessSampler()
    first = sampler.figures(process.pid)
    assert first is not None
    assert (first.cpu_percent, first.source, first.pids) == (None, "process", 1)
    assert 32 * 1024 * 1024 < first.memory_usage < first.memory_limit
    assert process.stdin is not None and process.stdout is not None

    def busy() -> bool:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("work\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
        found = sampler.figures(process.pid)
        return found is not None and found.cpu_percent is not None and found.cpu_percent > 10

    wait_until(busy, 10, "a working program shows CPU time")
    process.kill()
    process.wait()
    assert sampler.figures(process.pid) is None


def test_children_count_with_their_parent() -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as process:
        sampler = ProcessSampler()
        wait_until(lambda: (found := sampler.figures(process.pid)) is not None and found.pids == 2, 10)


def test_a_sample_of_the_host() -> None:
    sampler = HostSampler()
    found = sampler.sample()
    assert found.hostname and found.cpu_count >= 1
    assert 0 <= found.cpu_percent <= 100
    assert 0 < found.memory_used < found.memory_total
    assert found.memory_available <= found.memory_total
    assert 0 < found.disk_used < found.disk_total
    assert found.booted_at is not None and found.booted_at < found.taken_at

    def busy() -> bool:
        sum(range(1_000_000))
        return sampler.sample().cpu_percent > 5

    wait_until(busy, 10, "a busy machine shows CPU time", interval=0.1)
