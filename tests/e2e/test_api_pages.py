"""What the API serves to a browser: the pages of an older dashboard, and its own description."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, Page

from tests.stack.hub import HubProcess
from tests.stack.waiting import wait_until

LARGE = 400 * 2**20  # bytes
# As the older pages do it: inline script, inline style, an absolute address, text put in as HTML.
OLD_PAGE = """<!doctype html><meta charset="utf-8"><style>b {{ color: red }}</style>
<b id="count" onclick="this.title = 'clicked'" style="font-size: 2em">…</b><b id="foreign">…</b>
<script src="app.js"></script>
<script>
const count = document.getElementById("count"), foreign = document.getElementById("foreign");
fetch("http://localhost:{port}/api/status").then(r => r.json())
  .then(services => {{ count.innerHTML = Object.keys(services).length; }});
fetch("http://127.0.0.1:{other}/steal?x=1").then(() => "sent", () => "blocked")
  .then(outcome => {{ foreign.textContent = outcome; }});
</script>"""


@pytest.fixture
def elsewhere() -> Iterator[tuple[int, list[str]]]:
    """A web server that lets every page in; its port and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1], asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="ru-RU", viewport={"width": 390, "height": 800})
    yield context.new_page()
    context.close()


def old_pages(folder: Path, hub: HubProcess, other: int) -> None:
    (folder / "index.html").write_text(OLD_PAGE.format(port=hub.api_port, other=other), encoding="utf-8")
    (folder / "app.js").write_text("document.title = 'скрипт'", encoding="utf-8")


def test_old_pages_work_and_can_talk_to_nobody_else(
    start_hub: Callable[..., HubProcess], tmp_path: Path, page: Page, elsewhere: tuple[int, list[str]]
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    hub = start_hub({"DASHBOARD_LEGACY_FRONTEND_DIR": str(folder), "DASHBOARD_PROJECT": "hubtest-nothing"})
    port, asked = elsewhere
    old_pages(folder, hub, port)
    for host in ("127.0.0.1", "localhost"):
        page.goto(f"http://{host}:{hub.api_port}/")
        page.wait_for_function("+document.getElementById('count').textContent >= 13")
        page.wait_for_function("document.getElementById('foreign').textContent != '…'")
        assert page.inner_text("#foreign") == "blocked"
        assert page.title() == "скрипт"
        page.click("#count")
        assert page.get_attribute("#count", "title") == "clicked"
        assert page.evaluate("getComputedStyle(document.getElementById('count')).color") == "rgb(255, 0, 0)"
    assert asked == []


def memory(hub: HubProcess) -> int:
    """Bytes that the API's processes hold."""
    named = [p for p in psutil.process_iter(["cmdline"]) if "api_sidecar" in " ".join(p.info["cmdline"] or [])]
    mine = [p for p in named if p.environ().get("DASHBOARD_API_PORT") == str(hub.api_port)]
    assert mine
    return sum(p.memory_info().rss for p in {child for p in mine for child in (p, *p.children(recursive=True))})


def test_readers_that_take_nothing_off_the_line(start_hub: Callable[..., HubProcess], tmp_path: Path) -> None:
    """A large file must not pile up in memory, nor its readers keep anybody else waiting."""
    folder = tmp_path / "old"
    folder.mkdir()
    hub = start_hub({"DASHBOARD_LEGACY_FRONTEND_DIR": str(folder), "DASHBOARD_PROJECT": "hubtest-nothing"})
    (folder / "index.html").write_text("old", encoding="utf-8")
    with (folder / "large.bin").open("wb") as file:
        file.truncate(LARGE)
    before = memory(hub)
    readers = [socket.create_connection(("127.0.0.1", hub.api_port)) for _ in range(8)]
    for reader in readers:
        reader.sendall(f"GET /large.bin HTTP/1.1\r\nHost: localhost:{hub.api_port}\r\n\r\n".encode())
        assert reader.recv(12) == b"HTTP/1.1 200"
    assert httpx.head(f"{hub.api}/large.bin").headers["content-length"] == str(LARGE)
    half = {"Range": "bytes=0-999999"}
    assert hub.get("/large.bin", headers=half).status_code == 503
    assert hub.get("/").status_code == hub.get("/api/system/stats").status_code == 200
    assert memory(hub) - before < 64 * 2**20
    for reader in readers:
        reader.close()
    wait_until(lambda: hub.get("/large.bin", headers=half).status_code == 206, 20, "a place is free again")


@pytest.mark.parametrize(("width", "columns"), [(1280, 2), (390, 1)])
def test_the_description_is_readable_everywhere(hub: HubProcess, page: Page, width: int, columns: int) -> None:
    errors: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{hub.api}/docs")
    assert page.inner_text("nav h2") == "Содержание"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.body).display") == ("grid" if columns == 2 else "block")
    page.click("nav a >> nth=0")
    assert page.url.endswith("#group-1")
    page.click("text=English")
    assert page.inner_text("nav h2") == "Contents"
    assert errors == []
    assert {url.split("/docs")[0] for url in asked} == {hub.api}
