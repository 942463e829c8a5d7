"""Each service is asked in the best way there is, at an address that is reachable from here, and nowhere else."""

from __future__ import annotations

import pytest

from hubcore.catalog import Definition, build
from hubcore.compose_file import parse_compose
from hubcore.models import Container, ContainerStatus, Means, Port
from hubcore.presets import PRESETS
from hubcore.targets import Reach, native_probe, probe_for

HERE = Reach(host="127.0.0.1", networks=False)
LOCAL = Reach(host="127.0.0.1", networks=True)


def no_key(setting: str, env_file: str | None, variable: str) -> str | None:
    return None


def definition(name: str, *ports: Port, labels: dict[str, str] | None = None, **fields: object) -> Definition:
    container = Container(
        id="c" * 64,
        name=f"p-{name}-1",
        project="p",
        service=name,
        status=ContainerStatus.RUNNING,
        ports=ports,
        labels=labels or {},
        **fields,  # type: ignore[arg-type]
    )
    return build(parse_compose({"services": {name: {}}}, path="x", variables={}), "p", [container])[name]


def published(container_port: int, host_port: int, ip: str = "0.0.0.0") -> Port:
    return Port(container_port=container_port, host_ip=ip, host_port=host_port)


def test_a_known_service_is_asked_at_its_published_port() -> None:
    spec = probe_for(definition("tika", published(9998, 29998)), HERE, no_key)
    assert spec is not None and spec.target == "http://127.0.0.1:29998/tika"


def test_the_address_a_port_is_bound_to_is_used() -> None:
    spec = probe_for(definition("tika", published(9998, 29998, "192.0.2.7")), HERE, no_key)
    assert spec is not None and spec.host == "192.0.2.7"


def test_a_single_published_port_stands_in_for_the_usual_one() -> None:
    spec = probe_for(definition("openwebui", published(3000, 3000)), HERE, no_key)
    assert spec is not None and spec.target == "http://127.0.0.1:3000/"


def test_without_a_published_port_the_network_inside_is_used_if_it_can_be() -> None:
    inside = definition("tika", Port(container_port=9998), address="172.18.0.5")
    spec = probe_for(inside, LOCAL, no_key)
    assert spec is not None and spec.target == "http://172.18.0.5:9998/tika"
    assert probe_for(inside, HERE, no_key) is None


def test_a_container_on_the_hosts_network_is_asked_there() -> None:
    spec = probe_for(definition("tika", network_mode="host"), HERE, no_key)
    assert spec is not None and spec.target == "http://127.0.0.1:9998/tika"


def test_databases_are_asked_in_the_container_where_their_port_is_out_of_reach() -> None:
    spec = probe_for(definition("db"), HERE, no_key)
    assert spec is not None and (spec.means, spec.command[0]) == (Means.EXEC, "pg_isready")
    spec = probe_for(definition("redis", published(6379, 6379)), HERE, no_key)
    assert spec is not None and spec.means == Means.REDIS
    assert [f.means for f in spec.fallbacks] == [Means.EXEC]


def test_a_key_is_sent_where_there_is_one_and_an_open_path_is_asked_where_not() -> None:
    service = definition("litellm", published(4000, 4000))
    asked: list[tuple[str, str | None, str]] = []

    def key(setting: str, env_file: str | None, variable: str) -> str:
        asked.append((setting, env_file, variable))
        return "sk-1"

    with_key = probe_for(service, HERE, key)
    assert with_key is not None and with_key.bearer is not None and with_key.path == "/v1/models"
    assert with_key.bearer.get_secret_value() == "sk-1" and "sk-1" not in repr(with_key)
    assert asked == [("litellm_api_key", "litellm.env", "LITELLM_MASTER_KEY")]
    without = probe_for(service, HERE, no_key)
    assert without is not None and without.bearer is None and without.path == "/health/liveliness"


def test_the_order_of_unknown_services() -> None:
    checked = definition("notes", published(80, 8080), docker_health="healthy")
    open_port = definition("notes", published(80, 8080))
    nothing = definition("notes")
    assert (spec := probe_for(checked, HERE, no_key)) is not None and spec.means == Means.DOCKER
    assert (spec := probe_for(open_port, HERE, no_key)) is not None and spec.target == "tcp://127.0.0.1:8080"
    assert probe_for(nothing, HERE, no_key) is None


@pytest.mark.parametrize(
    ("label", "means", "target"),
    [
        ("http://:8080/health?x=1", Means.HTTP, "http://127.0.0.1:18080/health?x=1"),
        ("tcp://:8080", Means.TCP, "tcp://127.0.0.1:18080"),
        ("redis://:8080", Means.REDIS, "redis://127.0.0.1:18080"),
        ("postgres://:8080", Means.POSTGRES, "postgres://127.0.0.1:18080"),
        ("exec: sh -c 'exit 0'", Means.EXEC, "sh -c exit 0"),
    ],
)
def test_a_label_names_the_probe(label: str, means: Means, target: str) -> None:
    service = definition("tika", published(8080, 18080), labels={"dashboard.probe": label})
    spec = probe_for(service, HERE, no_key)
    assert spec is not None and (spec.means, spec.target) == (means, target)


@pytest.mark.parametrize("label", ["http://example.com:8080/", "http://user@192.0.2.9:8080/", "http://[::1]:8080"])
def test_a_label_cannot_make_the_dashboard_call_elsewhere(label: str) -> None:
    service = definition("notes", published(8080, 18080), labels={"dashboard.probe": label})
    spec = probe_for(service, HERE, no_key)
    assert spec is not None and (spec.host, spec.port) == ("127.0.0.1", 18080)


@pytest.mark.parametrize("label", ["", "http://:99999/", "gopher://:1", "exec:", "nonsense", "http://:x/"])
def test_a_label_without_sense_falls_back_to_the_preset(label: str) -> None:
    spec = probe_for(definition("tika", published(9998, 9998), labels={"dashboard.probe": label}), HERE, no_key)
    assert spec is not None and spec.target == "http://127.0.0.1:9998/tika"


def test_watchtower_works_while_it_runs() -> None:
    spec = probe_for(definition("watchtower"), HERE, no_key)
    assert spec is not None and spec.means == Means.PROCESS


def test_native_programs_must_prove_who_they_are() -> None:
    for preset in PRESETS.values():
        if preset.native is None:
            continue
        spec = native_probe(preset, preset.native, 1234, no_key)
        assert (spec.host, spec.port) == ("127.0.0.1", 1234)
        assert spec.means in (Means.REDIS, Means.POSTGRES) or spec.expect, preset.name
