"""Connections to the engine: where it is, one client per concurrent request, and deadlines that always hold.

A timeout of the HTTP client counts from byte to byte, so an engine that drips would never trip it. Here a `Guard` shuts
the socket down when the whole request has lasted too long; closing a stream from another thread works the same way.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import docker
import requests.adapters
import urllib3.connection
import urllib3.connectionpool
from docker.context import ContextAPI
from docker.tls import TLSConfig
from docker.transport import UnixHTTPAdapter
from docker.utils import kwargs_from_env
from docker.utils.config import load_general_config

from hubcore.errors import EngineUnavailable
from hubcore.models import text
from hubcore.settings import environment
from hubcore.userinfo import scrubbed, without_userinfo

from .engine_limit import Limited

CONNECT_TIMEOUT = 10.0  # the events stream has no read timeout, but connecting always ends
KEEP_CLIENTS = 8  # idle clients kept for reuse; more may be in use at once
# keep-alive: a silent stream notices that the other machine is gone
KEEPALIVE = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the engine is, as the docker command would find it."""

    url: str = field(repr=False)  # unix:///…, tcp://…, npipe://…, as configured
    tls: TLSConfig | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The address for people and logs: without a password."""
        return without_userinfo(self.url)

    @property
    def is_local(self) -> bool:
        """Whether it is a Unix socket on this machine."""
        return self.url.startswith(("unix://", "http+unix://"))

    @property
    def host(self) -> str:
        """The host on which published ports can be reached."""
        if self.is_local or self.url.startswith("npipe:"):
            return "127.0.0.1"
        name = urlsplit(self.url if "://" in self.url else f"tcp://{self.url}").hostname
        return "127.0.0.1" if name in (None, "localhost", "0.0.0.0") else name  # noqa: S104 (compared, not bound)


def resolve_address() -> Address:
    """Find the engine as the docker command does: DOCKER_HOST and its TLS variables, else the context, else the usual.

    Raises EngineUnavailable when these settings cannot be used: no such context, missing certificates.
    """
    remedy = text("Run `docker context ls` to see the contexts, and `docker context use default` for the usual one.")
    try:
        settings: Mapping[str, Any] = kwargs_from_env()
        if "base_url" not in settings:
            settings = ContextAPI.kwargs_from_context()
    except Exception as error:  # the SDK raises bare Exception for a broken context file
        message = text("Docker’s own settings (DOCKER_HOST, context, certificates) cannot be used.")
        detail = scrubbed(str(error), environment().get("DOCKER_HOST", ""))[:500]
        raise EngineUnavailable(message, remedy=remedy, detail=detail) from None
    if not settings.get("base_url"):
        raise EngineUnavailable(text("The Docker context that is selected does not exist."), remedy=remedy)
    url = str(settings["base_url"])
    if url.startswith("ssh://"):
        raise EngineUnavailable(
            text(
                "The Docker address {address} uses SSH, which the dashboard cannot use directly.",
                address=without_userinfo(url),
            ),
            remedy=text(
                "Forward the socket: `ssh -N -L /tmp/docker.sock:/var/run/docker.sock HOST`, and set "
                "DOCKER_HOST=unix:///tmp/docker.sock."
            ),
        )
    return Address(url=url, tls=settings.get("tls"))


_current = threading.local()


class Guard:
    """Watches the one request that the current thread makes: `with Guard(seconds): …`.

    After `seconds` the socket is shut down, and whoever reads from it wakes at once; `expired` tells.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.expired = False
        self._connection: urllib3.connection.HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._kept = False
        self._done = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.name = "engine-deadline"

    def __enter__(self) -> Guard:
        _current.guard = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.guard = None
        self._timer.cancel()
        with self._lock:
            self._done = not self._kept

    def keep(self) -> None:
        """For a stream: drop the deadline and go on watching the socket, so that `cut()` can end it at any time."""
        self._timer.cancel()
        self._kept = True

    def watch(self, connection: urllib3.connection.HTTPConnection) -> None:
        """Remember the connection in use, and its socket: http.client lets go of it before the body is read."""
        self._connection = connection
        self._socket = connection.sock or self._socket
        if self.expired:
            self.cut()

    def cut(self) -> None:
        """Shut the socket down, from any thread. The reader gets an end of file; it is he who closes the descriptor."""
        with self._lock:
            sock = self._socket or (self._connection.sock if self._connection is not None else None)
            if self._done or sock is None:
                return
            # By way of the plain class: SSLSocket.shutdown() would take the TLS state from under the reader.
            with contextlib.suppress(OSError):  # not connected any more: just what is wanted
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _expire(self) -> None:
        self.expired = True
        self.cut()


def _watch(connection: urllib3.connection.HTTPConnection) -> None:
    guard: Guard | None = getattr(_current, "guard", None)
    if guard is not None:
        guard.watch(connection)


class _Watched(urllib3.connection.HTTPConnection):
    """A connection that tells the guard of the current thread about itself."""

    def connect(self) -> None:
        _watch(self)
        self.timeout = self.timeout or CONNECT_TIMEOUT
        super().connect()

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watch(self)
        super().request(*args, **kwargs)
        _watch(self)


class _TcpConnection(_Watched):
    default_socket_options = KEEPALIVE


class _TlsConnection(_Watched, urllib3.connection.HTTPSConnection):
    default_socket_options = KEEPALIVE


class _UnixConnection(_Watched):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self.path = path

    def _new_conn(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self.timeout if isinstance(self.timeout, int | float) else CONNECT_TIMEOUT)
            sock.connect(self.path)
        except BaseException:
            sock.close()
            raise
        return sock


class _TcpPool(urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls = _TcpConnection  # type: ignore[assignment]


class _TlsPool(urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection  # type: ignore[assignment]


class _UnixPool(urllib3.connectionpool.HTTPConnectionPool):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", maxsize=1)
        self.path = path

    def _new_conn(self) -> _UnixConnection:
        return _UnixConnection(self.path)


class _TcpAdapter(Limited):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _TcpPool, "https": _TlsPool}


class _UnixAdapter(Limited, UnixHTTPAdapter):
    """The SDK's adapter with watched connections."""

    def get_connection(  # type: ignore[override]
        self, url: str | bytes, proxies: Mapping[str, str] | None = None
    ) -> _UnixPool:
        with self.pools.lock:
            pool: _UnixPool | None = self.pools.get(self.socket_path)
            if pool is None:
                pool = self.pools[self.socket_path] = _UnixPool(self.socket_path)
        return pool


class Client(docker.APIClient):
    """The SDK's low-level client on watched connections. Used by one thread at a time."""

    def mount(self, prefix: str | bytes, adapter: requests.adapters.BaseAdapter) -> None:
        """Replace the adapters the SDK mounts by ours; a named pipe (Windows) keeps the SDK's own."""
        if type(adapter) is requests.adapters.HTTPAdapter:
            adapter = _TcpAdapter()
        elif type(adapter) is UnixHTTPAdapter:
            adapter = _UnixAdapter(f"http+unix://{adapter.socket_path}")
            self.trust_env = False  # no proxies on a socket file; saves looking them up for each request
        super().mount(prefix, adapter)

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """As in requests, but Docker's own CA file beats REQUESTS_CA_BUNDLE, which would replace it otherwise."""
        chosen = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, chosen, cert)

    def url(self, path: str) -> str:
        """The full address of an API path such as `/events`."""
        return f"{self.base_url}/v{self.api_version}{path}"


class ClientPool:
    """Idle clients for reuse. Each borrowed client serves one request of one thread at a time."""

    def __init__(self) -> None:
        self.api_version: str | None = None  # learned by the first client, spares the others a request
        self._idle: list[Client] = []
        self._lock = threading.Lock()

    def borrow(self, address: Address, timeout: float) -> Client:
        """An idle client, or a new one. Talks to the engine when the API version is not known yet."""
        with self._lock:
            client = self._idle.pop() if self._idle else None
        if client is None:
            tls = address.tls if address.tls is not None else False
            client = Client(address.url, version=self.api_version or "auto", timeout=timeout, tls=tls)  # type: ignore[arg-type]
            client.headers.update(load_general_config().get("HttpHeaders") or {})
            self.api_version = client.api_version
        client.timeout = timeout  # type: ignore[assignment]
        return client

    def give_back(self, client: Client) -> None:
        """Keep a client whose last request ended well."""
        with self._lock:
            if len(self._idle) < KEEP_CLIENTS:
                self._idle.append(client)
                return
        client.close()

    def clear(self) -> None:
        """Forget idle clients and the API version: the engine may be another one when it is back."""
        with self._lock:
            idle, self._idle = self._idle, []
            self.api_version = None
        for client in idle:
            client.close()
