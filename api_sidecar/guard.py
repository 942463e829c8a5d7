"""Who may ask: names this server answers to (against DNS rebinding) and web pages that may use it (CORS).

The rules are those of both ports, `hubcore/origins.py`; `docs/access.md` tells them. A page of this machine is always
welcome; a foreign one may neither read answers nor change anything, and is told which setting would allow it.
"""

from __future__ import annotations

from hubcore.origins import Asked, Door
from hubcore.settings import Settings

from .call import Call

Headers = list[tuple[str, str]]

METHODS = "GET, HEAD, POST, OPTIONS"

SECURITY_HEADERS: Headers = [
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
]


def _asked(call: Call) -> Asked:
    return Asked(
        method=call.method,
        host=call.header("Host"),
        origin=call.header("Origin"),
        site=call.header("Sec-Fetch-Site"),
        mode=call.header("Sec-Fetch-Mode"),
        dest=call.header("Sec-Fetch-Dest"),
    )


def surrounded(own: Headers, usual: Headers) -> Headers:
    """The headers of an answer and the usual ones: it may have others instead, such as the content policy of a page.

    What it says of caching adds to the usual: answers differ by origin, whatever else they differ by.
    """
    names = {name.lower() for name, _ in own}
    varies = [value for name, value in [*usual, *own] if name.lower() == "vary"]
    kept = [item for item in own if item[0].lower() != "vary"]
    kept += [item for item in usual if item[0].lower() not in {*names, "vary"}]
    return [*kept, ("Vary", ", ".join(varies))] if varies else kept


class Guard:
    """Decides from the settings; the same answer for every request with the same headers."""

    def __init__(self, settings: Settings) -> None:
        self._door = Door(
            bind=settings.api_host,
            port=settings.api_port,
            hosts=settings.allowed_hosts,
            origins=settings.allowed_origins,
            pages_of_this_machine=True,
        )

    def check(self, call: Call) -> None:
        """Refuse a request before anything happens. Raises HostRefused, OriginRefused."""
        self._door.check(_asked(call))

    def headers(self, call: Call) -> Headers:
        """Headers of every response: security, and CORS for an allowed origin."""
        headers = [*SECURITY_HEADERS, ("Vary", "Origin")]
        if (origin := self._allowed_origin(call)) is not None:
            headers += [
                ("Access-Control-Allow-Origin", origin),
                ("Access-Control-Expose-Headers", "ETag, Retry-After, WWW-Authenticate"),
            ]
        return headers

    def preflight(self, call: Call) -> dict[str, str]:
        """Headers of an answer to OPTIONS, beyond those of every response."""
        headers = {"Allow": METHODS}
        if self._allowed_origin(call) is None:
            return headers
        headers["Access-Control-Allow-Methods"] = METHODS
        headers["Access-Control-Allow-Headers"] = "content-type, authorization, if-none-match"
        headers["Access-Control-Max-Age"] = "600"
        if (call.header("Access-Control-Request-Private-Network") or "").lower() == "true":
            headers["Access-Control-Allow-Private-Network"] = "true"
        return headers

    def _allowed_origin(self, call: Call) -> str | None:
        origin = call.header("Origin")
        allowed = origin is not None and self._door.origin_allowed(origin, call.header("Host") or "")
        return origin.strip() if origin is not None and allowed else None
