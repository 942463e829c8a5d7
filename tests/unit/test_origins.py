"""Hosts and origins: one parser and one set of rules for both ports."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubcore.errors import HostRefused, OriginRefused
from hubcore.origins import Asked, Door, authority, host_name, is_loopback, is_wildcard, origin_key


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost", "localhost"), ("A.b:1", "a.b"), ("localhost.:80", "localhost"), ("a.b.", "a.b"), ("a:", "a"),
        ("[::1]:5", "::1"), ("[2001:DB8::1]", "2001:db8::1"), ("my_host:65535", "my_host"),
        ("127.0.0.1:0", "127.0.0.1"),
        ("хаб.example:1", "xn--80ac2d.example"),
        ("", None), (".", None), ("..", None), ("a..b", None), ("a b", None), (" a", None),
        ("a\t", None), ("a\n", None),
        ("x:y", None), ("a?b", None), ("a/b", None), ("a\\b", None), ("u@a", None), ("a,b", None), ("a:80:80", None),
        ("a:65536", None), ("a:-1", None), ("::1", None), ("[::1", None), ("[::1].evil.example", None), ("[a]", None),
        ("[127.0.0.1]", None), ("[fe80::1%25eth0]", None), ("a" * 400, None), ("а" * 200, None), ("a%2eb", None),
    ],
)  # fmt: skip
def test_the_name_in_a_host_header(header: str, name: str | None) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    ("origin", "key"),
    [
        ("http://localhost", "http://localhost"), ("HTTPS://Hub.Example:443", "https://hub.example"),
        ("http://hub.example:443", "http://hub.example:443"), ("http://[::1]:80", "http://[::1]"), ("null", "null"),
        ("http://a:", "http://a"), ("capacitor://localhost", "capacitor://localhost"), ("http://a:080", "http://a"),
        ("", None), ("nul", None), ("localhost", None), ("//a", None), ("http://", None), ("file://", None),
        ("http://a/", None), ("http://a?b", None), ("http://u@a", None), ("http://a, http://b", None), ("*", None),
        ("http://a\\.b", None), ("http://a:99999", None), ("http:///a", None), ("1http://a", None),
    ],
)  # fmt: skip
def test_an_origin_in_one_spelling(origin: str, key: str | None) -> None:
    assert origin_key(origin) == key


@given(st.text(max_size=60))
def test_any_text_gets_an_answer_and_keys_are_final(value: str) -> None:
    for prefix in ("", "http://", "http://[", "//", "localhost:"):
        name = host_name(prefix + value)
        assert name is None or host_name(authority(name)) == name
        key = origin_key(prefix + value)
        assert key is None or origin_key(key) == key


@pytest.mark.parametrize(
    ("host", "loopback", "wildcard"),
    [("127.0.0.1", True, False), ("::1", True, False), ("[::1]", True, False), ("localhost", True, False),
     ("0.0.0.0", False, True), ("::", False, True), ("[::]", False, True), ("10.0.0.1", False, False),
     ("hub.lan", False, False), ("localhost.evil.example", False, False)],
)  # fmt: skip
def test_kinds_of_addresses(host: str, loopback: bool, wildcard: bool) -> None:
    assert (is_loopback(host), is_wildcard(host)) == (loopback, wildcard)


def test_authority() -> None:
    assert [authority("a", 1), authority("::1", 2), authority("[::1]", 3), authority("a:1")] == [
        "a:1", "[::1]:2", "[::1]:3", "a:1",
    ]  # fmt: skip


# --- a door

FOREIGN = "https://evil.example"


def door(*, bind: str = "127.0.0.1", **more: Any) -> Door:
    return Door(bind=bind, port=5002, **more)


def verdict(checked: Door, method: str = "GET", host: str | None = "localhost:5002", **more: Any) -> int:
    """The status that the door refuses with; 0 when it lets the request through."""
    try:
        checked.check(Asked(method, host, **more))
    except (HostRefused, OriginRefused) as refusal:
        setting = "DASHBOARD_ALLOWED_HOSTS" if isinstance(refusal, HostRefused) else "DASHBOARD_ALLOWED_ORIGINS"
        assert setting in str(refusal)
        return refusal.status
    return 0


@pytest.mark.parametrize(
    ("bind", "hosts", "host", "allowed"),
    [
        ("127.0.0.1", (), "127.9.9.9:1", True),
        ("127.0.0.1", (), "192.168.1.5:5002", False),
        ("192.168.1.5", (), "192.168.1.5:5002", True),
        ("192.168.1.5", (), "192.168.1.6:5002", False),
        ("2001:db8::1", (), "[2001:db8::1]:5002", True),
        ("hub.lan", (), "HUB.lan.", True),
        # listening everywhere names nothing: not the wildcard itself, not the machine's own addresses
        ("0.0.0.0", (), "0.0.0.0:5002", False),
        ("::", (), "[::]:5002", False),
        ("0.0.0.0", (), "192.168.1.5:5002", False),
        ("0.0.0.0", ("192.168.1.5", "hub.lan"), "192.168.1.5:5002", True),
        ("0.0.0.0", ("192.168.1.5", "hub.lan"), "hub.lan", True),
        ("0.0.0.0", ("0.0.0.0",), "0.0.0.0:5002", False),
        ("0.0.0.0", ("2001:db8::1",), "[2001:db8::1]", True),
        ("0.0.0.0", (), "localhost", True),
    ],
)
def test_hosts(bind: str, hosts: tuple[str, ...], host: str, allowed: bool) -> None:
    assert verdict(door(bind=bind, hosts=hosts), host=host) == (0 if allowed else 421)


def test_no_host_is_refused() -> None:
    assert verdict(door(), host=None) == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
def test_pages_of_other_ports_of_this_machine(method: str) -> None:
    near = "http://localhost:3000"
    assert verdict(door(pages_of_this_machine=True), method, origin=near) == 0
    assert verdict(door(), method, origin=near) == 403
    assert verdict(door(origins=[near]), method, origin=near) == 0
    assert verdict(door(pages_of_this_machine=True), method, origin=FOREIGN) == 403


def test_the_doors_own_page_also_behind_a_proxy_with_tls() -> None:
    named = door(hosts=("hub.lan",))
    assert verdict(named, "POST", "hub.lan", origin="https://hub.lan") == 0
    assert verdict(named, "POST", "hub.lan:443", origin="https://hub.lan") == 0
    assert verdict(named, "POST", "hub.lan:5002", origin="http://hub.lan:5002") == 0
    assert verdict(named, "POST", "hub.lan:5002", origin="http://hub.lan:9999") == 403
    # a name that is none of ours is no origin of ours either, whatever the page's own address is
    assert verdict(named, "POST", "evil.example", origin="https://evil.example") == 421
    assert not named.origin_allowed("https://evil.example", "evil.example")


@pytest.mark.parametrize("origin", [None, FOREIGN, "null", "http://localhost:9999"])
def test_a_handshake_needs_the_doors_own_page(origin: str | None) -> None:
    assert verdict(door(), websocket=True, origin=origin) == 403
    assert verdict(door(), websocket=True, origin="http://localhost:5002") == 0


@pytest.mark.parametrize(
    ("method", "mode", "dest", "allowed"),
    [
        ("GET", "navigate", "document", True),  # a link, or the address bar
        ("GET", "navigate", "iframe", False),
        ("GET", "no-cors", "image", False),
        ("GET", "no-cors", "empty", False),
        ("HEAD", "no-cors", "empty", False),
        ("POST", "navigate", "document", False),  # a form
        ("GET", None, None, False),
    ],
)
def test_what_another_site_embeds_is_refused_without_an_origin(
    method: str, mode: str | None, dest: str | None, allowed: bool
) -> None:
    headers = {"mode": mode, "dest": dest}
    assert verdict(door(), method, site="cross-site", **headers) == (0 if allowed else 403)
    for near in ("same-origin", "same-site", "none", None):
        assert verdict(door(), method, site=near, **headers) == 0


def test_an_allowed_page_of_another_site_is_served() -> None:
    friend = {"origin": "https://friend.example", "site": "cross-site", "mode": "cors", "dest": "empty"}
    assert verdict(door(origins=["https://friend.example"]), "POST", **friend) == 0
    assert verdict(door(), "POST", **friend) == 403
    assert verdict(door(), "GET", **friend) == 0  # no CORS headers: it cannot read the answer


def test_control_characters_of_strangers_stay_out_of_the_message() -> None:
    with pytest.raises(HostRefused) as refused:
        door().check(Asked("GET", "evil\x1b[31m\u202e\n" + "x" * 500))
    words = refused.value.text.english()
    assert words.isprintable()
    assert len(words) < 300
