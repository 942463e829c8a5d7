"""Every address and every kind of visitor: who gets in is what the route declares, and nothing else.

The handlers are replaced, so that a request that gets in does nothing; the addresses and their roles are the real ones.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from api_sidecar import app
from api_sidecar.app import create_app, routes
from api_sidecar.call import Answer
from api_sidecar.route import Route
from api_sidecar.while_allowed import WhileAllowed
from hubcore.adapters.tokenfile import TokenFile
from hubcore.attempts import PER_ADDRESS
from hubcore.roles import Role
from hubcore.tokens import issue

from .sidecar_kit import FOREIGN, LOCAL, Bench, Client, Response, bench, state

# Addresses for programs that only ask whether this one lives: they tell nothing of the stack.
OPEN = {("GET", "/healthz"), ("GET", "/readyz")}
REACHED = b"reached"


class House:
    """The API on all addresses, with a token for each role."""

    def __init__(self, made: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench = made
        self.table = routes(made.hub)
        self.file = TokenFile(made.hub.settings.state_dir)
        self.tokens: dict[Role | None, str | None] = {None: None}
        for role in Role:
            issued = issue(f"a {role}", role, 1.0)
            self.file.change(lambda known, new=issued.token: [*known, new])
            self.tokens[role] = issued.secret
        stubs = [dataclasses.replace(route, handler=lambda call, **_: Answer(200, REACHED)) for route in self.table]
        monkeypatch.setattr(app, "routes", lambda hub: stubs)
        self.client = Client(create_app(made.hub))

    def ask(self, method: str, path: str, role: Role | None, **headers: str) -> Response:
        token = self.tokens[role]
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.client(method, path, b"{" if method == "POST" else b"", headers)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("DASHBOARD_API_HOST", "0.0.0.0")
    with bench(monkeypatch) as made:
        made.publish(state("redis"))
        yield House(made, monkeypatch)


def path_of(route: Route) -> str:
    return re.sub(r"<[^>]+>", "redis", route.rule)


def test_every_route_declares_a_role_but_two(house: House) -> None:
    assert {(r.method, r.rule) for r in house.table if r.role is None} == OPEN


def test_whoever_may_only_look_changes_nothing(house: House) -> None:
    for route in house.table:
        if route.method not in ("GET", "HEAD", "OPTIONS"):
            assert route.role not in (None, Role.VIEWER), route.rule
            answer = house.ask(route.method, path_of(route), Role.VIEWER)
            assert (answer.status, answer.json()["code"]) == (403, "role_refused"), route.rule
            assert answer.json()["success"] is False


def test_every_route_for_every_visitor(house: House) -> None:
    for route in house.table:
        for role in (None, *Role):
            for method in {route.method, "HEAD"} if route.method == "GET" else {route.method}:
                answer = house.ask(method, path_of(route), role)
                if route.role is None or (role is not None and role.includes(route.role)):
                    expected = 200
                else:
                    expected = 401 if role is None else 403
                assert answer.status == expected, (method, route.rule, role)
                assert (REACHED in answer.body) == (expected == 200 and method != "HEAD"), (method, route.rule, role)
                assert ("www-authenticate" in answer.headers) == (expected == 401)


def test_a_route_without_a_role_would_be_found(house: House) -> None:
    house.table.append(Route("GET", "/api/new", lambda call: Answer(200), None))
    with pytest.raises(AssertionError):
        test_every_route_declares_a_role_but_two(house)


def test_a_stranger_learns_nothing_but_401(house: House) -> None:
    wanted: dict[str, Any] | None = None
    known = [(route.method, path_of(route)) for route in house.table if route.role is not None]
    wrong_method = [("DELETE", path) for _, path in known] + [("GET", "/api/services/start-all")]
    unknown = [("GET", "/api/nothing"), ("POST", "/"), ("GET", "/api/status/"), ("PATCH", "/../etc")]
    for method, path in [*known, *wrong_method, *unknown]:
        answer = house.ask(method, path, None)
        assert answer.status == 401, (method, path)
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        body = {k: v for k, v in answer.json().items() if k != "success"}
        wanted = wanted or body
        assert body == wanted
        assert "allow" not in answer.headers
    assert house.ask("DELETE", "/healthz", None).status == 401
    assert house.ask("GET", "/api/nothing", Role.VIEWER).status == 404
    assert house.ask("DELETE", "/api/status", Role.VIEWER).status == 405


def test_preflights_are_never_asked_for_a_token(house: House) -> None:
    for route in house.table:
        answer = house.client("OPTIONS", path_of(route), headers={"Origin": LOCAL})
        assert answer.status == 204, route.rule
        assert "authorization" in answer.headers["access-control-allow-headers"]


def test_host_and_origin_come_before_the_token(house: House) -> None:
    for role in (None, Role.ADMIN):
        assert house.ask("POST", "/api/cache/clear", role, Origin=FOREIGN).status == 403
        token = house.tokens[role]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert house.client("GET", "/api/status", headers=headers, host="evil.example").status == 421
        assert house.client("GET", "/api/status", headers=headers, host="0.0.0.0:5002").status == 421


def test_pages_that_may_use_the_api_can_read_the_401(house: House) -> None:
    answer = house.ask("GET", "/api/status", None, Origin=LOCAL)
    assert answer.headers["access-control-allow-origin"] == LOCAL
    assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]


class Untouchable:
    """A request body that must not be read."""

    def read(self, size: int = -1) -> bytes:
        pytest.fail("the body was read")


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_nothing_is_read_of_the_body_before(monkeypatch: pytest.MonkeyPatch, role: Role | None) -> None:
    monkeypatch.setenv("DASHBOARD_API_HOST", "0.0.0.0")
    with bench(monkeypatch) as made:
        issued = issue("viewer", Role.VIEWER, 1.0)
        TokenFile(made.hub.settings.state_dir).change(lambda known: [issued.token])
        for route in routes(made.hub):
            if route.method == "POST":
                environ: dict[str, Any] = {
                    "REQUEST_METHOD": "POST", "PATH_INFO": path_of(route), "HTTP_HOST": "localhost",
                    "CONTENT_LENGTH": "5", "wsgi.input": Untouchable(), "REMOTE_ADDR": "10.0.0.1",
                }  # fmt: skip
                if role is not None:
                    environ["HTTP_AUTHORIZATION"] = f"Bearer {issued.secret}"
                begun: list[str] = []
                b"".join(made.client.app(environ, partial(_begin, begun)))
                assert begun[0].startswith("401" if role is None else "403"), route.rule


def _begin(begun: list[str], status: str, headers: Any, exc_info: Any = None) -> Any:
    begun.append(status)


def test_wrong_tokens_get_401_then_429(house: House) -> None:
    def ask() -> Response:
        return house.client("GET", "/api/status", headers={"Authorization": "Bearer wrong", "Origin": LOCAL})

    assert [ask().status for _ in range(PER_ADDRESS)] == [401] * PER_ADDRESS
    refused = ask()
    assert (refused.status, refused.json()["code"]) == (429, "too_many_attempts")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["access-control-allow-origin"] == LOCAL
    events = [entry["event_type"] for entry in house.bench.hub.audit.newest(10)]
    assert events == ["too_many_attempts", "token_refused"]


def test_a_damaged_list_of_tokens_is_503(house: House) -> None:
    house.file.path.write_text("{")
    answer = house.ask("GET", "/api/status", Role.ADMIN)
    assert (answer.status, answer.json()["code"]) == (503, "tokens_unreadable")
    assert str(house.file.path.parent).encode() not in answer.body
    assert house.ask("GET", "/api/status", None).status == 401
    assert house.ask("GET", "/healthz", None).status == 200


def test_a_revocation_counts_at_once_and_ends_what_is_open(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []

    class Endless:
        def __iter__(self) -> Endless:
            return self

        def __next__(self) -> bytes:
            return b"line"

        def close(self) -> None:
            closed.append(1)

    stubs = [dataclasses.replace(r, handler=lambda call, **_: Answer(200, Endless())) for r in house.table]
    monkeypatch.setattr(app, "routes", lambda hub: stubs)
    client = Client(create_app(house.bench.hub))
    token = house.tokens[Role.VIEWER]
    status, _, chunks = client.open("GET", "/api/status", headers={"Authorization": f"Bearer {token}"})
    lines = iter(chunks)
    assert (status, next(lines), next(lines)) == (200, b"line", b"line")
    house.file.change(lambda known: [t for t in known if t.role is not Role.VIEWER])
    assert list(lines) == []
    assert closed
    assert house.ask("GET", "/api/status", Role.VIEWER).status == 401
    assert house.ask("GET", "/api/status", Role.OPERATOR).status == 200


def test_a_body_that_cannot_be_closed_is_no_trouble() -> None:
    assert list(WhileAllowed([b"a", b"b"], lambda: True)) == [b"a", b"b"]
    assert list(WhileAllowed(iter([b"a"]), lambda: False)) == []


# --- on loopback


def test_on_loopback_nobody_needs_a_token_and_one_that_is_sent_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with bench(monkeypatch) as made:
        house = House(made, monkeypatch)
        for route in house.table:
            assert house.ask(route.method, path_of(route), None).status == 200
            if route.role is Role.ADMIN:
                assert house.ask(route.method, path_of(route), Role.OPERATOR).status == 403
        assert house.client("GET", "/api/status", headers={"Authorization": "Bearer wrong"}).status == 401
        assert house.ask("GET", "/nothing", None).status == 404


def test_on_loopback_a_token_can_be_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_REQUIRE_TOKEN", "true")
    with bench(monkeypatch) as made:
        house = House(made, monkeypatch)
        assert house.ask("GET", "/api/status", None).status == 401
        assert house.ask("GET", "/api/status", Role.VIEWER).status == 200
