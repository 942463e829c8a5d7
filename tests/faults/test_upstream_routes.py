"""The routes that ask a service, over services that hang, refuse or talk nonsense: status, fields, limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import orjson
import pytest

from api_sidecar import models, selftests, upstream_answers
from api_sidecar.server import LIMITED, THREADS
from hubcore.actions.models import MODEL_STEP
from hubcore.adapters import upstream_litellm, upstream_ollama, upstream_searxng
from hubcore.errors import UpstreamFailed
from hubcore.models import ContainerStatus, Health, HealthStatus, Means, OperationKind, ServiceState, StepStatus, text
from hubcore.operations import OperationRun
from hubcore.upstreams import MOST
from tests.stack.waiting import wait_until
from tests.unit.sidecar_kit import AWAY, Bench, bench, state

from .sockets import Serve, closes, says, server, silent

SECRET = "sk-of-the-test"
ASKING = {  # address → status field of its failure, if it has one
    "ollama": {"/api/ollama/models": None, "/api/service/ollama/models": None, "/api/test/ollama": "error"},
    "litellm": {"/api/litellm/models": None, "/api/service/litellm/models": None, "/api/litellm/status": "error",
                "/api/test/litellm": "error"},
    "searxng": {"/api/service/searxng/engines": None},
}  # fmt: skip
CASES = [(kind, path, status) for kind, paths in ASKING.items() for path, status in paths.items()]


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("DASHBOARD_LITELLM_API_KEY", SECRET)
    for module, name in ((upstream_ollama, "READ"), (upstream_litellm, "READ"), (upstream_searxng, "READ")):
        monkeypatch.setattr(module, name, 0.5)
    monkeypatch.setattr(upstream_litellm, "HEALTH", 0.5)
    monkeypatch.setattr(models, "SHORT_TALK", 0.5)
    monkeypatch.setattr(models, "LONG_TALK", 0.5)
    monkeypatch.setattr(selftests, "SECONDS", 0.5)
    with bench(monkeypatch) as made:
        yield made


def native(kind: str, port: int) -> ServiceState:
    """A program of this machine that was found on a port: where the routes will ask it."""
    health = Health(status=HealthStatus.HEALTHY, means=Means.HTTP, target=f"http://127.0.0.1:{port}/found")
    return state(
        kind, kind=kind, native=True, container=None, container_status=ContainerStatus.NOT_FOUND, health=health
    )


def http(body: Any, status: str = "200 OK") -> bytes:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data


def answering(answers: dict[str, bytes]) -> Serve:
    """A server of whole answers by path; what is not in the table hangs."""

    def serve(peer: Any) -> None:
        request = peer.recv(65536).decode()
        path = request.split(" ")[1]
        body = request.partition("\r\n\r\n")[2]
        if "Content-Length" in request and not body:
            peer.recv(65536)
        if path in answers:
            peer.sendall(answers[path])
        else:
            silent(peer)

    return serve


# --- failures


@pytest.mark.parametrize(("kind", "path", "status"), CASES)
@pytest.mark.parametrize(
    "serve",
    [silent, closes, says(http(b"<html>", "200 OK"), wait=False), says(http({"error": "x"}, "500 No"), wait=False)],
    ids=["hangs", "closes", "nonsense", "refuses"],
)
def test_a_failing_service_is_503_with_its_fields(
    ready: Bench, kind: str, path: str, status: str | None, serve: Serve, request: pytest.FixtureRequest
) -> None:
    refuses = request.node.callspec.id.startswith("refuses")
    with server(serve) as port:
        ready.publish(native(kind, port))
        answer = ready.client("GET", path)
    told = answer.json()
    passed = refuses and path in ("/api/litellm/models", "/api/service/litellm/models")
    assert answer.status == (500 if passed else 503)
    assert ("retry-after" in answer.headers) is not passed
    assert told["code"] == "upstream_failed" and kind.title().lower() in told["error"].lower()
    wanted = "unhealthy" if refuses and path == "/api/litellm/status" else status
    assert told.get("status") == wanted
    assert ("message" in told) is path.startswith("/api/test/")
    assert SECRET not in str(told)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_status_of_litellm_is_passed_on(ready: Bench, status: int) -> None:
    refusal = http({"error": {"message": f"no <b> {SECRET}"}}, f"{status} No")
    with server(says(refusal, wait=False)) as port:
        ready.publish(native("litellm", port))
        assert ready.client("GET", "/api/litellm/models").status == status
        whole = ready.client("POST", "/api/litellm/test", b"{}")
        words = ready.client("POST", "/api/service/litellm/test", b"{}")
    assert whole.status == status
    assert (whole.json()["status"], whole.json()["success"]) == ("error", False)
    assert whole.json()["details"] == f"HTTP {status}: no ‹b› …"
    assert (words.status, words.json()["success"]) == (503, False)


@pytest.mark.parametrize("path", ["/api/litellm/test", "/api/service/litellm/test"])
def test_a_model_that_does_not_answer_in_time(ready: Bench, path: str) -> None:
    with server(silent) as port:
        ready.publish(native("litellm", port))
        answer = ready.client("POST", path)
    assert answer.status == 503 and "within 0.5 s" in answer.json()["error"]
    assert answer.json().get("status") == ("error" if path == "/api/litellm/test" else None)


def test_an_unforeseen_fault_is_500_with_its_status_field(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks() -> None:
        raise RuntimeError("/secret/path")

    ready.publish(state("db", kind="db"))
    monkeypatch.setattr(ready.hub.upstreams, "database_readiness", breaks)
    answer = ready.client("GET", "/api/db/health")
    assert (answer.status, answer.json()["status"]) == (500, "error")
    assert answer.json()["error_id"] and b"/secret" not in answer.body


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/db/health", "unhealthy"), ("/api/service/db/status", "error"), ("/api/service/redis/info", "error")],
)
def test_without_an_engine_databases_cannot_be_asked(ready: Bench, path: str, status: str) -> None:
    ready.publish(state("db", kind="db"), state("redis", kind="redis"), engine=AWAY)
    answer = ready.client("GET", path)
    assert (answer.status, answer.json()["status"], answer.json()["code"]) == (503, status, "engine_unavailable")
    test = ready.client("GET", "/api/test/db")
    assert (test.status, test.json()["status"]) == (200, "error")
    assert test.json()["container_status"] == "docker_unavailable" and test.json()["message"]


@pytest.mark.parametrize(("good", "status"), [(HealthStatus.HEALTHY, 200), (HealthStatus.UNREACHABLE, 503)])
def test_a_native_database_is_as_its_health_check_found_it(ready: Bench, good: HealthStatus, status: int) -> None:
    health = Health(status=good, means=Means.POSTGRES, target="postgres://127.0.0.1:5432")
    ready.publish(state("db", kind="db", native=True, container=None, health=health))
    assert ready.client("GET", "/api/db/health").status == status
    refused = ready.client("GET", "/api/service/db/status")
    assert refused.status == 503 and "without Docker" in refused.json()["error"]


def test_before_anything_was_published(ready: Bench) -> None:
    answer = ready.client("GET", "/api/db/health")
    assert (answer.status, answer.json()["code"], answer.json()["status"]) == (503, "not_ready", "error")


# --- answers are untrusted


def test_lists_hold_no_markup_and_words_of_a_model_are_left_alone(ready: Bench) -> None:
    evil = "<script>alert('x')</script>"
    words = {"choices": [{"message": {"content": evil}}]}
    engine = {"name": evil, "deep": [[evil]]}
    for _ in range(60):
        engine = {"name": evil, "deep": engine}
    table = {
        "/api/tags": http(
            {"models": [{"name": evil, "size": 1, "digest": "d", "modified_at": "t", "more": {evil: evil}}]}
        ),
        "/v1/models": http({"object": "list", "data": [{"id": evil}]}),
        "/v1/chat/completions": http(words),
        "/config": http({"engines": [engine]}),
    }
    with server(answering(table)) as port:
        ready.publish(*(native(kind, port) for kind in ("ollama", "litellm", "searxng")))
        for path in ("/api/ollama/models", "/api/litellm/models", "/api/service/searxng/engines"):
            answer = ready.client("GET", path)
            assert answer.status == 200 and b"<" not in answer.body and "‹script›".encode() in answer.body, path
        assert ready.client("POST", "/api/litellm/test").json()["response"] == words
        assert ready.client("POST", "/api/service/litellm/test").json()["response"] == evil


def test_health_of_litellm_is_left_out_when_it_takes_too_long(ready: Bench) -> None:
    with server(answering({"/v1/models": http({"data": [{"id": "a"}]})})) as port:
        ready.publish(native("litellm", port))
        told = ready.client("GET", "/api/litellm/status").json()
        test = ready.client("GET", "/api/test/litellm").json()
    assert (told["status"], told["total_models"], told["health_data_available"]) == ("healthy", 1, False)
    assert (told["healthy_endpoints"], told["unhealthy_endpoints"]) == ("unknown", "unknown")
    assert (test["status"], test["model_count"], test["generation_test"]) == ("success", 1, "failed")
    assert "within 0.5 s" in test["message"]


def test_without_models_there_is_nothing_to_test(ready: Bench) -> None:
    with server(answering({"/v1/models": http({"data": []})})) as port:
        ready.publish(native("litellm", port))
        told = ready.client("GET", "/api/test/litellm").json()
    assert (told["status"], told["generation_test"], told["available_models"]) == ("success", "failed", [])


# --- downloads


def pulled(run: OperationRun) -> None:
    run.step(MODEL_STEP, StepStatus.RUNNING)
    run.step(MODEL_STEP, StepStatus.DONE)


def fails(run: OperationRun) -> None:
    raise UpstreamFailed(text("No room."), remedy=text("Make some."), detail="words")


PULL, DELETE = "/api/service/ollama/pull", "/api/service/ollama/delete"


@pytest.mark.parametrize("path", [PULL, DELETE])
def test_waiting_for_an_operation(ready: Bench, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ready.publish(native("ollama", 1))
    with ready.executor(pulled):
        done = ready.client("POST", path, b'{"model": "a"}')
    assert (done.status, done.json()["success"]) == (200, True)
    assert "a:latest" in done.json()["message"]
    with ready.executor(fails):
        failed = ready.client("POST", path, b'{"model": "a"}')
    assert (failed.status, failed.json()["success"], failed.json()["code"]) == (503, False, "upstream_failed")
    assert failed.json()["error"] == "No room. Make some."
    monkeypatch.setattr(models, "PULL_WAIT", 0.05)
    monkeypatch.setattr(models, "DELETE_WAIT", 0.05)
    goes_on = ready.client("POST", path, b'{"model": "a"}')
    assert (goes_on.status, goes_on.json()["success"]) == (200, False)
    assert goes_on.json()["operation_id"] in goes_on.json()["error"]


def test_a_download_is_begun_once_and_at_most_so_many(ready: Bench) -> None:
    ready.publish(native("ollama", 1))
    pull = lambda model: ready.client("POST", "/api/ollama/pull", b'{"model": "%s"}' % model)  # noqa: E731
    first = pull(b"a").json()
    assert pull(b"a:latest").json()["operation_id"] == first["operation_id"]
    events = [entry["event_type"] for entry in ready.hub.audit.newest(10)]
    assert events.count("command_joined") == 1
    record = ready.hub.operation(first["operation_id"])
    assert (record.kind, record.subject, record.services) == (OperationKind.PULL_MODEL, "a:latest", ())
    assert "a:latest" in record.steps[0].text.english() and "Ollama" in record.steps[0].text.english()
    for number in range(MOST - 1):
        assert pull(b"m%d" % number).status == 200
    refused = pull(b"one-too-many")
    assert (refused.status, refused.json()["code"]) == (503, "too_busy") and refused.headers["retry-after"]
    assert len(ready.hub.operations(50)) == MOST
    assert pull(b"a").json()["operation_id"] == first["operation_id"]
    delete = ready.client("POST", DELETE, b'{"model": "a"}')
    assert (delete.status, delete.json()["operation_id"]) == (409, first["operation_id"])


# --- limits


def test_many_questions_leave_threads_for_reads(ready: Bench) -> None:
    assert THREADS > LIMITED
    under_way = 0
    lock = threading.Lock()

    def counts(peer: Any) -> None:
        nonlocal under_way
        with lock:
            under_way += 1
        silent(peer)

    answers: list[int] = []
    upstream_ollama.READ = 30.0  # the fixture's patch puts it back
    with ExitStack() as stack:
        port = stack.enter_context(server(counts))
        ready.publish(native("ollama", port))
        asks = [
            threading.Thread(target=lambda: answers.append(ready.client("GET", "/api/ollama/models").status))
            for _ in range(upstream_answers.ASKS)
        ]
        for thread in asks:
            thread.start()
        wait_until(lambda: under_way == upstream_answers.ASKS, 20, "all of them wait")
        refused = ready.client("GET", "/api/ollama/models")
        assert (refused.status, refused.json()["code"]) == (503, "too_busy")
        assert refused.headers["retry-after"]
        assert ready.client("GET", "/api/db/health").json()["status"] == "error"
        assert ready.client("GET", "/api/system/stats").status == 200
        ready.hub.upstreams.close()  # ends them
        for thread in asks:
            thread.join(10)
    assert answers == [503] * upstream_answers.ASKS


def test_every_slot_counts_in_the_number_of_threads() -> None:
    slots = vars(upstream_answers.UpstreamSlots()).values()
    assert sum(slot.limit for slot in slots) == upstream_answers.BLOCKING


# --- addresses beside one another


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/service/db/status", 503),
        ("GET", "/api/service/db/resources", 200),
        ("GET", "/api/service/redis/models", 400),
        ("GET", "/api/service/nope/models", 404),
        ("POST", "/api/service/ollama/control", 400),
        ("POST", "/api/service/redis/pull", 404),
        ("GET", "/api/service/ollama/pull", 405),
        ("GET", "/api/test/nope", 404),
        ("HEAD", "/api/service/db/resources", 200),
    ],
)
def test_known_addresses_and_wildcards(ready: Bench, method: str, path: str, status: int) -> None:
    ready.publish()
    assert ready.client(method, path).status == status


def test_several_services_at_once(ready: Bench) -> None:
    ready.publish(
        state("redis"), state("db"), state("hub", protected=True), state("ollama", native=True, container=None)
    )

    def one_fails(run: OperationRun) -> None:
        run.step("redis", StepStatus.DONE)
        run.step("db", StepStatus.FAILED, UpstreamFailed(text("It would <not>.")))
        raise UpstreamFailed(text("It would not."))

    body = {"action": "stop", "services": ["redis", "db", "hub", "ollama", "nope", "tika", "redis"]}
    with ready.executor(one_fails):
        answer = ready.client("POST", "/api/services/control", orjson.dumps(body)).json()
    results = answer["results"]
    assert answer["action"] == "stop" and set(results) == set(body["services"])
    assert (results["redis"]["success"], results["redis"]["error"]) == (True, None)
    assert (results["db"]["success"], results["db"]["error"]) == (False, "It would ‹not›.")
    assert "failed" in results["db"]["output"]
    for name in ("hub", "ollama", "tika"):
        assert results[name]["success"] is False and results[name]["error"], name
    assert set(results["nope"]) == {"error"}
    assert set(ready.hub.operation(answer["operation_id"]).services) == {"redis", "db"}


def test_only_services_that_cannot_be_controlled(ready: Bench) -> None:
    ready.publish(state("redis"))
    answer = ready.client("POST", "/api/services/control", b'{"action": "stop", "services": ["nope"]}')
    assert answer.status == 200 and set(answer.json()["results"]) == {"nope"}
    assert ready.hub.operations() == []


@pytest.mark.parametrize("action", ["start", "stop", "restart"])
def test_the_older_addresses_for_all_services(ready: Bench, action: str) -> None:
    ready.publish(state("redis"))
    with ready.executor(lambda run: run.step("redis", StepStatus.DONE)):
        answer = ready.client("POST", f"/api/docker/{action}", b"", {"Content-Type": "application/json"}).json()
    assert (answer["success"], answer["error"], answer["action"]) == (True, None, action)
