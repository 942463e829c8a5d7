"""The pages in a real browser, over the real stack."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.conftest import BROKEN_LOADS, Visit, Watch, idle
from tests.stack.hub import ROOT, HubProcess
from tests.stack.stack import Stack, docker
from tests.stack.waiting import free_port, wait_until

pytestmark = pytest.mark.stack

WORKS = {"en": re.compile("Everything works"), "ru": re.compile("Всё работает")}
TITLES = {
    "/": ("Everything works", "Всё работает"),
    "/services": ("Services", "Службы"),
    "/load": ("Load", "Нагрузка"),
    "/logs": ("Logs", "Журналы"),
    "/service?name=redis": ("Redis", "Redis"),
}
# Streamlit asks for these beside a deep link first, and then at the root
HARMLESS = "status of 404"


def errors(watch: Watch) -> list[str]:
    """What the page complained about, apart from loads that Docker's network changes broke; the page mends those."""
    return [error for error in watch.errors if not any(sign in error for sign in (HARMLESS, *BROKEN_LOADS))]


def no_sideways_scroll(page: Page) -> bool:
    return bool(
        page.evaluate(
            "() => [document.documentElement, document.querySelector('[data-testid=stMain]')]"
            ".every((e) => e.scrollWidth <= e.clientWidth)"
        )
    )


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", TITLES)
def test_every_page_in_both_languages_and_widths(
    hub: HubProcess, stack: Stack, visit: Visit, watches: dict[Page, Watch], path: str, width: int
) -> None:
    for number, (locale, theme) in enumerate((("en-US", "dark"), ("ru-RU", "light"))):
        page = visit(hub.ui + path, locale=locale, theme=theme, width=width)
        expect(page.locator("h1")).to_contain_text(TITLES[path][number], timeout=30000)
        expect(page.locator("html")).to_have_attribute("lang", locale[:2])
        assert no_sideways_scroll(page), (path, locale, width)
        assert errors(watches[page]) == []


def test_a_killed_service_appears_without_a_reload_and_the_button_brings_it_back(
    hub: HubProcess, stack: Stack, visit: Visit
) -> None:
    page = visit(hub.ui, locale="en-US")
    expect(page.locator("h1")).to_have_text(WORKS["en"], timeout=30000)
    docker("kill", stack.container("tika"))
    expect(page.get_by_role("heading", name="Tika is not working")).to_be_visible(timeout=4000)
    expect(page.locator("h1")).to_contain_text("needs attention")
    page.locator('[class*="st-key-cardbadproblem"]').get_by_role("button", name="Start").click()
    expect(page.get_by_text(re.compile("Start(ing|ed): Tika")).first).to_be_visible(timeout=10000)
    expect(page.get_by_text("Started: Tika", exact=True)).to_be_visible(timeout=30000)
    expect(page.locator("h1")).to_have_text(WORKS["en"], timeout=60000)


def test_stopping_asks_first_and_its_progress_is_found_again_after_a_reload(
    hub: HubProcess, stack: Stack, visit: Visit
) -> None:
    page = visit(hub.ui + "/service?name=notes", locale="ru-RU")
    page.get_by_role("button", name="Остановить…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Остановить notes?")
    check = page.locator('[class*="st-key-cardcheck"]')
    expect(check).not_to_have_text(check.inner_text(), timeout=20000)  # the page has refreshed meanwhile
    expect(dialog).to_be_visible()  # and the question has stayed
    dialog.get_by_role("button", name="Остановить").click()
    done = page.get_by_text("Остановлено: notes", exact=True)
    expect(done).to_be_visible(timeout=30000)
    page.reload()
    idle(page)
    expect(done).to_be_visible(timeout=10000)
    assert stack.state("notes")[0] == "exited"
    page.get_by_role("button", name="Запустить").click()
    expect(page.get_by_text("Запущено: notes", exact=True)).to_be_visible(timeout=30000)
    stack.wait_healthy("notes")


def test_the_language_is_switched_and_kept(hub: HubProcess, stack: Stack, visit: Visit) -> None:
    page = visit(hub.ui + "/services", locale="en-US")
    expect(page.locator("h1")).to_have_text("Services", timeout=20000)
    page.get_by_text("Русский").click()
    expect(page.locator("h1")).to_have_text("Службы")
    page.reload()
    expect(page.locator("h1")).to_have_text("Службы", timeout=20000)
    page.get_by_role("link", name="Нагрузка").click()
    expect(page.locator("h1")).to_have_text("Нагрузка")
    another = page.context.new_page()  # this browser remembers it, whatever address is opened
    another.goto(hub.ui + "/logs")
    expect(another.locator("h1")).to_have_text("Журналы", timeout=20000)
    another.goto(hub.ui + "/services?language=en")
    expect(another.locator("h1")).to_have_text("Services", timeout=20000)
    another.get_by_text("Русский").click()
    expect(another).to_have_url(re.compile("language=ru"))


def test_a_typed_value_stays_while_the_page_refreshes(hub: HubProcess, stack: Stack, visit: Visit) -> None:
    page = visit(hub.ui + "/services", locale="en-US")
    box = page.get_by_placeholder("Find a service")
    box.fill("post")
    rows = page.locator('[class*="st-key-row"]')
    expect(rows).to_have_count(1, timeout=10000)
    expect(rows).to_contain_text("PostgreSQL")
    docker("pause", stack.container("notes"))
    try:
        expect(page.get_by_text("Stopped services · 1")).to_be_visible(timeout=10000)
    finally:
        docker("unpause", stack.container("notes"))
    expect(box).to_have_value("post")
    expect(rows).to_have_count(1)


def test_the_zoom_of_a_chart_is_kept_while_it_refreshes(hub: HubProcess, stack: Stack, visit: Visit) -> None:
    page = visit(hub.ui + "/load", locale="ru-RU")
    plot = page.locator('[class*="st-key-cardchartcpu_percent"] .hub-plot')
    expect(plot.locator(".main-svg").first).to_be_visible(timeout=30000)
    expect(plot).to_contain_text("порог 85")
    area = plot.locator(".nsewdrag").bounding_box()
    assert area is not None
    middle = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + area["width"] * 0.6, middle)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.8, middle, steps=5)
    page.mouse.up()
    look = "(plot) => plot.layout.xaxis.range.map((x) => new Date(x).getTime())"
    zoomed = wait_until(lambda: (r := plot.evaluate(look)) and r[1] - r[0] < 1800e3 and r, 15.0, "zoomed in")
    newest = "(plot) => plot.data.find((line) => line.name).x.at(-1)"
    before = plot.evaluate(newest)
    wait_until(lambda: plot.evaluate(newest) != before, 20.0, "new points have come")
    assert plot.evaluate(look) == zoomed
    assert no_sideways_scroll(page)


def test_logs_are_followed_searched_and_never_markup(hub: HubProcess, stack: Stack, visit: Visit) -> None:
    page = visit(hub.ui + "/logs?service=redis", locale="en-US")
    rows = page.locator(".hub-log-row")
    expect(rows.first).to_be_visible(timeout=20000)
    expect(page.locator(".stMarkdownBadge").filter(has_text="Live")).to_be_visible(timeout=10000)
    evil = '<img src="http://evil.test/x"> needle'
    docker("exec", stack.container("redis"), "sh", "-c", 'echo "$0" > /proc/1/fd/1', evil)
    expect(rows.last).to_contain_text(evil, timeout=10000)
    assert page.locator(".hub-log img").count() == 0
    page.get_by_placeholder("Words in the line").fill("NEEDLE")
    expect(rows).to_have_count(1, timeout=10000)
    expect(page.locator(".hub-log mark")).to_have_text("needle")
    expect(page.get_by_text("1 match", exact=False)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download these lines").click()
    path = download.value.path()
    assert evil in Path(path).read_text(encoding="utf-8")
    assert re.fullmatch(r"redis-\d{8}-\d{4}\.log", download.value.suggested_filename)


HOOKS = {
    "/": (
        ".stMainBlockContainer",
        '[class*="st-key-cardgroup"] [data-testid="stPageLink"] a p',
        '[class*="st-key-fill"] [data-testid="stImage"] img',
        '[data-testid="stButtonGroup"] button[data-selected="true"] p',
        '[class*="st-key-list"] [class*="stMarkdownColoredText"]',
        ".stMarkdown",
        '[data-testid="stSidebar"] [data-testid="stButtonGroup"] button',
        '[data-testid="stSidebarNavLink"]',
    ),
    "/services": (
        '[class*="st-key-row"] img',
        '[class*="st-key-row"] > :nth-child(4)',
        '[class*="st-key-row"] > :has([data-testid="stPageLink"]):first-child',
        '[data-testid="stLayoutWrapper"]:has(> [class*="st-key-columns"])',
    ),
    "/load": ('[data-testid="stLayoutWrapper"]:has(> [class*="st-key-mousehint"])',),
    "/service?name=litellm": ('[class*="st-key-fillday"] img', '[class*="st-key-links"] [data-testid="stPageLink"] a'),
}


@pytest.mark.parametrize("path", HOOKS)
def test_the_hooks_of_our_styles_exist(hub: HubProcess, stack: Stack, visit: Visit, path: str) -> None:
    page = visit(hub.ui + path)
    expect(page.locator("h1")).to_be_visible(timeout=20000)
    for hook in HOOKS[path]:
        expect(page.locator(hook).first).to_be_attached(timeout=10000)


def test_a_part_that_did_not_arrive_is_asked_for_again(hub: HubProcess, stack: Stack, browser: Browser) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.abort("internetdisconnected")
        else:
            route.continue_()

    page.route("**/TextInput*.js", answer)
    page.goto(hub.ui + "/services")
    expect(page.get_by_placeholder("Find a service")).to_be_visible(timeout=40000)
    assert len(asked) > 1
    context.close()


def test_foreign_names_and_pages_are_refused(hub: HubProcess) -> None:
    answer = httpx.get(hub.ui, headers={"host": "evil.test"})
    assert answer.status_code == 421
    assert "DASHBOARD_ALLOWED_HOSTS" in answer.text
    good = httpx.get(hub.ui)
    assert good.status_code == 200
    assert "frame-ancestors 'none'" in good.headers["content-security-policy"]
    assert handshake(hub.ui_port, f"http://127.0.0.1:{hub.ui_port}").startswith("HTTP/1.1 101")
    for origin in ("http://evil.test", "http://localhost:1", "null", None):
        assert handshake(hub.ui_port, origin).startswith("HTTP/1.1 403"), origin


def handshake(port: int, origin: str | None) -> str:
    """The first line that comes back for a WebSocket handshake."""
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *([f"Origin: {origin}"] if origin is not None else []),
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return connection.recv(200).decode("latin-1").splitlines()[0]


@pytest.fixture
def plain_app(hub: HubProcess, tmp_path: Path) -> Iterator[str]:
    """A fresh `streamlit run app.py`, without server.py, beside the running dashboard. Its address."""
    port = free_port()
    log = (tmp_path / "app.log").open("wb")
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=hub.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"

    def up() -> bool:
        return httpx.get(f"{url}/_stcore/health", timeout=2).text == "ok"

    try:
        wait_until(up, 30, "streamlit run app.py answers", ignore=(httpx.TransportError,))
        yield url
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def test_app_py_alone_works_and_its_pages_cannot_be_opened_past_it(plain_app: str, stack: Stack, visit: Visit) -> None:
    for path in ("/services", "/service?name=redis", "/logs", "/load", "/"):
        page = visit(plain_app + path, locale="ru-RU")
        expect(page.locator("h1")).to_be_visible(timeout=20000)
        expect(page.get_by_text("Обновлено")).to_be_visible(timeout=10000)  # the frame, which app.py draws
