"""One HTTP request to a service. The caller sets the deadline for all of it."""

from __future__ import annotations

import ssl
from functools import cache

import httpx

from hubcore.models import HealthStatus, text
from hubcore.probing import BODY_LIMIT, Finding, ProbeSpec, failed, http_answer

from .http_failures import failure_of

MAX_REDIRECTS = 5
NO_KEEPALIVE = httpx.Limits(max_connections=1, max_keepalive_connections=0)


async def check(spec: ProbeSpec, seconds: float) -> Finding:
    """Ask, following redirects that stay on the same address; never raises for what a server or network does."""
    headers = {"User-Agent": "hub-dashboard", "Accept": "*/*"}
    if spec.bearer is not None:
        key = spec.bearer.get_secret_value()
        if not key.isascii() or not key.isprintable():
            return Finding(
                HealthStatus.ERROR,
                text("The key for this service has characters that cannot be sent."),
                text("Put the service’s key into the setting {setting}.", setting=spec.key_setting or "…"),
            )
        headers["Authorization"] = f"Bearer {key}"
    try:
        # The caller's deadline covers all of it. No proxies and no .netrc: services of the stack are asked directly.
        async with httpx.AsyncClient(
            verify=_tls(checked=spec.bearer is not None),
            trust_env=False,
            limits=NO_KEEPALIVE,
            timeout=None,  # noqa: S113
        ) as client:
            return await _follow(client, spec, headers)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError) as error:
        detail = _without(spec, f"{type(error).__name__}: {error}")
        remedy = text("Check the service’s ports, and its label “dashboard.probe” if it has one.")
        return Finding(HealthStatus.ERROR, text("The address of its check is not valid."), remedy, detail)
    except httpx.HTTPError as error:
        return failed(failure_of(error), spec, seconds, _without(spec, f"{type(error).__name__}: {error}"))


async def _follow(client: httpx.AsyncClient, spec: ProbeSpec, headers: dict[str, str]) -> Finding:
    url = httpx.URL(spec.target or "")
    for _ in range(MAX_REDIRECTS + 1):
        async with client.stream("GET", url, headers=headers) as answer:
            body = await _body(answer)
            if not answer.has_redirect_location:
                head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
                return http_answer(spec, answer.status_code, head, body)
            there = url.join(answer.headers["location"])
        if (there.scheme, there.host, there.port) != (url.scheme, url.host, url.port):
            return http_answer(spec, answer.status_code, "", body, elsewhere=True)
        url = there
    return http_answer(spec, answer.status_code, "", b"redirected in a circle")


async def _body(answer: httpx.Response) -> bytes:
    body = b""
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) >= BODY_LIMIT:
            break
    return body[:BODY_LIMIT]


def _without(spec: ProbeSpec, words: str) -> str:
    """Libraries quote what they could not send; the key must not get out that way."""
    key = spec.bearer.get_secret_value() if spec.bearer is not None else ""
    return words.replace(key, "…") if key else words


@cache
def _tls(*, checked: bool) -> ssl.SSLContext:
    """A key goes only where the certificate is good. Without one, a service with a home-made certificate works too."""
    context = ssl.create_default_context()
    if not checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
