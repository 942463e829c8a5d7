"""Where and how each service is asked whether it works. Pure: definitions in, probe specifications out.

The order: an explicit probe (label of the service, else the preset of the known service), Docker's HEALTHCHECK, a TCP
connection to a published port, and `None` where nothing can be asked.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from .catalog import Definition
from .models import Container, Means
from .presets import PRESETS, NativePreset, Preset, ProbePreset
from .probing import ProbeSpec
from .service_view import published_ports

# (field of the settings or "", env file, variable) → the setting's value, else the variable's in the env file, or None
Key = Callable[[str, str | None, str], str | None]


class Reach(NamedTuple):
    """How services are reached from here. `host`: where the engine publishes ports. `networks`: whether addresses
    inside the engine's networks can be used (an engine on this Linux machine)."""

    host: str = "127.0.0.1"
    networks: bool = False


def probe_for(definition: Definition, reach: Reach, key: Key) -> ProbeSpec | None:
    """The probe of a service that runs in a container; None when nothing can be asked."""
    container = definition.containers[0] if definition.containers else None
    if container is None:
        return None
    preset = PRESETS.get(definition.kind)
    return (
        _from_label(definition, container, reach)
        or (preset and preset.probe and _from_preset(definition, preset.probe, container, reach, key))
        or _from_docker(container)
        or _from_published_port(container, reach)
    )


def native_probe(preset: Preset, native: NativePreset, port: int, key: Key) -> ProbeSpec:
    """The probe that tells whether a program on `port` of this machine is the known service."""
    if preset.probe is not None and preset.probe.means in (Means.REDIS, Means.POSTGRES):
        return ProbeSpec(means=preset.probe.means, host="127.0.0.1", port=port, user="postgres", database="postgres")
    return ProbeSpec(means=Means.HTTP, host="127.0.0.1", port=port, path=native.path, expect=native.expect or None)


def _from_label(definition: Definition, container: Container, reach: Reach) -> ProbeSpec | None:
    """The label `dashboard.probe`: `http://:8080/path`, `tcp://:25`, `redis://:6379`, `postgres://:5432`, `docker` or
    `exec: command`.

    A label may name a port of its own container only: it must not make the dashboard call other machines.
    """
    label = (definition.probe_label or "").strip()
    if label.startswith("exec:"):
        command = _words(label.removeprefix("exec:"))
        return ProbeSpec(means=Means.EXEC, container_id=container.id, command=command) if command else None
    if label == "docker":
        return _from_docker(container)
    try:
        parts = urlsplit(label)
        port = parts.port
    except ValueError:
        return None
    means = {
        "http": Means.HTTP,
        "https": Means.HTTP,
        "tcp": Means.TCP,
        "redis": Means.REDIS,
        "postgres": Means.POSTGRES,
    }
    if parts.scheme not in means or port is None:
        return None
    address = address_of(container, port, reach)
    if address is None:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    spec = ProbeSpec(means=means[parts.scheme], host=address[0], port=address[1], user="postgres", database="postgres")
    return spec.model_copy(update={"scheme": parts.scheme, "path": path}) if parts.scheme.startswith("http") else spec


def _from_preset(
    definition: Definition, probe: ProbePreset, container: Container, reach: Reach, key: Key
) -> ProbeSpec | None:
    if probe.means == Means.PROCESS:
        return _from_docker(container) or ProbeSpec(means=Means.PROCESS)
    fallbacks: tuple[ProbeSpec, ...] = ()
    if probe.fallback_command:
        fallbacks = (ProbeSpec(means=Means.EXEC, container_id=container.id, command=probe.fallback_command),)
    address = address_of(container, probe.port, reach)
    if address is None:
        return fallbacks[0] if fallbacks else None
    # The key of the settings goes to the service of that name alone: an image can call itself anything.
    trusted = definition.name == definition.kind
    setting = probe.bearer[0] if probe.bearer and trusted else ""
    secret = key(setting, definition.env_file, probe.bearer[1]) if probe.bearer else None
    path = probe.path if secret or probe.path_without_key is None else probe.path_without_key
    # A role that does not exist would leave a line in the database's log at every check.
    user = key("", definition.env_file, "POSTGRES_USER") if probe.means == Means.POSTGRES else None
    return ProbeSpec(
        means=probe.means,
        host=address[0],
        port=address[1],
        path=path,
        bearer=SecretStr(secret) if secret else None,
        key_setting=f"DASHBOARD_{probe.bearer[0].upper()}" if probe.bearer else "",
        user=user or "postgres",
        database="postgres",
        container_id=container.id,
        fallbacks=fallbacks,
    )


def _words(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError:  # a quotation mark without its partner
        return ()


def _from_docker(container: Container) -> ProbeSpec | None:
    return ProbeSpec(means=Means.DOCKER, container_id=container.id) if container.docker_health is not None else None


def _from_published_port(container: Container, reach: Reach) -> ProbeSpec | None:
    published = published_ports(container)
    if not published:
        return None
    address = address_of(container, published[0].container_port, reach)
    return ProbeSpec(means=Means.TCP, host=address[0], port=address[1]) if address else None


def address_of(container: Container, container_port: int, reach: Reach) -> tuple[str, int] | None:
    """Where a port of a container is reachable from here: published, on the host's network, or inside the engine's."""
    published = published_ports(container)
    exact = [port for port in published if port.container_port == container_port]
    # An image may listen on another port than its default; where it publishes just one, that is the one meant.
    chosen = exact or (published if len(published) == 1 else [])
    if chosen and chosen[0].host_port:
        host_ip = chosen[0].host_ip or ""
        host = reach.host if host_ip in ("", "0.0.0.0", "::") else host_ip  # noqa: S104  # compared, not bound
        return host, chosen[0].host_port
    if container.network_mode == "host":
        return reach.host, container_port
    if reach.networks and container.address:
        return container.address, container_port
    return None
