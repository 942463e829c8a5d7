"""Hosts and origins: who is answered, who is refused, and with which headers."""

from typing import Any

import pytest

from api_sidecar.call import Call
from api_sidecar.guard import Guard
from hubcore.errors import HostRefused, OriginRefused
from hubcore.roles import Principal
from hubcore.settings import Settings


def guard(**fields: Any) -> Guard:
    return Guard(Settings(**fields))


def call(method: str = "GET", *, host: str | None = "localhost:5002", origin: str | None = None, **more: str) -> Call:
    environ: dict[str, Any] = {"REQUEST_METHOD": method, **more}
    if host is not None:
        environ["HTTP_HOST"] = host
    if origin is not None:
        environ["HTTP_ORIGIN"] = origin
    return Call(environ, lambda authorization, address: Principal())


GOOD_HOSTS = [
    "localhost",
    "localhost:5002",
    "LOCALHOST:1",
    "127.0.0.1",
    "127.0.0.1:8080",
    "127.8.9.1",
    "[::1]",
    "[::1]:5002",
]
BAD_HOSTS = [
    "",
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "192.168.1.5:5002",
    "localhost@evil.example",
    "localhost,evil.example",
    "localhost:x",
    "localhost/..",
    "[::1",
    "0.0.0.0",
    "hub.lan",
]


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_this_machine_is_served(host: str) -> None:
    guard().check(call(host=host))


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_other_hosts_are_refused_and_told_the_setting(host: str) -> None:
    with pytest.raises(HostRefused) as refused:
        guard().check(call(host=host))
    assert "DASHBOARD_ALLOWED_HOSTS" in str(refused.value)


def test_a_request_without_a_host_is_refused() -> None:
    with pytest.raises(HostRefused):
        guard().check(call(host=None))


def test_hosts_of_the_settings_are_served() -> None:
    named = guard(allowed_hosts="hub.lan, Other.Example")
    named.check(call(host="hub.lan:5002"))
    named.check(call(host="HUB.LAN"))
    named.check(call(host="other.example"))
    with pytest.raises(HostRefused):
        named.check(call(host="hub.lan.evil.example"))


GOOD_ORIGINS = [
    "http://localhost",
    "http://localhost:3000",
    "https://LOCALHOST:8443",
    "http://127.0.0.1:8080",
    "http://127.5.5.5",
    "http://[::1]:9",
    "capacitor://localhost",
]
BAD_ORIGINS = [
    "",
    "null",
    "https://evil.example",
    "http://localhost.evil.example",
    "http://evil.example:5002",
    "http://localhost@evil.example",
    "http://127.0.0.1.nip.io",
    "http://localhost, https://evil.example",
    "localhost",
    "//localhost",
    "http://localhost/path",
    "http://localhost\\.evil.example",
    "http://",
    "http://localhost:99999",
    "file://",
    "chrome-extension://abcdef",
    "http://192.168.1.5:5002",
]


@pytest.mark.parametrize("origin", GOOD_ORIGINS)
def test_pages_of_this_machine_may_do_everything(origin: str) -> None:
    request = call("POST", origin=origin)
    guard().check(request)
    headers = dict(guard().headers(request))
    assert headers["Access-Control-Allow-Origin"] == origin
    assert headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize("origin", BAD_ORIGINS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
def test_foreign_pages_may_change_nothing(origin: str, method: str) -> None:
    request = call(method, origin=origin)
    with pytest.raises(OriginRefused) as refused:
        guard().check(request)
    assert "DASHBOARD_ALLOWED_ORIGINS" in str(refused.value)
    assert origin[:20].split(",")[0] in str(refused.value) or "'" in origin
    assert not [name for name, _ in guard().headers(request) if name.startswith("Access-Control")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_foreign_pages_may_ask_but_not_read(method: str) -> None:
    request = call(method, origin="https://evil.example")
    guard().check(request)
    assert not [name for name, _ in guard().headers(request) if name.startswith("Access-Control")]
    assert not [name for name in guard().preflight(request) if name.startswith("Access-Control")]


def test_scripts_send_no_origin() -> None:
    request = call("POST")
    guard().check(request)
    assert "Access-Control-Allow-Origin" not in dict(guard().headers(request))


def test_origins_of_the_settings_are_allowed_exactly() -> None:
    named = guard(allowed_origins="https://hub.example.org, null")
    named.check(call("POST", origin="https://hub.example.org"))
    named.check(call("POST", origin="https://HUB.example.org:443"))
    named.check(call("POST", origin="null"))
    for other in ("http://hub.example.org", "https://hub.example.org:444", "https://x.hub.example.org"):
        with pytest.raises(OriginRefused):
            named.check(call("POST", origin=other))


def test_the_sidecars_own_names_are_its_origins() -> None:
    named = guard(allowed_hosts="hub.lan", api_port=5002)
    named.check(call("POST", host="hub.lan:5002", origin="http://hub.lan:5002"))
    with pytest.raises(OriginRefused):
        named.check(call("POST", host="hub.lan:5002", origin="http://hub.lan:9999"))


def test_preflight() -> None:
    asked = call("OPTIONS", origin="http://localhost:3000", HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK="true")
    headers = guard().preflight(asked)
    assert {"GET", "POST", "OPTIONS"} <= set(headers["Access-Control-Allow-Methods"].split(", "))
    assert {"content-type", "authorization"} <= set(headers["Access-Control-Allow-Headers"].split(", "))
    assert int(headers["Access-Control-Max-Age"]) > 0
    assert headers["Access-Control-Allow-Private-Network"] == "true"
    assert "Access-Control-Allow-Private-Network" not in guard().preflight(call("OPTIONS", origin="http://localhost"))
