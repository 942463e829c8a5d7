"""Throw-away containers: one command in the image, the mounts and the networks of a container that exists.

A trial publishes no port, carries no label of Compose, is never started again and is always removed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hubcore.errors import HubError

from . import engine_parse
from .engine_client import Client
from .engine_connection import Connection, get, post
from .engine_errors import MalformedAnswer
from .engine_exec import OUTPUT_LIMIT, ExecResult
from .engine_logs import Demultiplexer

log = logging.getLogger(__name__)

LABEL = "dashboard.trial"
STEP = 15.0  # seconds each request to the engine may take, but for the wait
_KEPT = ("NetworkMode", "ExtraHosts", "Dns", "DnsOptions", "DnsSearch", "ReadonlyRootfs", "Tmpfs", "UsernsMode")


@dataclass(frozen=True, slots=True)
class Mount:
    """Something mounted into a container: `source` is a path of the engine's machine, or a volume's name."""

    kind: str  # bind, volume
    source: str
    target: str
    writable: bool


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a container was made from. `command`: program and arguments; `start_period`: seconds its health check gives
    it to start."""

    image: str
    command: tuple[str, ...]
    mounts: tuple[Mount, ...]
    networks: tuple[str, ...]
    start_period: float
    user: str
    folder: str
    host: Mapping[str, Any]


def blueprint(data: Mapping[str, Any]) -> Blueprint:
    """From the answer of `GET /containers/{id}/json`. Raises MalformedAnswer."""
    try:
        config, host = data["Config"], data.get("HostConfig") or {}
        health = config.get("Healthcheck") or {}
        return Blueprint(
            image=str(data["Image"]),
            command=(str(data["Path"]), *map(str, data.get("Args") or ())),
            mounts=tuple(found for mount in data.get("Mounts") or () if (found := _mount(mount)) is not None),
            networks=tuple((data.get("NetworkSettings") or {}).get("Networks") or {}),
            start_period=float(health.get("StartPeriod") or 0) / 1e9,
            user=str(config.get("User") or ""),
            folder=str(config.get("WorkingDir") or ""),
            host={name: host[name] for name in _KEPT if host.get(name)},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedAnswer(f"blueprint: {type(error).__name__}: {error}") from error


def _mount(data: Mapping[str, Any]) -> Mount | None:
    kind = str(data.get("Type") or "")
    source = str((data.get("Name") if kind == "volume" else data.get("Source")) or "")
    if kind not in ("bind", "volume") or not source:
        return None
    return Mount(kind, source, str(data["Destination"]), bool(data.get("RW", True)))


class Trials:
    """Runs trials and removes them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(
        self, plan: Blueprint, command: Sequence[str], overlays: Mapping[str, str], *, owner: str, seconds: float
    ) -> ExecResult:
        """See `Engine.trial`."""
        body = _body(plan, command, overlays, owner)
        created = self._connection.call(
            lambda client: engine_parse.member(post(client, "/containers/create", json=body).json(), "Id"), seconds=STEP
        )
        container_id = str(created)
        try:
            for network in plan.networks:
                if network != plan.host.get("NetworkMode", network):
                    self._post(f"/networks/{network}/connect", container_id, {"Container": container_id})
            self._post(f"/containers/{container_id}/start", container_id, None)
            code = self._connection.call(
                lambda client: engine_parse.member(
                    post(client, f"/containers/{container_id}/wait").json(), "StatusCode"
                ),
                seconds=seconds,
                container_id=container_id,
            )
            return ExecResult(int(code), self._output(container_id))
        finally:
            self._remove(container_id)

    def sweep(self, owner: str) -> int:
        """Remove what trials of this owner were left over; how many."""
        filters = json.dumps({"label": [f"{LABEL}={owner}"]})
        left = self._connection.call(
            lambda client: get(client, "/containers/json", {"all": "1", "filters": filters}).json(), seconds=STEP
        )
        ids = [str(engine_parse.member(item, "Id")) for item in left]
        for container_id in ids:
            self._remove(container_id)
        return len(ids)

    def _post(self, path: str, container_id: str, body: Mapping[str, Any] | None) -> None:
        self._connection.call(lambda client: post(client, path, json=body), seconds=STEP, container_id=container_id)

    def _output(self, container_id: str) -> bytes:
        def read(client: Client) -> bytes:
            params = {"stdout": "1", "stderr": "1", "tail": "200"}
            answer = get(client, f"/containers/{container_id}/logs", params, stream=True)
            frames, output = Demultiplexer(), bytearray()
            with answer:
                while piece := answer.raw.read1(OUTPUT_LIMIT):
                    for _, payload in frames.feed(piece):
                        output += payload[: OUTPUT_LIMIT - len(output)]
            return bytes(output)

        return self._connection.call(read, seconds=STEP, container_id=container_id)

    def _remove(self, container_id: str) -> None:
        def remove(client: Client) -> None:
            client.remove_container(container_id, force=True, v=True)

        try:
            self._connection.call(remove, seconds=STEP, container_id=container_id)
        except HubError as error:
            log.warning("A trial container was not removed: %s (%s)", error, error.detail or container_id[:12])


def _body(plan: Blueprint, command: Sequence[str], overlays: Mapping[str, str], owner: str) -> dict[str, Any]:
    """The body of `POST /containers/create`. `overlays`: path in the container → file of the engine's machine."""
    mounts = [
        {"Type": "bind", "Source": source, "Target": target, "ReadOnly": True} for target, source in overlays.items()
    ]
    for mount in plan.mounts:
        if mount.target not in overlays:
            mounts.append(
                {"Type": mount.kind, "Source": mount.source, "Target": mount.target, "ReadOnly": not mount.writable}
            )
    return {
        "Image": plan.image,
        "Entrypoint": [command[0]],
        "Cmd": list(command[1:]),
        "User": plan.user,
        "WorkingDir": plan.folder,
        "Labels": {LABEL: owner},
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            **plan.host,
            "Mounts": mounts,
            "RestartPolicy": {"Name": "no"},
            "SecurityOpt": ["no-new-privileges"],
            "LogConfig": {"Type": "json-file"},
            "PidsLimit": 64,
        },
    }
