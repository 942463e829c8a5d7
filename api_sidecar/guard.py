"""Who may ask: names this server answers to (against DNS rebinding) and web pages that may use it (CORS).

The rules: `docs/api.md`, “Hosts and origins”. A page of this machine is always welcome; a foreign one may neither read
answers nor change anything, and is told which setting would allow it.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from hubcore.errors import HostRefused, OriginRefused
from hubcore.models import text
from hubcore.settings import Settings, is_loopback
from hubcore.views_text import plain

from .call import Call

Headers = list[tuple[str, str]]

ORIGINS_SETTING = "DASHBOARD_ALLOWED_ORIGINS"
HOSTS_SETTING = "DASHBOARD_ALLOWED_HOSTS"
METHODS = "GET, HEAD, POST, OPTIONS"
DEFAULT_PORTS = {"http": 80, "https": 443}

SECURITY_HEADERS: Headers = [
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
]


def host_name(host: str) -> str | None:
    """The name in a Host header, without port and brackets, in small letters; None when it is not one host."""
    if not host or any(c in host for c in "/\\@?#, \t"):
        return None
    try:
        parts = urlsplit("//" + host)
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname


def origin_key(origin: str) -> str | None:
    """An origin in one spelling (small letters, no default port); None when it is not `scheme://host[:port]`.

    The serialization of an origin: WHATWG HTML, “ASCII serialization of an origin”; `null` stays `null`.
    """
    origin = origin.strip().lower()
    if origin == "null":
        return origin
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    extra = parts.path or parts.query or parts.fragment or "@" in parts.netloc or "\\" in origin
    if extra or not parts.scheme or not parts.hostname or any(c in origin for c in ", \t"):
        return None
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port is None or port == DEFAULT_PORTS.get(parts.scheme) else f":{port}"
    return f"{parts.scheme}://{name}{shown}"


class Guard:
    """Decides from the settings; the same answer for every request with the same Host and Origin."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = {name for host in (settings.api_host, *settings.allowed_hosts) if (name := host_name(host))}
        own = {f"http://{f'[{name}]' if ':' in name else name}:{settings.api_port}" for name in self._hosts}
        self._origins = {key for origin in (*own, *settings.allowed_origins) if (key := origin_key(origin))}
        self.host_allowed = lru_cache(maxsize=256)(self._host_allowed)
        self.origin_allowed = lru_cache(maxsize=256)(self._origin_allowed)

    def _host_allowed(self, host: str) -> bool:
        name = host_name(host)
        return name is not None and (name in self._hosts or is_loopback(name))

    def _origin_allowed(self, origin: str) -> bool:
        key = origin_key(origin)
        if key is None or key == "null":
            return key is not None and key in self._origins
        name = urlsplit(key).hostname or ""
        return key in self._origins or is_loopback(name)

    def check(self, call: Call) -> None:
        """Refuse a request before anything happens. Raises HostRefused, OriginRefused."""
        host = call.header("Host") or ""
        if not self.host_allowed(host):
            raise HostRefused(
                text(
                    "This server does not answer to the name “{host}”. To allow it, add it to the setting {setting}.",
                    host=plain(host, 100),
                    setting=HOSTS_SETTING,
                )
            )
        origin = call.header("Origin")
        if origin is not None and not call.safe and not self.origin_allowed(origin):
            raise OriginRefused(
                text(
                    "The web page “{origin}” may change nothing here. To allow it, add it to the setting {setting}.",
                    origin=plain(origin, 100),
                    setting=ORIGINS_SETTING,
                )
            )

    def headers(self, call: Call) -> Headers:
        """Headers of every response: security, and CORS for an allowed origin."""
        origin = call.header("Origin")
        headers = [*SECURITY_HEADERS, ("Vary", "Origin")]
        if origin is not None and self.origin_allowed(origin):
            headers += [
                ("Access-Control-Allow-Origin", origin.strip()),
                ("Access-Control-Expose-Headers", "ETag, Retry-After"),
            ]
        return headers

    def preflight(self, call: Call) -> dict[str, str]:
        """Headers of an answer to OPTIONS, beyond those of every response."""
        headers = {"Allow": METHODS}
        origin = call.header("Origin")
        if origin is None or not self.origin_allowed(origin):
            return headers
        headers["Access-Control-Allow-Methods"] = METHODS
        headers["Access-Control-Allow-Headers"] = "content-type, authorization, if-none-match"
        headers["Access-Control-Max-Age"] = "600"
        if (call.header("Access-Control-Request-Private-Network") or "").lower() == "true":
            headers["Access-Control-Allow-Private-Network"] = "true"
        return headers
