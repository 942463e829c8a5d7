"""Services, one service, Load and Logs; and every page opened directly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from hubcore.hub import Hub
from hubcore.models import Snapshot, text
from ui import session

from . import samples
from .conftest import PAGES, ROOT, words_of

Open = Callable[..., AppTest]
Publish = Callable[[Snapshot], None]
STATES = {
    "well": samples.well,
    "trouble": samples.trouble,
    "away": samples.away,
    "first run": samples.first_run,
    "no stack": samples.no_stack,
    "hostile": samples.hostile,
}


def links(app: AppTest) -> list[str]:
    return [str(element.proto.label) for element in app.get("page_link")]


@pytest.mark.parametrize(("state", "language"), [*((state, "ru") for state in STATES), ("trouble", "en")])
def test_every_page_draws_in_every_state(publish: Publish, open_page: Open, state: str, language: str) -> None:
    publish(STATES[state]())
    for page in PAGES:
        app = open_page(page, language, **({"name": "db"} if page == "service" else {}))
        assert not app.exception, (page, app.exception)
        assert app.title, page


@pytest.mark.parametrize("page", ["overview", "load"])
def test_trouble_of_the_dashboard_itself_is_told(publish: Publish, open_page: Open, page: str) -> None:
    found = samples.well()
    stack = found.stack.model_copy(update={"problem": text("The compose file {file} cannot be read.", file="a.yml")})
    full = text("The history is not being recorded: the disk is full. Make room, and it goes on by itself.")
    audit = text("The audit log is not being written: {reason}.", reason="no way")
    publish(found.model_copy(update={"stack": stack, "history_problem": full, "audit_problem": audit}))
    said = words_of(open_page(page, "en"))
    assert "a\\.yml" in said and "the disk is full" in said and "no way" in said


@pytest.mark.parametrize("page", PAGES)
def test_every_page_draws_before_the_first_values(open_page: Open, page: str) -> None:
    app = open_page(page, **({"name": "db"} if page == "service" else {}))
    assert not app.exception
    assert app.title


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_app_py_sends_the_reader_there(hub: Hub, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    app = AppTest.from_file(str(ROOT / PAGES[page]), default_timeout=20)
    app.run()
    # Where AppTest runs a page as the main script there is no app.py to go to: the attempt is what stops the page.
    # tests/e2e opens the pages of a real server.
    assert app.exception
    assert session.BOOTED not in app.session_state
    assert not app.title


def test_services_troubled_ones_first_with_the_reason(publish: Publish, open_page: Open) -> None:
    publish(samples.trouble())
    app = open_page("services")
    rows = [label for label in links(app) if "material" in label and "**" in label]
    assert "LiteLLM" in rows[0] and "stopped from outside" in rows[0]
    assert "Docling" in rows[1] and "disk is full" in rows[1]
    assert "1 works, 2 need attention, 1 is stopped" in words_of(app)


def test_services_search_and_filter(publish: Publish, open_page: Open) -> None:
    publish(samples.trouble())
    app = open_page("services")
    app.text_input(key="services_query").input("post").run()
    assert [label for label in links(app) if "**" in label and "PostgreSQL" not in label] == []
    app.text_input(key="services_query").input("nothing like it").run()
    assert "No service fits" in words_of(app)


def test_stopping_all_asks_first_and_names_the_consequences(publish: Publish, open_page: Open, hub: Hub) -> None:
    publish(samples.well())
    app = open_page("services")
    app.menu_button(key="all_services").click("stop").run()
    said = words_of(app)
    assert "no one" in said or "does not open for anyone" in said
    assert "Data is kept" in said
    assert hub.operations() == []
    seen = hub.version()
    app.button(key="confirm").click().run()
    hub.wait(seen, 5.0)
    assert [(one.kind, one.scope) for one in hub.operations()] == [("stop", "all")]


def test_leaving_the_question_changes_nothing(publish: Publish, open_page: Open, hub: Hub) -> None:
    publish(samples.well())
    app = open_page("service", name="db")
    app.button(key="stop:db").click().run()
    assert "These need it and may stop working: Redis." in words_of(app)
    app.button(key="cancel").click().run()
    assert not app.exception
    assert hub.operations() == []
    assert "confirm" not in [button.key for button in app.button]


@pytest.mark.parametrize(
    ("more", "reason"), [({"native": True}, "runs without Docker"), ({"protected": True}, "dashboard itself")]
)
def test_what_cannot_be_controlled_has_no_buttons(
    publish: Publish, open_page: Open, more: dict[str, bool], reason: str
) -> None:
    publish(samples.snapshot([samples.service("db", "PostgreSQL", **more), samples.service("redis", "Redis")]))
    app = open_page("service", name="db")
    assert [button.key for button in app.button if button.key and button.key.endswith(":db")] == []
    assert reason in words_of(app)


def test_an_unknown_service_is_said_to_be_unknown(publish: Publish, open_page: Open) -> None:
    publish(samples.well())
    app = open_page("service", name="<b>no*such*one</b>")
    assert not app.exception
    assert "There is no service named" in app.title[0].value
    assert "<b>" not in app.title[0].value


def test_load_offers_every_period_and_a_pause(publish: Publish, open_page: Open) -> None:
    publish(samples.well())
    app = open_page("load")
    assert not app.exception
    assert app.toggle(key="load_refresh").value is True
    said = words_of(app)
    assert "Processor" in said and "Memory of services" in said


def test_logs_say_when_there_is_nothing_to_read(publish: Publish, open_page: Open) -> None:
    publish(samples.no_stack())
    assert "no service with a log yet" in words_of(open_page("logs"))


def test_logs_open_the_service_of_the_address(publish: Publish, open_page: Open) -> None:
    publish(samples.well())
    app = open_page("logs", service="redis")
    assert app.selectbox(key="log_service").value == "redis"


def test_pages_are_short() -> None:
    for path in PAGES.values():
        assert len((ROOT / path).read_text().splitlines()) <= 100, path
