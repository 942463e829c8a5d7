"""A container's ports in the two notations of the engine. Pure; used inside the checked functions of engine_parse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hubcore.models import Port


def ports_of_list(items: Iterable[Mapping[str, Any]]) -> tuple[Port, ...]:
    """Ports of a list entry. One published on IPv4 and IPv6 alike appears once, with the IPv4 address."""
    return _distinct(
        Port(
            container_port=int(item["PrivatePort"]),
            protocol=str(item.get("Type") or "tcp"),
            host_ip=item.get("IP") or None,
            host_port=int(item["PublicPort"]) if item.get("PublicPort") else None,
        )
        for item in items
    )


def ports_of_inspect(bindings: Mapping[str, Any], exposed: Mapping[str, Any]) -> tuple[Port, ...]:
    """Ports of an inspected container: `{"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "81/tcp": None}`."""
    ports = []
    for key in [*bindings, *(key for key in exposed if key not in bindings)]:
        number, _, protocol = str(key).partition("/")
        places: Iterable[Mapping[str, Any]] = bindings.get(key) or ({},)
        for binding in places:
            host_port = str(binding.get("HostPort") or "")
            ports.append(
                Port(
                    container_port=int(number),
                    protocol=protocol or "tcp",
                    host_ip=binding.get("HostIp") or None,
                    host_port=whole(host_port) or None,
                )
            )
    return _distinct(ports)


def whole(words: Any) -> int | None:
    """A whole number of at most nine digits in a text that anybody may have written; None for anything else."""
    return int(words) if isinstance(words, str) and _WHOLE.fullmatch(words) else None


_WHOLE = re.compile(r"-?[0-9]{1,9}")


def _distinct(ports: Iterable[Port]) -> tuple[Port, ...]:
    by_key: dict[tuple[int, str, int | None], Port] = {}
    for port in sorted(ports, key=lambda p: (p.container_port, p.protocol, p.host_port or 0, ":" in (p.host_ip or ""))):
        by_key.setdefault((port.container_port, port.protocol, port.host_port), port)
    return tuple(by_key.values())
