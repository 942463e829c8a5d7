"""The sidecar's generic rules: addresses, methods, CORS, errors, bodies, conditional reads."""

import logging
from collections.abc import Iterator

import orjson
import pytest

from api_sidecar.app import routes
from api_sidecar.call import BODY_LIMIT, Call
from api_sidecar.reads import same_tag
from hubcore.models import ContainerStatus, Health, HealthStatus
from hubcore.roles import Principal

from .sidecar_kit import AWAY, FOREIGN, LOCAL, Bench, bench, state

GET_PATHS = [
    "/api/status",
    "/api/metrics",
    "/api/services",
    "/api/system/stats",
    "/api/cache/info",
    "/api/operations",
    "/healthz",
    "/readyz",
]
POST_PATHS = [
    "/api/cache/clear",
    "/api/services/start-all",
    "/api/services/stop-all",
    "/api/services/restart-all",
    "/api/service/redis/control",
]
CONTROL = "/api/service/redis/control"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Nothing was ever published."""
    with bench(monkeypatch) as made:
        yield made


@pytest.fixture
def ready(fresh: Bench) -> Bench:
    """A stack with one service was published."""
    fresh.publish(state("redis"))
    return fresh


def known_paths(ready: Bench) -> list[str]:
    table = routes(ready.hub)
    return [r.rule.replace("<name>", "redis").replace("<operation_id>", "x") for r in table]


# --- reads


def test_every_read_answers_with_an_object(ready: Bench) -> None:
    for path in GET_PATHS:
        response = ready.client("GET", path)
        assert response.status == 200, path
        assert isinstance(response.json(), dict)
        assert int(response.headers["content-length"]) == len(response.body)


def test_head_answers_like_get_without_a_body(ready: Bench) -> None:
    for path in GET_PATHS:
        head = ready.client("HEAD", path)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-type"] == "application/json"
    assert ready.client("HEAD", "/api/nothing").status == 404
    assert ready.client("HEAD", "/api/nothing").body == b""


@pytest.mark.parametrize(
    ("query", "wanted"),
    [("", False), ("resources=true", True), ("resources=TRUE", True), ("resources=True", True)]
    + [(f"resources={other}", False) for other in ("false", "1", "yes", "", "truely")]
    + [("resources", False), ("x=1&resources=true&x=2", True)],
)
def test_resources_only_when_asked_for(ready: Bench, query: str, wanted: bool) -> None:
    entries = ready.client("GET", "/api/services", query=query).json()
    assert all(("resources" in entry) is wanted for entry in entries.values())


def test_two_reads_agree_and_count(ready: Bench) -> None:
    status, services = ready.client("GET", "/api/status").json(), ready.client("GET", "/api/services").json()
    assert status["redis"]["timestamp"] == services["redis"]["timestamp"]
    hits = [ready.client("GET", "/api/system/stats").json()["performance"]["cache_hits"] for _ in range(2)]
    assert hits[1] == hits[0] + 1


def test_engine_away_is_still_200(fresh: Bench) -> None:
    fresh.publish(state("redis"), engine=AWAY)
    entries = fresh.client("GET", "/api/services", query="resources=true").json()
    assert {entry["container_status"] for entry in entries.values()} == {"docker_unavailable"}
    assert all(entry["resources"]["error"] for entry in entries.values())


def test_unchanged_views_are_not_sent_again(ready: Bench) -> None:
    first = ready.client("GET", "/api/status")
    tag = first.headers["etag"]
    again = ready.client("GET", "/api/status", headers={"If-None-Match": tag, "Origin": LOCAL})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == tag
    assert again.headers["access-control-allow-origin"] == LOCAL
    ready.publish(state("redis", container_status=ContainerStatus.EXITED))
    changed = ready.client("GET", "/api/status", headers={"If-None-Match": tag})
    assert changed.status == 200
    assert changed.json()["redis"]["container_status"] == "exited"


@pytest.mark.parametrize(
    ("header", "same"),
    [(None, False), ("", False), ('W/"a"', True), ('"a"', True), ("*", True), ('"b", W/"a"', True), ('"b"', False)],
)
def test_tag_comparison(header: str | None, same: bool) -> None:
    assert same_tag(header, 'W/"a"') is same


def test_cache_listing(ready: Bench) -> None:
    info = ready.client("GET", "/api/cache/info").json()
    assert info["cache_entries"] == len(info["details"]) > 0
    assert {"system_metrics", "docker_stats", "service_health_redis"} <= set(info["details"])
    assert info["durations"]["service_status"] == 30


# --- nothing published yet


def test_before_the_first_publication(fresh: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api_sidecar.registry.FIRST_SNAPSHOT", 0.05)
    view = fresh.hub.view
    monkeypatch.setattr(fresh.hub, "view", lambda name: view(name, 0.05))
    for method, path in [("GET", "/api/status"), ("POST", CONTROL), ("GET", "/api/service/mine/logs/stream")]:
        response = fresh.client(method, path, b'{"action":"stop"}' if method == "POST" else b"")
        assert response.status == 503
        assert response.json()["code"] == "not_ready"
        assert response.headers["retry-after"]
    assert fresh.client("GET", "/healthz").status == 200
    unready = fresh.client("GET", "/readyz")
    assert unready.status == 503
    assert unready.json()["ready"] is False
    assert unready.json()["error"]


def test_readiness_when_the_collector_is_gone(fresh: Bench) -> None:
    fresh.publish(state("redis"))
    assert fresh.client("GET", "/readyz").json()["ready"] is True
    fresh.publish(state("redis"), published_at=1000.0)
    stale = fresh.client("GET", "/readyz")
    assert stale.status == 503
    assert "collector" in stale.json()["error"]
    assert fresh.client("GET", "/api/status").status == 200


# --- addresses and methods


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/", "/api/nothing", "/api/status/", "/API/status", "/api/service//control", "*", "/../etc"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_unknown_paths_are_json_404(ready: Bench, method: str, path: str) -> None:
    response = ready.client(method, path, headers={"Origin": LOCAL})
    assert response.status == 404
    assert response.json()["error"]
    assert response.headers["access-control-allow-origin"] == LOCAL


def test_wrong_methods_are_405_with_allow(ready: Bench) -> None:
    for path in GET_PATHS:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            response = ready.client(method, path, headers={"Origin": LOCAL})
            assert response.status == 405
            assert {"GET", "HEAD"} <= {m.strip() for m in response.headers["allow"].split(",")}
            assert response.json()["success"] is False
            assert response.headers["access-control-allow-origin"] == LOCAL
    for path in POST_PATHS:
        response = ready.client("GET", path)
        assert response.status == 405
        assert "POST" in response.headers["allow"]
        assert "GET" not in response.headers["allow"]


def test_preflight_on_every_known_path(ready: Bench) -> None:
    for path in known_paths(ready):
        response = ready.client("OPTIONS", path, headers={"Origin": LOCAL, "Access-Control-Request-Method": "POST"})
        assert (response.status, response.body) == (204, b""), path
        assert response.headers["access-control-allow-origin"] == LOCAL
        assert "POST" in response.headers["access-control-allow-methods"]
        foreign = ready.client("OPTIONS", path, headers={"Origin": FOREIGN})
        assert foreign.status == 204
        assert not [name for name in foreign.headers if name.startswith("access-control")]


# --- guard, headers, failures


def test_foreign_pages_change_nothing(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("submit", "clear_cache"):
        monkeypatch.setattr(ready.hub, name, lambda *a, **k: pytest.fail("reached the hub"))
    for path in [*POST_PATHS, "/api/nothing", "/api/status"]:
        response = ready.client("POST", path, b'{"action":"stop"}', {"Origin": FOREIGN})
        assert response.status == 403
        answer = response.json()
        assert FOREIGN in answer["error"]
        assert "DASHBOARD_ALLOWED_ORIGINS" in answer["error"]
        assert answer["success"] is False
        assert not [name for name in response.headers if name.startswith("access-control")]


def test_foreign_hosts_get_421(ready: Bench) -> None:
    response = ready.client("GET", "/api/status", host="evil.example", headers={"Origin": LOCAL})
    assert response.status == 421
    assert "DASHBOARD_ALLOWED_HOSTS" in response.json()["error"]
    assert response.headers["access-control-allow-origin"] == LOCAL
    assert ready.client("GET", "/healthz", host="evil.example").status == 421


def test_an_unforeseen_failure_is_json_with_cors_and_a_number(
    ready: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("/home/secret/place: password=hunter2")

    monkeypatch.setattr(ready.hub, "view", broken)
    monkeypatch.setattr(ready.hub, "submit", broken)
    for method, path in (("GET", "/api/status"), ("POST", CONTROL)):
        with caplog.at_level(logging.ERROR):
            response = ready.client(method, path, b'{"action":"stop"}' if method == "POST" else b"", {"Origin": LOCAL})
        assert response.status == 500
        answer = response.json()
        assert answer["error_id"] in answer["error"]
        assert answer["error_id"] in caplog.text
        assert b"secret" not in response.body
        assert b"Traceback" not in response.body
        assert answer.get("success", False) is False
        assert response.headers["access-control-allow-origin"] == LOCAL


def test_security_headers_are_on_every_answer(ready: Bench) -> None:
    for method, path in [("GET", "/api/status"), ("GET", "/nothing"), ("PUT", "/api/status"), ("OPTIONS", "/healthz")]:
        headers = ready.client(method, path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["vary"] == "Origin"


def test_markup_in_the_address_does_not_come_back(ready: Bench) -> None:
    response = ready.client("POST", "/api/service/<img src=x onerror='a'>/control", b"{}")
    assert response.status == 404
    assert b"<" not in response.body
    assert b"onerror='" not in response.body


# --- bodies

BAD_BODIES = [b"{", b"[]", b"null", b'"x"', b"1", b"\xff\xfe", b"[" * 50_000, b"{'action':'stop'}", b'{"a":NaN}']


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:12]))
@pytest.mark.parametrize("path", POST_PATHS)
def test_a_body_that_is_no_json_object_is_400(ready: Bench, path: str, body: bytes) -> None:
    response = ready.client("POST", path, body, {"Content-Type": "application/json", "Origin": LOCAL})
    assert response.status == 400
    assert response.json()["success"] is False
    assert response.headers["access-control-allow-origin"] == LOCAL


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"action":null}', b'{"action":1}', b'{"action":"STOP"}', b'{"action":"rm"}', b'{"action":["stop"]}', b""],
)
def test_a_missing_or_unknown_action_is_400(ready: Bench, body: bytes) -> None:
    response = ready.client("POST", CONTROL, body, {"Content-Type": "application/json"})
    assert response.status == 400
    assert "start, stop, restart" in response.json()["error"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b"x" * (BODY_LIMIT + 1)])
def test_an_unknown_service_is_404_whatever_the_body(ready: Bench, body: bytes) -> None:
    response = ready.client("POST", "/api/service/nope/control", body)
    assert response.status == 404
    assert response.json()["code"] == "unknown_service"


def test_large_bodies_are_refused_unread(ready: Bench) -> None:
    for headers in ({}, {"Content-Length": str(10**15)}):
        response = ready.client("POST", CONTROL, b" " * (BODY_LIMIT + 1), headers)
        assert response.status == 413
    assert ready.client("POST", CONTROL, b"x", {"Content-Length": "-5"}).status == 400


def test_a_body_that_was_cut_off_does_nothing(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready.hub, "submit", lambda *a: pytest.fail("reached the hub"))
    for body in (b"", b"{}"):
        assert ready.client("POST", "/api/services/stop-all", body, {"Content-Length": "9"}).status == 400


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}])
@pytest.mark.parametrize("body", [b"", b"  \n", b"{}"])
def test_clearing_takes_an_empty_body(ready: Bench, headers: dict[str, str], body: bytes) -> None:
    response = ready.client("POST", "/api/cache/clear", body, headers)
    answer = response.json()
    assert response.status == 200
    assert answer["success"] is True
    assert str(answer["cleared"]) in answer["message"]


def test_after_clearing_the_next_read_waits_for_fresh_values(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ready.hub.version()
    assert ready.client("POST", "/api/cache/clear").json()["cleared"] > 0
    assert ready.client("GET", "/api/cache/info").json()["cache_entries"] == 0
    assert ready.hub.version() > before
    waited: list[float] = []
    view = ready.hub.view
    monkeypatch.setattr(ready.hub, "view", lambda name: (waited.append(1), view(name, 0.05))[1])
    assert ready.client("GET", "/api/status").status == 200  # nobody collects here: the last values after the deadline
    assert waited


# --- language


@pytest.mark.parametrize(
    ("header", "default", "language"),
    [
        ("", None, "en"),
        ("ru", None, "ru"),
        ("ru-RU,ru;q=0.9,en;q=0.8", None, "ru"),
        ("en;q=0.5, ru;q=0.9", None, "ru"),
        ("de, fr;q=0.9", None, "en"),
        ("de, ru;q=0.1", None, "ru"),
        ("ru;q=0, en", None, "en"),
        ("", "ru", "ru"),
        ("en", "ru", "en"),
        ("*", "ru", "ru"),
        ("ru;q=x, ;;;,,", None, "en"),
    ],
)
def test_language_of_the_errors(header: str, default: str | None, language: str) -> None:
    environ = {"REQUEST_METHOD": "GET", "HTTP_ACCEPT_LANGUAGE": header}
    assert Call(environ, lambda *_: Principal(), default).translator.language == language


def test_operation_list_limits(ready: Bench) -> None:
    assert ready.client("GET", "/api/operations").json() == {"operations": []}
    assert ready.client("GET", "/api/operations", query="limit=5").status == 200
    for bad in ("0", "-1", "x", "١", "1e3", "99999999"):
        assert ready.client("GET", "/api/operations", query=f"limit={bad}").status == 400
    assert ready.client("GET", "/api/operations/nope").json()["code"] == "unknown_operation"


def test_unicode_names_and_many_parameters(ready: Bench) -> None:
    ready.publish(state("сервис", health=Health(status=HealthStatus.TIMEOUT)))
    assert orjson.loads(ready.client("GET", "/api/status").body)["сервис"]["health_status"] == "timeout"
    assert ready.client("POST", "/api/service/сервис/control", b"{}").status == 400
    assert ready.client("GET", "/api/services", query="&".join(f"a{i}=1" for i in range(99))).status == 400
