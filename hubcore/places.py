"""Where a service of the stack is asked beyond its health check, and with which key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from .errors import UpstreamFailed
from .models import Container, ContainerStatus, Means, ServiceState, Text, text
from .presets import PRESETS
from .targets import Key, Reach, address_of


@dataclass(frozen=True)
class Place:
    """A service and its address. `url`: scheme, host and port; `key_setting`: the setting that may hold the key."""

    title: str
    url: str
    bearer: SecretStr | None = field(default=None, repr=False)
    key_setting: str = ""


def service_of(kind: str, services: Mapping[str, ServiceState]) -> ServiceState:
    """The service that is `kind` (the name of one of the known services), running.

    The one of that name comes first, then another that is recognised as such, one that runs before one that does not.
    Raises UpstreamFailed when there is none, or it does not run.
    """
    found = [s for s in services.values() if s.kind == kind or s.name == kind]
    found.sort(key=lambda s: (not _runs(s), s.name != kind, s.name))
    if not found:
        raise missing(PRESETS[kind].title)
    return running(found[0])


def running(service: ServiceState) -> ServiceState:
    """The same. Raises UpstreamFailed when it does not run."""
    if _runs(service):
        return service
    if service.container is None:
        raise missing(service.title, service.container_error)
    raise UpstreamFailed(
        text("{service} is not running.", service=service.title), remedy=text("Start it, then try again.")
    )


def missing(title: str, why: Text | None = None) -> UpstreamFailed:
    """The error of a service without a container. `why`: what is known of the reason."""
    if why is not None:
        return UpstreamFailed(why, remedy=text("Start Docker, then try again."))
    return UpstreamFailed(
        text("{service} has not been created yet.", service=title),
        remedy=text("Start the service; it is created then."),
    )


def _runs(service: ServiceState) -> bool:
    return service.native or (
        service.container is not None and service.container_status in (ContainerStatus.RUNNING, ContainerStatus.UNKNOWN)
    )


def container_of(service: ServiceState) -> Container:
    """Its container, for commands inside. Raises UpstreamFailed for a program that runs without Docker."""
    if service.container is None:
        raise UpstreamFailed(
            text("{service} runs without Docker, so the dashboard cannot look inside.", service=service.title),
            remedy=text("Ask it with its own tools."),
        )
    return service.container


def place_of(service: ServiceState, reach: Reach, key: Key, port: int | None = None) -> Place:
    """Where a running service is asked: at its usual port in the container, or at `port`. Raises UpstreamFailed."""
    probe = PRESETS[service.kind or service.name].probe
    if probe is None:
        raise _nowhere(service)
    bearer = key(probe.bearer[0], service.env_file, probe.bearer[1]) if probe.bearer else None
    return Place(
        title=service.title,
        url=_url(service, reach, port or probe.port),
        bearer=SecretStr(bearer) if bearer else None,
        key_setting=f"DASHBOARD_{probe.bearer[0].upper()}" if probe.bearer else "",
    )


def _url(service: ServiceState, reach: Reach, port: int) -> str:
    if service.container is None:  # native: where its health check found it
        parts = urlsplit(service.health.target or "")
        if service.health.means is not Means.HTTP or not parts.hostname:
            raise _nowhere(service)
        return f"{parts.scheme}://{parts.netloc}"
    found = address_of(service.container, port, reach)
    if found is None:
        raise _nowhere(service)
    host, number = found
    return f"http://[{host}]:{number}" if ":" in host else f"http://{host}:{number}"


def _nowhere(service: ServiceState) -> UpstreamFailed:
    return UpstreamFailed(
        text("{service} has no port that the dashboard can reach.", service=service.title),
        remedy=text("Publish its port in the Compose file (`ports:`), then create it anew."),
    )
