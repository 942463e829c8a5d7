"""Where a service is asked, with which key, and what is said when it cannot be asked."""

from __future__ import annotations

from typing import Any

import pytest

from hubcore.errors import UpstreamFailed
from hubcore.models import Container, ContainerStatus, Health, Means, Port, ServiceState, text
from hubcore.places import container_of, place_of, service_of
from hubcore.targets import Reach

HERE, INSIDE = Reach("127.0.0.1", networks=False), Reach("127.0.0.1", networks=True)


def no_key(setting: str, env_file: str | None, variable: str) -> str | None:
    return None


def service(name: str = "ollama", **fields: Any) -> ServiceState:
    base = {"title": name.title(), "description": "d", "kind": name, "container_status": ContainerStatus.RUNNING}
    return ServiceState.model_validate({**base, "container": container(), **fields, "name": name})


def container(*ports: Port, **fields: Any) -> Container:
    return Container(id="c" * 64, name="x", ports=ports or (published(),), **fields)


def published(inside: int = 11434, host: int = 31435, ip: str = "127.0.0.1") -> Port:
    return Port(container_port=inside, host_port=host, host_ip=ip)


@pytest.mark.parametrize(
    ("found", "reach", "url"),
    [
        (container(), HERE, "http://127.0.0.1:31435"),
        (container(published(ip="0.0.0.0")), Reach("192.0.2.1"), "http://192.0.2.1:31435"),
        (container(published(ip="::1")), HERE, "http://[::1]:31435"),
        (container(Port(container_port=11434), address="172.18.0.5"), INSIDE, "http://172.18.0.5:11434"),
        (container(Port(container_port=11434), network_mode="host"), HERE, "http://127.0.0.1:11434"),
    ],
)
def test_a_container_is_asked_where_its_health_check_asks(found: Container, reach: Reach, url: str) -> None:
    assert place_of(service(container=found), reach, no_key).url == url


def test_a_native_program_is_asked_where_its_health_check_found_it() -> None:
    health = Health(means=Means.HTTP, target="http://127.0.0.1:11434/api/version")
    native = service(container=None, native=True, container_status=ContainerStatus.NOT_FOUND, health=health)
    assert place_of(native, HERE, no_key).url == "http://127.0.0.1:11434"
    for other in (Health(means=Means.TCP, target="tcp://127.0.0.1:1"), Health(means=Means.HTTP)):
        with pytest.raises(UpstreamFailed, match="no port"):
            place_of(native.model_copy(update={"health": other}), HERE, no_key)


def test_a_port_that_cannot_be_reached_is_said_at_once() -> None:
    with pytest.raises(UpstreamFailed, match="no port that the dashboard can reach"):
        place_of(service(container=container(Port(container_port=11434), address="172.18.0.5")), HERE, no_key)


def test_the_key_comes_from_the_setting_or_the_env_file_and_is_not_shown() -> None:
    asked: list[tuple[str, str | None, str]] = []

    def key(setting: str, env_file: str | None, variable: str) -> str:
        asked.append((setting, env_file, variable))
        return "sk-secret"

    place = place_of(service("litellm", env_file="litellm.env", container=container(published(4000))), HERE, key)
    assert asked == [("litellm_api_key", "litellm.env", "LITELLM_MASTER_KEY")]
    assert place.bearer is not None and place.bearer.get_secret_value() == "sk-secret"
    assert place.key_setting == "DASHBOARD_LITELLM_API_KEY"
    assert "sk-secret" not in repr(place)
    assert place_of(service(), HERE, key).bearer is None


RUNNING, EXITED, GONE = ContainerStatus.RUNNING, ContainerStatus.EXITED, ContainerStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("services", "chosen"),
    [
        ([service()], "ollama"),
        ([service("models", kind="ollama")], "models"),
        ([service("models", kind="ollama"), service()], "ollama"),
        ([service(container_status=EXITED), service("models", kind="ollama")], "models"),
        ([service(container=None, native=True, container_status=GONE)], "ollama"),
    ],
)
def test_the_service_that_is_meant(services: list[ServiceState], chosen: str) -> None:
    assert service_of("ollama", {s.name: s for s in services}).name == chosen


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ([], "Ollama has not been created yet."),
        ([service("redis")], "Ollama has not been created yet."),
        ([service(container=None, container_status=GONE)], "Ollama has not been created yet."),
        ([service(container_status=EXITED)], "Ollama is not running."),
        ([service(container_status=ContainerStatus.PAUSED)], "Ollama is not running."),
        (
            [service(container=None, container_status=GONE, container_error=text("Docker does not answer."))],
            "Docker does not answer.",
        ),
    ],
)
def test_one_that_is_missing_or_stopped_is_an_error(services: list[ServiceState], words: str) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        service_of("ollama", {s.name: s for s in services})
    assert caught.value.text.english() == words
    assert caught.value.remedy is not None


def test_there_is_no_looking_into_a_program_without_docker() -> None:
    assert container_of(service()).id == "c" * 64
    with pytest.raises(UpstreamFailed, match="without Docker"):
        container_of(service(container=None, native=True))
