"""The guard of the web server: hosts, origins, headers, for requests and WebSocket handshakes."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from hubcore.audit_events import Asking
from hubcore.errors import HostRefused, HubError, OriginRefused
from hubcore.settings import Settings
from ui import gate
from ui.gate import HEADERS, Gate

PASSED = 204


def ask(
    host: str | None = "localhost:8501",
    origin: str | None = None,
    *,
    kind: str = "http",
    method: str = "GET",
    extra: list[tuple[bytes, bytes]] | None = None,
    extensions: dict[str, Any] | None = None,
    told: list[tuple[HubError, Asking]] | None = None,
    **settings: Any,
) -> list[MutableMapping[str, Any]]:
    """Send one request or handshake through the guard; what comes back, message by message."""

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": PASSED, "headers": [(b"X-Frame-Options", b"ALLOWALL")]})
        await send({"type": "http.response.body", "body": b""})

    headers = [*(extra or [])]
    headers += [(b"host", host.encode())] if host is not None else []
    headers += [(b"origin", origin.encode())] if origin is not None else []
    scope = {"type": kind, "method": method, "path": "/", "headers": headers, "client": ("127.0.0.7", 1)}
    scope |= {"extensions": extensions} if extensions is not None else {}
    refused: Any = (lambda error, asking: told.append((error, asking))) if told is not None else gate._untold
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Gate(inner, Settings(**settings), refused)(scope, receive, send))
    return sent


def status(*args: Any, **more: Any) -> int:
    return int(ask(*args, **more)[0]["status"])


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8501", "127.0.0.1:8501", "127.1.2.3", "[::1]:8501", "localhost.:1"]
)
def test_this_machine_is_answered(host: str) -> None:
    assert status(host) == PASSED


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "localhost.evil.test",
        "127.0.0.1.evil.test",
        "user@localhost",
        "localhost:80:80",
        "",
        "localhost/x",
        "[::1",
        None,
    ],
)
def test_other_names_are_refused_and_the_setting_is_named(host: str | None) -> None:
    sent = ask(host)
    assert sent[0]["status"] == 421
    assert b"DASHBOARD_ALLOWED_HOSTS" in sent[1]["body"]


def test_two_host_headers_are_refused() -> None:
    assert status("localhost", extra=[(b"host", b"localhost")]) == 421


def test_allowed_hosts_are_answered() -> None:
    assert status("hub.home:8501", allowed_hosts=("hub.home",)) == PASSED
    assert status("other.home", allowed_hosts=("hub.home",)) == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_foreign_pages_may_change_nothing(method: str) -> None:
    assert status(origin="http://evil.test", method=method) == 403
    assert status(origin="null", method=method) == 403
    assert status(origin="http://localhost:9999", method=method) == 403
    assert status(origin="http://localhost:8501", method=method) == PASSED
    assert status(method=method) == PASSED  # not a web page: browsers always send an origin here
    assert status(origin="http://friend.test", method=method, allowed_origins=("http://friend.test",)) == PASSED


def test_reading_needs_no_origin() -> None:
    assert status(origin="http://evil.test") == PASSED  # what comes back stays closed to that page: no CORS headers


@pytest.mark.parametrize("origin", [None, "http://evil.test", "null", "http://localhost:9999", "localhost:8501"])
def test_a_handshake_of_a_foreign_page_is_closed(origin: str | None) -> None:
    sent = ask(origin=origin, kind="websocket")
    assert (sent[0]["type"], sent[0]["code"]) == ("websocket.close", 1008)


def test_a_handshake_of_our_own_page_is_let_through() -> None:
    assert ask(origin="http://localhost:8501", kind="websocket") == [{"type": "websocket.accept"}]


@pytest.mark.parametrize(
    ("host", "origin", "expected", "setting"),
    [
        ("evil.test", "http://evil.test", 421, b"DASHBOARD_ALLOWED_HOSTS"),
        ("localhost:8501", "http://evil.test", 403, b"DASHBOARD_ALLOWED_ORIGINS"),
        ("localhost:8501", None, 403, b"DASHBOARD_ALLOWED_ORIGINS"),
    ],
)
def test_a_handshake_is_refused_in_words_where_the_server_can(
    host: str, origin: str | None, expected: int, setting: bytes
) -> None:
    start, body = ask(host, origin, kind="websocket", extensions={"websocket.http.response": {}})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", expected)
    assert body["type"] == "websocket.http.response.body" and setting in body["body"]
    assert {name for name, _ in HEADERS} <= {name for name, _ in start["headers"]}


def test_the_reason_is_in_the_visitors_language_and_names_the_origin() -> None:
    russian = [(b"accept-language", b"ru-RU,ru;q=0.9")]
    body = ask("evil.test", extra=russian)[1]["body"].decode()
    assert "evil.test" in body and "DASHBOARD_ALLOWED_HOSTS" in body and "имя" in body
    body = ask(origin="http://evil.test", method="POST")[1]["body"].decode()
    assert "http://evil.test" in body and "DASHBOARD_ALLOWED_ORIGINS" in body


def test_every_refusal_is_told_with_the_address_and_nothing_else_is() -> None:
    told: list[tuple[HubError, Asking]] = []
    ask("evil.test", told=told)
    ask(origin="http://evil.test", method="POST", told=told)
    ask(origin="http://evil.test", kind="websocket", told=told)
    ask(told=told)
    ask(origin="http://localhost:8501", kind="websocket", told=told)
    assert [type(error) for error, _ in told] == [HostRefused, OriginRefused, OriginRefused]
    assert {asking.address for _, asking in told} == {"127.0.0.7"}
    assert [(asking.via, asking.method, asking.path) for _, asking in told] == [
        ("page", "GET", "/"), ("page", "POST", "/"), ("page", "GET", "/"),
    ]  # fmt: skip


def test_what_a_page_of_another_site_embeds_is_refused() -> None:
    def fetched(mode: bytes, dest: bytes, method: str = "GET") -> int:
        headers = [(b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", mode), (b"sec-fetch-dest", dest)]
        return status(extra=headers, method=method)

    assert fetched(b"navigate", b"document") == PASSED  # a link
    assert fetched(b"navigate", b"iframe") == 403
    assert fetched(b"no-cors", b"image") == 403
    assert fetched(b"navigate", b"document", "POST") == 403


def test_that_the_api_serves_pages_from_disk_does_not_open_the_dashboard() -> None:
    assert status(origin="null", method="POST", allowed_origins=("null",)) == 403
    assert ask(origin="null", kind="websocket", allowed_origins=("null",))[0]["code"] == 1008


def test_two_origins_are_none() -> None:
    twice = [(b"origin", b"http://localhost:8501")]
    assert status(origin="http://localhost:8501", method="POST", extra=twice) == 403


def test_a_handshake_under_a_foreign_name_is_closed() -> None:
    assert ask("evil.test", "http://evil.test", kind="websocket")[0]["code"] == 1008


def test_every_answer_has_the_security_headers() -> None:
    for sent in (ask(), ask("evil.test")):
        headers = sent[0]["headers"]
        for name, value in HEADERS:
            assert [found for key, found in headers if key.lower() == name] == [value]
    policy = dict(HEADERS)[b"content-security-policy"].decode()
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "http:" not in policy and "https:" not in policy and "*" not in policy


def test_other_scopes_pass() -> None:
    seen: list[str] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(Gate(inner, Settings())({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
