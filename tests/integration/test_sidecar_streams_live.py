"""Followed logs on a real engine: limited in number, a client that leaves frees its place, stopping is prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import psutil
import pytest

from api_sidecar.streams import FOLLOWERS
from tests.stack.hub import HubProcess
from tests.stack.stack import Stack
from tests.stack.waiting import wait_until

pytestmark = pytest.mark.stack

PATH = "/api/service/tika/logs/stream?follow=true&lines=1"


@pytest.fixture
def dashboard(stack: Stack, start_hub: Callable[..., HubProcess]) -> Iterator[HubProcess]:
    hub = start_hub(stack.environment())
    wait_until(lambda: hub.get("/api/status").json()["tika"]["container_status"] == "running", 20, "tika is seen")
    yield hub


def opened(hub: HubProcess, streams: ExitStack) -> httpx.Response:
    """Open one more stream and, if there is a place for it, read its first line."""
    answer = streams.enter_context(httpx.stream("GET", hub.api + PATH, timeout=40))
    if answer.status_code == 200:
        lines = answer.iter_lines()
        assert next(lines).startswith(":")
        streams.callback(lines.close)  # and held until then: an iterator that is dropped closes the connection
    else:
        answer.read()
    return answer


def sidecar(hub: HubProcess) -> psutil.Process:
    assert hub.process is not None
    return next(p for p in psutil.Process(hub.process.pid).children() if "api_sidecar" in " ".join(p.cmdline()))


def test_places_are_limited_and_come_back(dashboard: HubProcess) -> None:
    with ExitStack() as streams:
        assert [opened(dashboard, streams).status_code for _ in range(FOLLOWERS)] == [200] * FOLLOWERS
        refused = opened(dashboard, streams)
        assert refused.status_code == 503
        assert refused.json()["code"] == "too_busy"
        assert int(refused.headers["retry-after"]) > 0
        assert dashboard.get("/api/status", timeout=2).status_code == 200
    with ExitStack() as streams:  # the next sign of life finds the clients gone
        wait_until(lambda: opened(dashboard, streams).status_code == 200, 40, "a free place", interval=0.5)


def test_stopping_does_not_wait_for_followers(dashboard: HubProcess) -> None:
    with ExitStack() as streams:
        assert opened(dashboard, streams).status_code == 200
        before = sidecar(dashboard)
        worker = before.children()[0]
        before.terminate()
        wait_until(lambda: not before.is_running() or before.status() == psutil.STATUS_ZOMBIE, 10, "it ends")
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    wait_until(lambda: dashboard.get("/healthz").status_code == 200, 20, "it is back", ignore=(httpx.TransportError,))
