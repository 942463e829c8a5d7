"""The sidecar's application called as a WSGI server calls it, over a real hub that collects nothing."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import orjson
import pytest

from api_sidecar.app import Sidecar, create_app
from hubcore.adapters.store import Store
from hubcore.executor import Executor
from hubcore.hub import Hub
from hubcore.models import (
    Container,
    ContainerStatus,
    DockerBlock,
    EngineState,
    EngineStatus,
    Health,
    HealthStatus,
    HostFigures,
    OperationKind,
    ServiceState,
    Snapshot,
    text,
)
from hubcore.operations import OperationQueue, OperationRun
from hubcore.publisher import Publisher
from hubcore.settings import load_settings

LOCAL = "http://localhost:3000"
FOREIGN = "https://evil.example"


class Response(NamedTuple):
    """What a client gets."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, which must be JSON and say so."""
        assert self.headers["content-type"] == "application/json"
        return orjson.loads(self.body)


class Client:
    """Calls a WSGI application."""

    def __init__(self, app: Sidecar) -> None:
        self.app = app

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        host: str = "localhost:5002",
        query: str = "",
    ) -> Response:
        """One whole request."""
        status, sent, chunks = self.open(method, path, body, headers, host=host, query=query)
        data = b"".join(chunks)
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
        names = [name.lower() for name, _ in sent]
        assert len(names) == len(set(names)), f"a header twice: {sorted(names)}"
        return Response(status, {name.lower(): value for name, value in sent}, data)

    def open(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        host: str = "localhost:5002",
        query: str = "",
    ) -> tuple[int, list[tuple[str, str]], Any]:
        """A request whose body is left to read: status, headers, iterable."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            "HTTP_HOST": host,
        }
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        for name, value in (headers or {}).items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        begun: list[Any] = []

        def start_response(status: str, sent: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            begun[:] = [int(status.split()[0]), sent]
            return lambda data: None

        chunks = self.app(environ, start_response)
        return begun[0], begun[1], chunks


def state(name: str = "redis", **fields: Any) -> ServiceState:
    """A running, healthy service with a container."""
    base = {
        "title": name.title(),
        "description": "A service",
        "defined": True,
        "container_name": f"hub-{name}-1",
        "container": Container(id="a" * 64, name=f"hub-{name}-1", status=ContainerStatus.RUNNING),
        "container_status": ContainerStatus.RUNNING,
        "health": Health(status=HealthStatus.HEALTHY, checked_at=1.0),
        "updated_at": 1.0,
    }
    return ServiceState.model_validate({**base, **fields, "name": name})


def a_snapshot(*services: ServiceState, **fields: Any) -> Snapshot:
    """A snapshot with a connected engine."""
    import time

    base = {
        "published_at": time.time(),
        "leader": "test",
        "engine": EngineState(status=EngineStatus.CONNECTED),
        "host": HostFigures(taken_at=time.time(), cpu_percent=12.3, memory_total=1024**3),
        "docker": DockerBlock(taken_at=time.time()),
        "services": {s.name: s for s in services},
    }
    return Snapshot.model_validate({**base, **fields})


AWAY = EngineState(status=EngineStatus.UNREACHABLE, reason=text("Docker does not answer."), last_seen=1.0)


class Bench:
    """A hub without a collector, and the application over it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.store = Store(hub.settings.state_dir / "store")
        self.client = Client(create_app(hub))

    def publish(self, *services: ServiceState, **fields: Any) -> None:
        """Publish a snapshot and wait until the hub holds it."""
        snapshot = a_snapshot(*services, **fields)
        Publisher(self.store).publish(snapshot)
        seen = -1
        while (held := self.hub.snapshot()) is None or held.published_at != snapshot.published_at:
            assert self.hub.version() > seen, "the hub did not notice the publication"
            seen = self.hub.version()
            self.hub.wait(seen, 5.0)

    @contextmanager
    def executor(self, action: Callable[[OperationRun], None]) -> Iterator[None]:
        """Run submitted operations with `action` meanwhile."""
        actions = dict.fromkeys(OperationKind, action)
        executor = Executor(OperationQueue(self.store), "test-leader", actions, on_change=lambda operation: None)
        stop = threading.Event()

        def run() -> None:
            while not stop.wait(0.01):
                executor.poll()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            executor.close()


@contextmanager
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench whose Docker engine cannot be reached."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    hub = Hub(load_settings())
    hub.start(collect=False)
    made = Bench(hub)
    try:
        yield made
    finally:
        made.store.close()
        hub.close()
