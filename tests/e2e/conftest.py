"""A real Chromium on the running dashboard.

    def test_overview(visit, hub):
        page = visit(hub.ui, locale="ru-RU", theme="dark", width=390)

`visit` returns a Playwright page whose script has finished. After the test every visit is checked: no request may have
left this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.conftest import require
from tests.stack import needs

HERE = Path(__file__).resolve().parent
FLAGS = (
    "--no-sandbox",  # Chromium refuses to sandbox as root; it meets only our own pages
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # whatever a page asks for elsewhere: it must not even be looked up
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
IDLE = "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"
# Docker adding or removing a network makes Chromium drop requests that are under way
BROKEN_LOADS = ("ERR_NETWORK_CHANGED", "dynamically imported module", "Importing a module script failed")
Visit = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this folder. Not longer: while it is open, asyncio.run() fails in this thread."""
    require(needs.browser())
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=needs.browser_path(), args=list(FLAGS))
        yield chromium
        chromium.close()


class Watch:
    """What a page did behind the scenes: addresses it asked for elsewhere, errors in its console."""

    def __init__(self, page: Page) -> None:
        self.foreign: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self._request(request.url))
        page.on("websocket", lambda socket: self._request(socket.url))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost"):
            self.foreign.append(url)

    def broken_load(self) -> bool:
        """Whether a part of the page failed to load for reasons outside of it."""
        return any(sign in error for error in self.errors for sign in BROKEN_LOADS)


def idle(page: Page, timeout: float = 20.0) -> None:
    """Wait until Streamlit is connected and no script runs; seconds."""
    page.wait_for_selector(IDLE, timeout=timeout * 1000)


def _settled(page: Page, watch: Watch) -> bool:
    """Whether the page came up whole; False when it should be loaded once more, through no fault of its own."""
    try:
        idle(page)
    except PlaywrightTimeout:
        if not watch.broken_load():
            raise
    return not watch.broken_load()


@pytest.fixture
def watches() -> dict[Page, Watch]:
    """The `Watch` of each page the test visited, for its console errors: `watches[page].errors`."""
    return {}


@pytest.fixture
def visit(browser: Browser, watches: dict[Page, Watch]) -> Iterator[Visit]:
    """`visit(url, locale="en-US", theme="light", width=1280, height=900)`: a page in a fresh profile, loaded, idle."""
    contexts: list[BrowserContext] = []

    def open_page(
        url: str, *, locale: str = "en-US", theme: str = "light", width: int = 1280, height: int = 900
    ) -> Page:
        context = browser.new_context(
            locale=locale,
            color_scheme="dark" if theme == "dark" else "light",
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        watch = watches[page] = Watch(page)
        page.goto(url)
        if not _settled(page, watch):
            watch.errors.clear()
            page.reload()
            idle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    foreign = [url for watch in watches.values() for url in watch.foreign]
    assert not foreign, f"requests left this machine: {foreign}"
