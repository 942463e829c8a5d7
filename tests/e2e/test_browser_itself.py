"""The browser fixtures: what other tests lean on must hold."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.e2e.conftest import Watch


def test_requests_that_leave_this_machine_are_seen_and_go_nowhere(browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    watch = Watch(page)
    page.set_content('<img src="http://example.org/pixel.png"><img src="data:image/png;base64,AAAA">')
    page.wait_for_load_state("networkidle")
    assert watch.foreign == ["http://example.org/pixel.png"]
    assert any("ERR_NAME_NOT_RESOLVED" in error for error in watch.errors)
    assert not watch.broken_load()
    context.close()


def test_console_errors_are_collected(browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    watch = Watch(page)
    with page.expect_event("pageerror"):
        page.set_content("<script>console.error('first'); setTimeout(() => { throw new Error('second') })</script>")
    assert watch.errors == ["first", "second"]
    context.close()
