"""The guard of the web server: which hosts it answers to, which web pages may talk to it, and what browsers may load.

Pure ASGI, because it must see WebSocket handshakes as well as requests. Foreign host names are refused so that a web
page cannot reach the dashboard by pointing its own name at this machine (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from hubcore.settings import Settings, is_loopback

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY_VIOLATION = 1008  # WebSocket close code, RFC 6455 section 7.4.1

# Streamlit's page needs inline styles, its own inline script and WebAssembly; nothing may come from elsewhere.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
HEADERS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


def host_of(authority: str) -> str:
    """The host in a Host header or an origin's authority, lower case, without port; empty when it is malformed."""
    try:
        parts = urlsplit("//" + authority)
        parts.port  # noqa: B018 - raises for a port that is no number
    except ValueError:
        return ""
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return ""
    return (parts.hostname or "").rstrip(".").lower()


class Gate:
    """ASGI middleware around the whole server."""

    def __init__(self, app: Asgi, settings: Settings) -> None:
        self._app = app
        self._hosts = {settings.ui_host.strip("[]").lower(), *(host_of(host) for host in settings.allowed_hosts)} - {""}
        self._origins = set(settings.allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or handshake through, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = list(scope["headers"])
        refusal = self._refusal(scope, _values(headers, b"host"), _values(headers, b"origin"))
        if refusal is None:
            await self._app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal[1][:120]})
        else:
            await _answer(_with_headers(send), *refusal)

    def _refusal(self, scope: Scope, hosts: list[str], origins: list[str]) -> tuple[int, str] | None:
        """Status and reason to refuse with; None to let it through."""
        if len(hosts) != 1 or not self._host_allowed(host_of(hosts[0])):
            return 421, "This host name is not known here. Add it to DASHBOARD_ALLOWED_HOSTS to allow it.\n"
        unsafe = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if unsafe and not self._origin_allowed(scope, hosts[0], origins):
            return 403, "This web page may not use the dashboard. See DASHBOARD_ALLOWED_ORIGINS.\n"
        return None

    def _host_allowed(self, host: str) -> bool:
        return bool(host) and (is_loopback(host) or host in self._hosts)

    def _origin_allowed(self, scope: Scope, host: str, origins: list[str]) -> bool:
        """Same origin, or one of the setting. A request without an origin does not come from a web page; a WebSocket
        handshake of a browser always has one."""
        if not origins:
            return bool(scope["type"] == "http")
        origin = origins[0].rstrip("/").lower()
        if len(origins) > 1:
            return False
        return origin in self._origins or origin.partition("://")[2] == host.lower()


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in headers if key.lower() == name]


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in HEADERS}
            kept = [item for item in message.get("headers", []) if item[0].lower() not in ours]
            message["headers"] = [*kept, *HEADERS]
        await send(message)

    return guarded


async def _answer(send: Send, status: int, reason: str) -> None:
    body = reason.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
