"""Each endpoint of the contract against the running dashboard and a real stack, from one table (`contract_rows.py`).

What every address has in common (wrong methods, foreign pages and names, bodies that are no objects, tokens) is asked
of all routes there are, so that a new one is asked as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from api_sidecar.app import routes
from api_sidecar.route import Route
from hubcore.hub import Hub
from hubcore.settings import Settings
from tests.stack.hub import HubProcess
from tests.stack.stack import Stack
from tests.stack.waiting import wait_until

from .contract_rows import ROWS, Row
from .contract_shapes import REFUSED, check

pytestmark = pytest.mark.stack

LOCAL, FOREIGN = "http://localhost:3000", "https://evil.example"
BAD_BODIES = (b"{", b"[]", b"null", b'"x"', b"\xff")
Worlds = Callable[[str], HubProcess]


@pytest.fixture(scope="module")
def worlds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    """`worlds("bare")`: a dashboard in that world; each is started once."""
    started: dict[str, HubProcess] = {}
    stacks: list[Stack] = []

    def environment(name: str) -> dict[str, str]:
        if name == "small":
            stacks.append(Stack.prepare(tmp_path_factory.mktemp("small") / "demo", interval="1s"))
            stacks[-1].up("redis", "notes")
            return stacks[-1].environment()
        nothing = {"DASHBOARD_PROJECT": "hubtest-nothing"}  # not the stack of the session
        more = {"away": {"DOCKER_HOST": "unix:///nonexistent.sock"}, "guarded": {"DASHBOARD_REQUIRE_TOKEN": "true"}}
        return nothing | more.get(name, {})

    def world(name: str) -> HubProcess:
        if name == "stack":
            running: HubProcess = request.getfixturevalue("hub")
            return running
        if name not in started:
            started[name] = HubProcess(tmp_path_factory.mktemp(name), environment(name)).start()
        return started[name]

    yield world
    for running in started.values():
        running.stop()
    for stack in stacks:
        stack.down()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Route]]:
    """All routes of the program."""
    folder = tmp_path_factory.mktemp("table")
    hub = Hub(Settings(_env_file=None, state_dir=folder / "state", stack_dir=folder))
    yield routes(hub)
    hub.close()


def route_of(table: list[Route], method: str, path: str) -> Route | None:
    """The route that answers; one without wildcards comes first."""
    for route in sorted(table, key=lambda route: route.rule.count("<")):
        rule = re.sub(r"<[^>]*>", "[^/]+", route.rule)
        if route.method == method and re.fullmatch(rule, path.partition("?")[0]):
            return route
    return None


def filled(hub: HubProcess, row: Row) -> tuple[str, Any]:
    """Path and body with what only the running dashboard knows."""
    path, body = row.path, row.body
    if "{newest}" in path:
        path = path.replace("{newest}", hub.get("/api/operations").json()["operations"][0]["id"])
    if isinstance(body, dict) and body.get("model") == "{litellm}":
        body = {**body, "model": hub.get("/api/litellm/models").json()["data"][0]["id"]}
    return path, body


def ask(hub: HubProcess, method: str, path: str, body: Any, **headers: str) -> httpx.Response:
    """One request as an older page sends it."""
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {"Origin": LOCAL, "Content-Type": "application/json"} | headers
    return httpx.request(method, hub.api + path, content=content, headers=sent, timeout=100)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row(row: Row, worlds: Worlds, table: list[Route]) -> None:
    hub = worlds(row.world)
    wait_until(lambda: hub.get("/readyz").status_code == 200, 30, "values are published")
    path, body = filled(hub, row)
    answer = ask(hub, row.method, path, body)
    assert answer.status_code == row.status, answer.text[:2000]
    assert answer.headers["access-control-allow-origin"] == LOCAL
    assert "Origin" in answer.headers["vary"]
    assert ("retry-after" in answer.headers) is (row.status == 503)
    if row.shape is not None:
        assert answer.headers["content-type"] == "application/json"
        check(answer.json(), row.shape, row.path)
    route = route_of(table, row.method, row.path)
    if row.status == 200 and route is not None and route.doc.answer is not None:
        route.doc.answer.model_validate_json(answer.content)  # strict: no field more, none less
    if row.status >= 400 and route is not None:
        found = hub.get("/openapi.json").json()["paths"][re.sub(r"<(\w+)[^>]*>", r"{\1}", route.rule)]
        assert str(row.status) in found[row.method.lower()]["responses"], "a status that is not documented"


# --- the table is complete


def test_every_route_has_rows_for_success_and_for_what_a_client_can_do_wrong(table: list[Route]) -> None:
    missing = []
    for route in table:
        rows = {row.status for row in ROWS if route_of(table, row.method, row.path) is route}
        wanted = {200} | ({400} if route.doc.body is not None and "validate" not in route.rule else set())
        wanted |= {409} if route.rule.endswith("/config") and route.method == "POST" else set()
        missing += [f"{route.method} {route.rule}: {status}" for status in sorted(wanted - rows)]
    assert missing == []


def test_every_row_is_about_a_route(table: list[Route]) -> None:
    assert [str(row) for row in ROWS if row.status != 404 and route_of(table, row.method, row.path) is None] == []


# --- what all addresses have in common


def paths(table: list[Route], *, name: str = "redis") -> Iterator[tuple[Route, str]]:
    examples = {"operation_id": "nope", "action": "start", "service": "redis"}
    for route in table:
        yield route, re.sub(r"<(\w+)[^>]*>", lambda found: examples.get(found[1], name), route.rule)


def test_wrong_methods(hub: HubProcess, table: list[Route]) -> None:
    possible: dict[str, set[str]] = {}
    for route, path in paths(table):
        possible.setdefault(path, set()).update({"GET", "HEAD"} if route.method == "GET" else {route.method})
    for path, methods in possible.items():
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - methods:
            answer = ask(hub, method, path, None)
            assert answer.status_code == 405, (method, path)
            assert {m.strip() for m in answer.headers["allow"].split(",")} >= methods, path
            check(answer.json(), {"error": str, "code": str}, path)
        preflight = ask(hub, "OPTIONS", path, None)
        assert preflight.status_code == 204
        assert {m.strip() for m in preflight.headers["allow"].split(",")} == methods | {"OPTIONS"}
        assert "POST" in preflight.headers["access-control-allow-methods"]


def test_foreign_hosts_and_pages(hub: HubProcess, table: list[Route]) -> None:
    before = hub.get("/api/operations").json()
    for route, path in paths(table):
        assert ask(hub, route.method, path, None, Host="evil.example").status_code == 421, path
        if route.method == "POST":
            refused = ask(hub, "POST", path, None, Origin=FOREIGN)
            assert refused.status_code == 403, path
            assert "access-control-allow-origin" not in refused.headers
            check(refused.json(), REFUSED, path)
    assert hub.get("/api/operations").json() == before


def test_bodies_that_are_no_objects(hub: HubProcess, table: list[Route]) -> None:
    before = hub.get("/api/operations").json()
    for route, path in paths(table):
        if route.method == "POST":
            for body in BAD_BODIES:
                answer = ask(hub, "POST", path, body)
                assert answer.status_code == 400, (path, body)
                check(answer.json(), REFUSED, path)
    assert hub.get("/api/operations").json() == before


def test_an_unknown_service_is_404_before_the_body_is_looked_at(hub: HubProcess, table: list[Route]) -> None:
    for route, path in paths(table, name="nope"):
        if "<name>" in route.rule:
            answer = ask(hub, route.method, path, b"{" if route.method == "POST" else None)
            assert answer.status_code == 404, path
            assert answer.json()["code"] == "unknown_service"


def test_without_a_token(worlds: Worlds, table: list[Route]) -> None:
    guarded = worlds("guarded")
    for route, path in paths(table):
        answer = ask(guarded, route.method, path, None)
        assert (answer.status_code == 401) is (route.role is not None), path
        if route.role is not None:
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["code"] == "token_required"
