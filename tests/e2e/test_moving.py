"""Moving about: addresses, going back and forward, the phone's sidebar, menus. What the reader does not notice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Visit, idle
from tests.stack.hub import HubProcess
from tests.stack.stack import Stack

pytestmark = pytest.mark.stack


def is_at(page: Page, path: str, heading: str) -> None:
    expect(page.locator("h1")).to_have_text(heading, timeout=20000)
    expect(page).to_have_url(re.compile(re.escape(path) + "$"))


def test_links_between_services_change_the_address_and_can_be_gone_back(
    hub: HubProcess, stack: Stack, visit: Visit
) -> None:
    page = visit(hub.ui + "/services")
    page.get_by_role("link", name="LiteLLM").click()
    is_at(page, "/service?name=litellm", "LiteLLM")
    expect(page).to_have_title("LiteLLM · Hub")
    page.locator('[class*="st-key-links"]').get_by_role("link", name="PostgreSQL").click()
    is_at(page, "/service?name=db", "PostgreSQL")
    idle(page)
    page.get_by_role("button", name="Stop…").click()  # draws the whole page: by the new address, not by the old one
    expect(page.get_by_role("dialog")).to_contain_text("Stop PostgreSQL?")
    page.get_by_role("button", name="Leave it as it is").click()
    is_at(page, "/service?name=db", "PostgreSQL")
    page.go_back()
    is_at(page, "/service?name=litellm", "LiteLLM")
    page.go_back()
    is_at(page, "/services", "Services")
    page.go_forward()
    is_at(page, "/service?name=litellm", "LiteLLM")


def test_going_back_from_and_within_the_logs(hub: HubProcess, stack: Stack, visit: Visit) -> None:
    page = visit(hub.ui + "/service?name=redis")
    chosen = page.get_by_test_id("stSelectbox").locator("input")
    page.get_by_role("link", name="Log of Redis").click()
    is_at(page, "/logs?service=redis", "Logs")
    page.go_back()
    is_at(page, "/service?name=redis", "Redis")
    page.go_forward()
    is_at(page, "/logs?service=redis", "Logs")
    expect(chosen).to_have_value("Redis")
    chosen.click()
    page.get_by_role("option", name="nginx").click()
    is_at(page, "/logs?service=nginx", "Logs")
    idle(page)
    page.go_back()
    is_at(page, "/logs?service=redis", "Logs")
    expect(chosen).to_have_value("Redis")
    idle(page)
    page.go_back()
    is_at(page, "/service?name=redis", "Redis")


def edge(page: Page) -> float:
    """Where the sidebar ends, in pixels from the left; below 1 it is closed."""
    return float(page.get_by_test_id("stSidebar").evaluate("(bar) => bar.getBoundingClientRect().right"))


def test_on_a_phone_the_sidebar_is_closed_until_it_is_asked_for(
    hub: HubProcess, stack: Stack, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(hub.ui)
    idle(page)
    assert edge(page) < 1
    page.get_by_test_id("stExpandSidebarButton").click()
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links.last).to_be_in_viewport()
    for target in (*links.all(), *page.locator('[data-testid="stSidebar"] [role="radio"]').all()):
        box = target.bounding_box()
        assert box is not None and box["height"] >= 40
    links.last.click()
    expect(page.locator("h1")).to_have_text("Logs", timeout=20000)
    idle(page)
    expect(links.last).not_to_be_in_viewport()
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(links.last).to_be_in_viewport()
    page.reload()
    idle(page)
    expect(page.locator("h1")).to_have_text("Logs", timeout=20000)
    expect(links.last).not_to_be_in_viewport()
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_menu_closes_when_a_command_is_chosen(hub: HubProcess, stack: Stack, visit: Visit, width: int) -> None:
    page = visit(hub.ui + "/services", locale="ru-RU", width=width)
    page.get_by_role("button", name="Все службы").click()
    page.get_by_text("Остановить…", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("служб?")
    expect(page.get_by_text("Перезапустить…", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Оставить как есть").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_link_labels_in_cards_are_whole(hub: HubProcess, stack: Stack, visit: Visit) -> None:
    page = visit(hub.ui + "/", locale="ru-RU")
    labels = page.locator('[class*="st-key-cardgroup"] [data-testid="stPageLink"] p')
    expect(labels.first).to_be_visible(timeout=30000)
    assert labels.evaluate_all("(all) => all.filter((one) => one.scrollWidth > one.clientWidth).length") == 0


def test_a_state_has_a_word_for_those_who_do_not_see_its_icon(hub: HubProcess, stack: Stack, visit: Visit) -> None:
    page = visit(hub.ui + "/services", locale="ru-RU")
    row = page.locator('[class*="st-key-row"]').filter(has_text="PostgreSQL")
    expect(row.get_by_role("img", name="Работает")).to_be_visible(timeout=20000)


def test_the_strip_of_a_day_is_high_enough_to_be_seen(hub: HubProcess, stack: Stack, visit: Visit) -> None:
    page = visit(hub.ui + "/service?name=redis", width=390)
    strip = page.locator('[class*="st-key-fillday"] img')
    expect(strip).to_be_visible(timeout=20000)
    box = strip.bounding_box()
    assert box is not None and box["height"] >= 20
