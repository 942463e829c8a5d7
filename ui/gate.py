"""The guard of the web server: which hosts it answers to, which web pages may talk to it, and what browsers may load.

Pure ASGI, because it must see WebSocket handshakes as well as requests. The rules are those of both ports,
`hubcore/origins.py`; here a page of another port of this machine is foreign too, for whatever runs in the dashboard's
own page may do all that a click may.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import Any

from hubcore.audit_events import Asking
from hubcore.errors import HostRefused, HubError, OriginRefused
from hubcore.origins import Asked, Door
from hubcore.settings import Settings
from hubcore.texts import Translator, choose_language, wanted_languages

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
# Told of every refusal, and of who asked for what; must return at once.
Tell = Callable[[HubError, Asking], None]

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


@lru_cache(maxsize=8)
def _translator(language: str) -> Translator:
    return Translator(language)


def _untold(error: HubError, asking: Asking) -> None:
    """Nobody wants to know."""


class Gate:
    """ASGI middleware around the whole server."""

    def __init__(self, app: Asgi, settings: Settings, refused: Tell = _untold) -> None:
        self._app = app
        self._language = settings.language
        self._refused = refused
        self._door = Door(
            bind=settings.ui_host,
            port=settings.ui_port,
            hosts=settings.allowed_hosts,
            # Any page can make a frame whose origin is `null`: that the API may serve it does not open the pages.
            origins=[origin for origin in settings.allowed_origins if origin != "null"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or handshake through, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = list(scope["headers"])
        try:
            self._door.check(_asked(scope, headers))
        except (HostRefused, OriginRefused) as error:
            self._refused(error, _asking(scope))
            await _refuse(scope, receive, send, error.status, self._reason(error, headers))
            return
        await self._app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)

    def _reason(self, error: HubError, headers: Iterable[tuple[bytes, bytes]]) -> str:
        wishes = wanted_languages(_value(headers, b"accept-language") or "")
        return _translator(choose_language(*wishes, self._language)).text(error.text)


def _asking(scope: Scope) -> Asking:
    address = str((scope.get("client") or ("",))[0])
    return Asking("", address, "page", scope.get("method", "GET"), scope["path"])


def _asked(scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> Asked:
    websocket = scope["type"] == "websocket"
    return Asked(
        method="GET" if websocket else scope["method"],
        host=_value(headers, b"host"),
        origin=_value(headers, b"origin"),
        site=_value(headers, b"sec-fetch-site"),
        mode=_value(headers, b"sec-fetch-mode"),
        dest=_value(headers, b"sec-fetch-dest"),
        websocket=websocket,
    )


def _value(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """A header; one that stands there twice comes out as no valid value (joined by a comma), None when it is absent."""
    values = [value.decode("latin-1").strip() for key, value in headers if key.lower() == name]
    return ", ".join(values) if values else None


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"].endswith("http.response.start"):
            ours = {name for name, _ in HEADERS}
            kept = [item for item in message.get("headers", []) if item[0].lower() not in ours]
            message["headers"] = [*kept, *HEADERS]
        await send(message)

    return guarded


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, reason: str) -> None:
    """Answer with status and reason; a handshake whose server cannot do that is closed (the client sees 403)."""
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()
        kind = "websocket.http.response"
        if kind not in (scope.get("extensions") or {}):
            await send(
                {
                    "type": "websocket.close",
                    "code": POLICY_VIOLATION,
                    "reason": reason.encode()[:120].decode("utf-8", "ignore"),
                }
            )
            return
    body = (reason + "\n").encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await _with_headers(send)({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
