"""The engine's JSON becomes our models; nonsense becomes one kind of error."""

from __future__ import annotations

from typing import Any

import pytest

from hubcore.adapters import engine_parse
from hubcore.adapters.engine_errors import MalformedAnswer
from hubcore.models import ContainerStatus, Port

ID = "4f" * 32
LISTED: dict[str, Any] = {
    "Id": ID,
    "Names": ["/other/alias", "/stack-web-1"],
    "Image": "nginx:alpine",
    "State": "running",
    "Status": "Up 5 minutes (healthy)",
    "Created": 1700000000,
    "Labels": {
        "com.docker.compose.project": "stack",
        "com.docker.compose.service": "web",
        "com.docker.compose.container-number": "2",
    },
    "Ports": [
        {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"PrivatePort": 443, "Type": "tcp"},
        {"IP": "127.0.0.1", "PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
    ],
    "HostConfig": {"NetworkMode": "stack_default"},
    "NetworkSettings": {"Networks": {"none": {"IPAddress": ""}, "stack_default": {"IPAddress": "172.18.0.3"}}},
    "Mounts": [
        {"Type": "volume", "Name": "data", "Source": "/var/lib/docker/volumes/data/_data", "Destination": "/data"},
        {"Type": "bind", "Source": "/srv/conf", "Destination": "/etc/nginx"},
    ],
}
INSPECTED: dict[str, Any] = {
    "Id": ID,
    "Name": "/stack-web-1",
    "Created": "2026-01-02T03:04:05.5Z",
    "RestartCount": 3,
    "State": {
        "Status": "exited",
        "Pid": 0,
        "ExitCode": 137,
        "OOMKilled": True,
        "StartedAt": "2026-01-02T03:04:05.123456789Z",
        "FinishedAt": "2026-01-02T04:04:05.000000001+01:00",
        "Health": {"Status": "unhealthy", "Log": [{"Output": "first"}, {"Output": "refused"}]},
    },
    "Config": {"Image": "nginx:alpine", "Labels": None, "ExposedPorts": {"80/tcp": {}, "9000/udp": {}}},
    "HostConfig": {"NetworkMode": "host", "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}},
    "NetworkSettings": {"Ports": {}, "Networks": {"host": {"IPAddress": ""}}},
    "Mounts": [],
}


def test_an_entry_of_the_list() -> None:
    (found,) = engine_parse.listed([LISTED])
    assert (found.name, found.image, found.status) == ("stack-web-1", "nginx:alpine", ContainerStatus.RUNNING)
    assert (found.project, found.service, found.number) == ("stack", "web", 2)
    assert found.ports == (
        Port(container_port=53, protocol="udp", host_ip="127.0.0.1", host_port=53),
        Port(container_port=80, host_ip="0.0.0.0", host_port=8080),
        Port(container_port=443),
    )
    assert (found.address, found.network_mode, found.docker_health) == ("172.18.0.3", "stack_default", "healthy")
    assert found.mounts == ("data:/data", "/srv/conf:/etc/nginx")
    assert (found.exit_code, found.created_at) == (None, 1700000000.0)


def test_the_least_an_entry_may_hold() -> None:
    (found,) = engine_parse.listed([{"Id": ID, "Names": None, "Labels": None, "Ports": None, "State": "flying"}])
    assert (found.name, found.status, found.ports, found.labels) == (ID[:12], ContainerStatus.UNKNOWN, (), {})


@pytest.mark.parametrize(
    ("words", "health", "code"),
    [
        ("Up 5 minutes (healthy)", "healthy", None),
        ("Up 2 seconds (unhealthy)", "unhealthy", None),
        ("Up Less than a second (health: starting)", "starting", None),
        ("Up 3 hours", None, None),
        ("Up 3 hours (Paused)", None, None),
        ("Exited (137) 3 minutes ago", None, 137),
        ("Exited (0) Less than a second ago", None, 0),
        ("Restarting (1) 3 seconds ago", None, None),
        ("Created", None, None),
        ("", None, None),
    ],
)
def test_what_the_status_text_tells(words: str, health: str | None, code: int | None) -> None:
    (found,) = engine_parse.listed([LISTED | {"Status": words}])
    assert (found.docker_health, found.exit_code) == (health, code)


def test_an_inspection() -> None:
    found = engine_parse.inspected(INSPECTED)
    assert (found.exit_code, found.oom_killed, found.restart_count, found.pid) == (137, True, 3, 0)
    assert found.started_at == pytest.approx(1767323045.123456789, abs=1e-6)
    assert found.finished_at == pytest.approx(1767323045.0, abs=1e-6)
    assert (found.docker_health, found.docker_health_output) == ("unhealthy", "refused")
    # a stopped container publishes nothing, but what it will publish is known
    assert found.ports == (Port(container_port=80, host_port=8080), Port(container_port=9000, protocol="udp"))
    assert (found.project, found.address, found.network_mode) == (None, None, "host")


def test_a_running_container_has_no_exit_code_and_maybe_no_health() -> None:
    state = {"Status": "running", "Pid": 42, "ExitCode": 0, "StartedAt": "2026-01-02T03:04:05Z", "Health": None}
    found = engine_parse.inspected(INSPECTED | {"State": state})
    assert (found.exit_code, found.pid, found.docker_health, found.docker_health_output) == (None, 42, None, None)
    assert found.finished_at is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T00:00:01.25Z", 1.25),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
        ("yesterday", None),
    ],
)
def test_times(value: str | None, expected: float | None) -> None:
    assert engine_parse.timestamp(value) == expected


def test_an_event() -> None:
    found = engine_parse.event(
        {
            "Type": "container",
            "Action": "die",
            "Actor": {
                "ID": ID,
                "Attributes": {
                    "name": "stack-web-1",
                    "image": "nginx",
                    "exitCode": "137",
                    "com.docker.compose.project": "stack",
                    "com.docker.compose.service": "web",
                },
            },
            "time": 1700000000,
            "timeNano": 1700000000250000000,
        }
    )
    assert found is not None
    assert found.at == pytest.approx(1700000000.25, abs=1e-6)
    assert (found.action, found.container_id, found.exit_code) == ("die", ID, 137)
    assert (found.name, found.project, found.service) == ("stack-web-1", "stack", "web")


def test_a_health_event_keeps_the_new_state_and_an_old_engine_is_understood() -> None:
    found = engine_parse.event({"status": "health_status: unhealthy", "id": ID, "time": 5})
    assert found is not None
    assert (found.action, found.detail, found.at, found.exit_code) == ("health_status", "unhealthy", 5.0, None)


def test_events_of_other_things_are_left_out() -> None:
    assert engine_parse.event({"Type": "network", "Action": "connect", "time": 1}) is None


V1_STATS: dict[str, Any] = {
    "cpu_stats": {
        "cpu_usage": {"total_usage": 500, "percpu_usage": [1, 2, 3]},
        "system_cpu_usage": 9000,
        "online_cpus": 2,
    },
    "memory_stats": {"usage": 1000, "limit": 4000, "stats": {"total_inactive_file": 300, "inactive_file": 1}},
    "networks": {"eth0": {"rx_bytes": 1, "tx_bytes": 2}, "eth1": {"rx_bytes": 10, "tx_bytes": 20}},
    "blkio_stats": {"io_service_bytes_recursive": [{"op": "Read", "value": 5}, {"op": "Write", "value": 6},
                                                   {"op": "Total", "value": 11}, {"op": "read", "value": 1}]},
    "pids_stats": {"current": 4},
}  # fmt: skip


def test_counters_of_the_engine() -> None:
    found = engine_parse.stats(V1_STATS, 1.0, 2)
    assert found is not None
    assert (found.cpu_ns, found.system_ns, found.online_cpus) == (500, 9000, 2)
    assert (found.memory_usage, found.memory_limit, found.pids) == (700, 4000, 4)
    assert (found.network_rx, found.network_tx, found.block_read, found.block_write) == (11, 22, 6, 6)


def test_counters_of_a_cgroup_v2_engine_and_the_hosts_network() -> None:
    data = V1_STATS | {
        "cpu_stats": {"cpu_usage": {"total_usage": 500, "percpu_usage": [1, 2, 3]}},
        "memory_stats": {"usage": 1000, "stats": {"inactive_file": 400}},
        "networks": None,
        "blkio_stats": {"io_service_bytes_recursive": None},
        "pids_stats": {},
    }
    found = engine_parse.stats(data, 1.0, 2)
    assert found is not None
    assert (found.online_cpus, found.memory_usage, found.memory_limit, found.pids) == (3, 600, None, None)
    assert (found.network_rx, found.block_read) == (0, 0)


def test_a_stopped_container_has_no_counters() -> None:
    assert engine_parse.stats({"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}, 1.0, 2) is None


@pytest.mark.parametrize(
    ("parse", "data"),
    [
        (engine_parse.listed, {"message": "no"}),
        (engine_parse.listed, None),
        (engine_parse.listed, [{}]),
        (engine_parse.listed, ["x"]),
        (engine_parse.listed, [LISTED | {"Ports": [{"PrivatePort": "many"}]}]),
        (engine_parse.listed, [LISTED | {"Labels": ["a"]}]),
        (engine_parse.inspected, []),
        (engine_parse.inspected, {"Id": ID}),
        (engine_parse.inspected, INSPECTED | {"State": {"Status": "exited", "ExitCode": "x"}}),
        (engine_parse.event, {"Type": "container"}),
        (engine_parse.event, []),
        (engine_parse.version, {"Version": "1"}),
        (engine_parse.version, "hello"),
        (lambda data: engine_parse.stats(data, 1.0, 2), {"cpu_stats": None}),
    ],
)
def test_nonsense_is_malformed_and_nothing_else(parse: Any, data: Any) -> None:
    with pytest.raises(MalformedAnswer):
        parse(data)


INSIDE = f"""\
744 720 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/X
755 744 8:1 /var/lib/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/sda1 rw
"""
OUTSIDE = f"""\
25 30 0:23 / /proc rw,nosuid - proc proc rw
90 25 0:50 / /var/lib/docker/containers/{ID}/mounts/shm rw,nosuid - tmpfs shm rw
"""


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        (INSIDE, ID),
        (INSIDE.replace("/var/lib/docker/containers", "/containers"), ID),  # the data root is a file system of its own
        (OUTSIDE, None),  # the host sees its containers' mounts
        ("", None),
    ],
)
def test_the_own_container_is_found_by_its_mounts(mounts: str, expected: str | None) -> None:
    assert engine_parse.own_id(mounts) == expected


@pytest.mark.parametrize("number", ["²", "--5", "9" * 5000, "", "1e3"])
def test_a_label_that_is_no_number_takes_nothing_away(number: str) -> None:
    odd = {"Id": "b" * 64, "Labels": {engine_parse.NUMBER_LABEL: number}}
    assert [c.number for c in engine_parse.listed([odd])] == [1]
    event = {"Type": "container", "Action": "die", "time": 1, "Actor": {"ID": "b", "Attributes": {"exitCode": number}}}
    found = engine_parse.event(event)
    assert found is not None and found.exit_code is None


def test_one_odd_container_does_not_hide_the_others(caplog: pytest.LogCaptureFixture) -> None:
    good, odd = {"Id": "a" * 64}, {"Id": "b" * 64, "Ports": 3}
    assert [c.id for c in engine_parse.listed([odd, good])] == ["a" * 64]
    assert "cannot be understood" in caplog.text
    with pytest.raises(MalformedAnswer):
        engine_parse.listed([odd])
