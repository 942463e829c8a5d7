"""A web page of somebody else, in a real browser: what it can do to a dashboard that runs on the visitor's machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import FLAGS
from tests.stack import needs
from tests.stack.hub import HubProcess
from tests.stack.waiting import wait_until

FOREIGN = "http://evil.test"

HANDSHAKE = """url => new Promise(done => {
  const socket = new WebSocket(url);
  socket.onopen = () => done("open");
  socket.onclose = () => done("closed");
})"""
FETCH = """([url, options]) => fetch(url, options).then(answer => answer.type, () => "failed")"""
IMAGE = """url => new Promise(done => {
  const image = new Image();
  image.onload = () => done("loaded");
  image.onerror = () => done("failed");
  image.src = url;
})"""
FRAME = """url => new Promise(done => {
  const frame = document.createElement("iframe");
  frame.onload = () => { try { done(frame.contentDocument ? "readable" : "closed") } catch { done("closed") } };
  frame.src = url;
  document.body.append(frame);
})"""


@pytest.fixture
def foreign(browser: Browser) -> Iterator[Page]:
    """A page of evil.test; it is made up on the way, so that nothing leaves this machine.

    In a browser without its own guard of local addresses: not every browser has one.
    """
    flags = [*FLAGS, "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"]
    careless = browser.browser_type.launch(executable_path=needs.browser_path(), args=flags)
    page = careless.new_page()
    page.route(f"{FOREIGN}/**", lambda route: route.fulfill(content_type="text/html", body="<body>Hello</body>"))
    page.goto(f"{FOREIGN}/")
    yield page
    careless.close()


def refused(hub: HubProcess, via: str, path: str) -> bool:
    """Whether the audit log tells of a refused page: the browser itself shows no more than that it failed."""
    logs = hub.get("/api/security/logs").json()["logs"]
    return any((e["event_type"], e["via"], e["details"].get("path")) == ("origin_refused", via, path) for e in logs)


def happened(hub: HubProcess, event: str) -> int:
    logs = hub.get("/api/security/logs").json()["logs"]
    return sum(entry["event_type"] == event for entry in logs)


def test_it_can_change_nothing_and_read_nothing(foreign: Page, hub: HubProcess) -> None:
    clear, before = "/api/cache/clear", happened(hub, "cache_cleared")
    assert foreign.evaluate(FETCH, [hub.api + clear, {"method": "POST", "mode": "no-cors"}]) == "failed"
    assert foreign.evaluate(FETCH, [hub.api + clear, {"method": "POST"}]) == "failed"
    wait_until(lambda: refused(hub, "api", clear), 10, "the refusal is told")
    assert happened(hub, "cache_cleared") == before
    assert foreign.evaluate(FETCH, [f"{hub.api}/api/status", {}]) == "failed"  # answered, but closed to it


def test_it_cannot_occupy_the_places_for_open_logs(foreign: Page, hub: HubProcess) -> None:
    stream = "/api/service/tika/logs/stream"
    assert foreign.evaluate(IMAGE, f"{hub.api}{stream}?follow=true") == "failed"
    wait_until(lambda: refused(hub, "api", stream), 10, "the refusal is told")


def test_it_cannot_talk_to_the_pages(foreign: Page, hub: HubProcess) -> None:
    assert foreign.evaluate(HANDSHAKE, f"{hub.ui.replace('http', 'ws')}/_stcore/stream") == "closed"
    wait_until(lambda: refused(hub, "page", "/_stcore/stream"), 10, "the refusal is told")
    assert foreign.evaluate(IMAGE, f"{hub.ui}/favicon.png") == "failed"
    wait_until(lambda: refused(hub, "page", "/favicon.png"), 10, "the refusal is told")
    assert foreign.evaluate(FRAME, f"{hub.ui}/") == "closed"


def test_a_link_of_it_opens_the_dashboard(foreign: Page, hub: HubProcess) -> None:
    foreign.set_content(f'<a href="{hub.ui}/">open</a>')
    with foreign.expect_navigation() as navigation:
        foreign.get_by_text("open").click()
    assert navigation.value is not None and navigation.value.status == 200
