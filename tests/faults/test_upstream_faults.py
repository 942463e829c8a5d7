"""A service that hangs, drips, lies or closes costs a question at most its deadline, and its error says so in words."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from hubcore.actions.models import EVERY, MODEL_STEP, Models
from hubcore.adapters.store import Store
from hubcore.adapters.upstream_http import ANSWER_LIMIT, LINE_LIMIT, UpstreamHttp
from hubcore.adapters.upstream_litellm import LiteLLM
from hubcore.adapters.upstream_ollama import Ollama
from hubcore.adapters.upstream_searxng import search_engines
from hubcore.errors import LeaseLost, UpstreamFailed
from hubcore.models import Actor, OperationKind, Step, StepStatus, text
from hubcore.operations import OperationQueue, OperationRun
from hubcore.places import Place
from hubcore.upstream_parse import ollama_models
from tests.stack.waiting import free_port, wait_until

from .sockets import Serve, closes, dripping, says, server, silent

LIMIT = 0.5
SECRET = "sk-very-secret"


@pytest.fixture
def http() -> Iterator[UpstreamHttp]:
    made = UpstreamHttp()
    yield made
    made.close()


def place(port: int) -> Place:
    return Place("Ollama", f"http://127.0.0.1:{port}", SecretStr(SECRET), "DASHBOARD_LITELLM_API_KEY")


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def failure(ask: Callable[[], Any]) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as caught:
        ask()
    error = caught.value
    assert error.remedy is not None
    assert SECRET not in f"{error} {error.detail} {error.remedy.english()}"
    return error


FAULTS: dict[str, tuple[Serve, str]] = {
    "silent": (silent, "did not answer within 0.5 s"),
    "drips from the start": (dripping(b"HTTP/1.1 200 "), "did not answer within 0.5 s"),
    "blanks": (dripping(), "does not speak like Ollama"),
    "drips in its headers": (dripping(b"HTTP/1.1 200 OK\r\nX: "), "did not answer within 0.5 s"),
    "drips its body": (dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), "did not answer within 0.5 s"),
    "drips without end": (dripping(b"HTTP/1.1 200 OK\r\n\r\n"), "did not answer within 0.5 s"),
    "drips an error": (dripping(b"HTTP/1.1 500 No\r\nContent-Length: 999\r\n\r\n"), "did not answer within 0.5 s"),
    "closes": (closes, "broke off"),
    "closes after the request": (says(b"", wait=False), "broke off"),
    "breaks off": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhi", wait=False), "broke off"),
    "speaks another language": (says(b"+PONG\r\n\r\n"), "does not speak like Ollama"),
    "no JSON": (says(answer(b"<html>")), "makes no sense"),
    "other JSON": (says(answer(b"[]")), "makes no sense"),
    "packed": (says(answer(b"\x1f\x8b", "200 OK", "Content-Encoding: gzip")), "makes no sense"),
    "another address": (says(answer(b"", "302 Found", "Location: http://127.0.0.2:1/x")), "to another address"),
    "in a circle": (says(answer(b"", "302 Found", "Location: /again")), "to another address"),
    "nothing inside": (says(answer(b"", "204 No Content")), "to another address"),
    "its key": (
        says(answer(b'{"error": "key sk-very-secret is wrong"}', "401 No")),
        "did not accept the dashboard’s key",
    ),
    "an error": (says(answer(b"", "500 No")), r"answered with an error \(HTTP 500\)"),
}


@pytest.mark.parametrize(("serve", "words"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_told_in_words_within_the_deadline(http: UpstreamHttp, serve: Serve, words: str) -> None:
    with server(serve) as port:
        began = time.monotonic()
        with pytest.raises(UpstreamFailed, match=words):
            http.get(place(port), "/api/tags", ollama_models, seconds=LIMIT)
        assert time.monotonic() - began < LIMIT + 2.0


def test_nobody_listens(http: UpstreamHttp) -> None:
    assert "cannot be reached" in str(failure(lambda: http.get(place(free_port()), "/", len, seconds=LIMIT)))


def test_the_status_and_the_services_words_are_kept_without_the_key(http: UpstreamHttp) -> None:
    with server(FAULTS["its key"][0]) as port:
        error = failure(lambda: http.get(place(port), "/", len, seconds=LIMIT))
    assert (error.upstream_status, error.detail) == (401, "HTTP 401: key … is wrong")
    assert error.remedy is not None and "DASHBOARD_LITELLM_API_KEY" in error.remedy.english()


def test_an_answer_without_end_is_given_up(http: UpstreamHttp) -> None:
    def floods(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(2 * ANSWER_LIMIT // 65536):
            peer.sendall(b" " * 65536)

    with server(floods) as port:
        assert "far too large" in str(failure(lambda: http.get(place(port), "/", len, seconds=20)))


def test_an_error_answer_without_end_is_not_read_to_its_end(http: UpstreamHttp) -> None:
    def floods(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 500 No\r\n\r\n")
        while True:
            peer.sendall(b"x" * 65536)

    with server(floods) as port:
        assert failure(lambda: http.get(place(port), "/", len, seconds=20)).upstream_status == 500


def test_a_redirect_on_the_same_port_is_followed_and_the_key_goes_nowhere_else(http: UpstreamHttp) -> None:
    seen: list[bytes] = []

    def elsewhere(peer: socket.socket) -> None:
        seen.append(peer.recv(65536))
        peer.sendall(answer(b"{}"))

    with server(elsewhere) as other:

        def here(peer: socket.socket) -> None:
            while request := peer.recv(65536):
                where = f"http://127.0.0.1:{other}/" if b"GET /away" in request else "/config/"
                found = answer(b"12345") if b"GET /config/ " in request else answer(b"", "301 M", f"Location: {where}")
                peer.sendall(found)

        with server(here) as port:
            assert http.get(place(port), "/config", len, seconds=5) == 5
            failure(lambda: http.get(place(port), "/away", len, seconds=5))
    assert seen == []


def test_connections_are_kept_and_a_closed_one_is_no_failure(http: UpstreamHttp) -> None:
    connections: list[int] = []

    def serve(peer: socket.socket) -> None:
        connections.append(0)
        for _ in range(3):  # then it closes, as servers do with connections they kept for long
            if peer.recv(65536):
                connections[-1] += 1
                peer.sendall(answer(b"{}"))

    with server(serve) as port:
        for _ in range(6):
            assert http.get(place(port), "/", len, seconds=5) == 2
    assert sum(connections) == 6 and len(connections) <= 3


def test_a_key_that_no_header_can_carry_is_not_sent(http: UpstreamHttp) -> None:
    for key in ("sk-\r\nX: y", "ключ", "a\0b"):
        with server(silent) as port:
            asked = Place("LiteLLM", f"http://127.0.0.1:{port}", SecretStr(key), "DASHBOARD_LITELLM_API_KEY")
            error = failure(lambda asked=asked: http.get(asked, "/", len, seconds=5))  # type: ignore[misc]
            assert key not in f"{error} {error.detail}" and "cannot be sent" in str(error)


def test_requests_of_many_threads_do_not_wait_for_one_that_hangs(http: UpstreamHttp) -> None:
    outcomes: list[str] = []
    with server(silent) as hanging, server(says(answer(b"{}"), wait=False)) as well:
        waits = threading.Thread(
            target=lambda: outcomes.append(str(failure(lambda: http.get(place(hanging), "/", len, seconds=3))))
        )
        waits.start()
        for _ in range(5):
            assert http.get(place(well), "/", len, seconds=2.5) == 2
        assert waits.is_alive()
        waits.join(10)
    assert len(outcomes) == 1


def test_closing_ends_what_waits_at_once(http: UpstreamHttp) -> None:
    outcomes: list[str] = []
    with server(silent) as port:
        asking = threading.Thread(
            target=lambda: outcomes.append(str(failure(lambda: http.get(place(port), "/", len, seconds=60))))
        )
        asking.start()
        wait_until(lambda: http._loop is not None and http._loop.is_running(), 5)
        http.close()
        asking.join(5)
        assert not asking.is_alive()
        assert "was stopped" in outcomes[0]
        failure(lambda: http.get(place(port), "/", len, seconds=1))
    http.close()


# --- the services' own answers


def test_each_adapter_refuses_nonsense(http: UpstreamHttp) -> None:
    ollama, litellm = Ollama(http), LiteLLM(http)
    asks: list[Callable[[Place], Any]] = [
        ollama.version,
        ollama.models,
        ollama.loaded,
        litellm.models,
        lambda where: litellm.complete(where, "m", "hi", max_tokens=1, seconds=5),
        lambda where: search_engines(http, where),
        lambda where: list(ollama.pull(where, "m")),
    ]
    for body in (b"<html>", b"[]", b'"x"', b"[" * 2000):
        with server(says(answer(body), wait=False)) as port:
            for ask in asks:
                assert "makes no sense" in str(failure(lambda ask=ask, port=port: ask(place(port))))  # type: ignore[misc]
            assert litellm.health(place(port)) is None


# --- downloads


def stream(*lines: bytes, then: Serve = closes) -> Serve:
    """Answers with these lines, each a chunk, then does something else."""

    def serve(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for line in lines:
            peer.sendall(b"%x\r\n%s\n\r\n" % (len(line) + 1, line))
        then(peer)

    return serve


def ends(peer: socket.socket) -> None:
    peer.sendall(b"0\r\n\r\n")
    silent(peer)


def repeating(line: bytes) -> Serve:
    def serve(peer: socket.socket) -> None:
        for _ in range(1000):
            peer.sendall(b"%x\r\n%s\n\r\n" % (len(line) + 1, line))
            threading.Event().wait(0.02)

    return serve


MANIFEST = b'{"status": "pulling manifest"}'
HALF = b'{"status": "pulling a", "digest": "sha256:a", "total": 100, "completed": 50}'
SUCCESS = b'{"status": "success"}'
PULLS: dict[str, tuple[Serve, str]] = {
    "nothing more comes": (stream(MANIFEST, HALF, then=silent), "has stalled"),
    "says the same again and again": (stream(MANIFEST, HALF, then=repeating(HALF)), "has stalled"),
    "silent from the start": (silent, "has stalled"),
    "breaks off": (stream(MANIFEST, HALF), "broke off"),
    "ends without success": (stream(MANIFEST, HALF, then=ends), "broke off"),
    "nonsense in between": (stream(MANIFEST, b"<html>", then=silent), "makes no sense"),
    "a line without end": (stream(b"x" * (LINE_LIMIT + 1), then=repeating(b"x" * 60000)), "far too large"),
    "not found": (
        stream(MANIFEST, b'{"error": "pull model manifest: file does not exist"}', then=ends),
        "has no model",
    ),
    "no internet": (
        stream(b'{"error": "dial tcp: lookup registry: no such host"}', then=ends),
        "cannot reach the library",
    ),
    "disk full": (stream(b'{"error": "write: no space left on device"}', then=ends), "no room on the disk"),
    "too old": (stream(b'{"error": "requires a newer version of Ollama"}', then=ends), "needs a newer Ollama"),
    "something else": (stream(b'{"error": "boom"}', then=ends), "could not download"),
    "an error at once": (says(answer(b'{"error": "x"}', "500 No")), "HTTP 500"),
}


@pytest.mark.parametrize(("serve", "words"), PULLS.values(), ids=PULLS)
def test_each_fault_of_a_download_is_told_in_words(http: UpstreamHttp, serve: Serve, words: str) -> None:
    with server(serve) as port:
        began = time.monotonic()
        with pytest.raises(UpstreamFailed, match=words):
            list(Ollama(http).pull(place(port), "m:latest", stall=LIMIT))
        assert time.monotonic() - began < LIMIT + 3.0


def test_checking_what_was_downloaded_may_take_longer_than_a_stall(http: UpstreamHttp) -> None:
    def takes_its_time(peer: socket.socket) -> None:
        threading.Event().wait(3 * LIMIT)
        peer.sendall(b"%x\r\n%s\n\r\n" % (len(SUCCESS) + 1, SUCCESS))

    with server(stream(HALF, b'{"status": "verifying sha256 digest"}', then=takes_its_time)) as port:
        assert list(Ollama(http).pull(place(port), "m:latest", stall=LIMIT))[-1].done


# --- the operation


@contextmanager
def pulling(tmp_path: Any, http: UpstreamHttp, serve: Serve) -> Iterator[tuple[Models, OperationRun, OperationQueue]]:
    store = Store(tmp_path / "store")
    queue = OperationQueue(store)
    step = Step(key=MODEL_STEP, text=text("Download"))
    queue.submit(OperationKind.PULL_MODEL, (), [step], actor=Actor(), scope="one", subject="m:latest")
    operation = queue.claim("leader")
    assert operation is not None
    with server(serve) as port:
        models = Models(Ollama(http), lambda: place(port), stall=LIMIT)
        yield models, OperationRun(operation, queue), queue
    store.close()


def test_the_store_is_written_now_and_then_however_fast_the_lines_come(tmp_path: Any, http: UpstreamHttp) -> None:
    lines = [b'{"status": "pulling a", "digest": "sha256:a", "total": 5000, "completed": %d}' % n for n in range(5000)]
    with pulling(tmp_path, http, stream(*lines, SUCCESS, then=ends)) as (models, run, queue):
        before, began = queue.index()[run.operation.id], time.monotonic()
        models.pull(run)
        most = 4 + (time.monotonic() - began) / EVERY  # running, done and two results beside the progress
        assert 2 < queue.index()[run.operation.id] - before <= most + 1
    assert run.operation.steps[0].status == StepStatus.DONE
    assert run.operation.result == {"model": "m:latest", "size": 5000}


def test_a_stalled_download_fails_with_advice(tmp_path: Any, http: UpstreamHttp) -> None:
    with pulling(tmp_path, http, stream(MANIFEST, HALF, then=silent)) as (models, run, _):
        error = failure(lambda: models.pull(run))
    assert "stalled" in str(error)
    assert run.operation.steps[0].status == StepStatus.FAILED
    assert run.operation.steps[0].problem is not None


def test_the_end_of_the_lead_cuts_a_download_short_and_leaves_it_to_the_next_leader(
    tmp_path: Any, http: UpstreamHttp
) -> None:
    with pulling(tmp_path, http, stream(MANIFEST, HALF, then=silent)) as (models, run, queue):
        patient = Models(models._ollama, models._place, stall=60.0)
        outcome: list[BaseException] = []

        def carry_out() -> None:
            try:
                patient.pull(run)
            except LeaseLost as error:
                outcome.append(error)

        thread = threading.Thread(target=carry_out)
        thread.start()
        wait_until(lambda: run.operation.steps[0].share is not None, 10, "it is under way")
        patient.interrupt()
        http.close()
        thread.join(5)
        assert not thread.is_alive() and len(outcome) == 1
        assert [op.id for op in queue.interrupt_left("another")] == [run.operation.id]
