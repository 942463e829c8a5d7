"""Commands on the pages: what is under way, what has ended, what cannot be done now, and what is asked before."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from hubcore.errors import Unavailable
from hubcore.hub import Hub
from hubcore.models import Condition, Operation, OperationKind, Snapshot, text
from ui.session import ACTOR

from . import samples
from .conftest import words_of

Open = Callable[..., AppTest]
Publish = Callable[[Snapshot], None]
End = Callable[..., Operation]
NAMES = ("db", "redis")
START, STOP, RESTART = OperationKind.START, OperationKind.STOP, OperationKind.RESTART


def submit(hub: Hub, kind: OperationKind, *names: str) -> None:
    seen = hub.version()
    hub.submit(kind, names or None, ACTOR)
    hub.wait(seen, 5.0)


@pytest.mark.parametrize(
    ("kind", "language", "heading", "sentence"),
    [
        (STOP, "en", "2 services are being stopped", "They stay stopped until you start them."),
        (STOP, "ru", "2 службы останавливаются", "Они останутся остановленными, пока вы их не запустите."),
        (RESTART, "en", "2 services are being restarted", "This resolves by itself."),
        (RESTART, "ru", "2 службы перезапускаются", "Ничего делать не нужно."),
        (START, "ru", "2 службы запускаются", "Ничего делать не нужно."),
        (None, "ru", "2 службы в работе", "Ничего делать не нужно."),
    ],
)
def test_the_heading_says_what_is_being_done(
    publish: Publish, open_page: Open, hub: Hub, kind: OperationKind | None, language: str, heading: str, sentence: str
) -> None:
    publish(samples.snapshot([samples.service(name, name) for name in NAMES]))
    if kind is not None:
        submit(hub, kind, *NAMES)
    else:
        submit(hub, STOP, "db")
        submit(hub, RESTART, "redis")
    publish(samples.snapshot([samples.service(name, name, Condition.BUSY) for name in NAMES]))
    app = open_page("overview", language)
    assert heading in app.title[0].value
    assert sentence in words_of(app)


def test_a_row_says_what_is_being_done_to_it(publish: Publish, open_page: Open, hub: Hub) -> None:
    publish(samples.well())
    submit(hub, STOP, "redis")
    publish(samples.snapshot([samples.service("db", "PostgreSQL"), samples.service("redis", "Redis", Condition.BUSY)]))
    for page in ("overview", "services"):
        rows = [str(one.proto.label) for one in open_page(page, "ru").get("page_link")]
        assert any("Redis" in row and "останавливается" in row for row in rows), page


def test_success_is_one_line_that_can_be_put_away(
    publish: Publish, open_page: Open, hub: Hub, end_operation: End
) -> None:
    publish(samples.snapshot([samples.service(f"s{number}", f"S{number}") for number in range(5)]))
    submit(hub, RESTART)
    app = open_page("services")
    assert "Restarting all services" in words_of(app)
    ended = end_operation()
    app.run()
    said = words_of(app)
    assert "All 5 services were restarted." in said
    assert "Restart S1" not in said
    app.button(key=f"close:{ended.id}").click().run()
    assert "were restarted" not in words_of(app)


def test_what_runs_stands_above_what_has_ended(publish: Publish, open_page: Open, hub: Hub, end_operation: End) -> None:
    publish(samples.well())
    submit(hub, STOP, "db")
    submit(hub, RESTART, "redis")
    end_operation(Unavailable(text("The disk is full."), remedy=text("Make room.")))
    app = open_page("services", "ru")
    assert not app.exception
    heads = [element.value for element in app.subheader]
    assert "Перезапускаем: Redis" in heads[0]
    assert "Не удалось остановить: PostgreSQL" in heads[1]


def test_a_cause_is_told_once(publish: Publish, open_page: Open, hub: Hub, end_operation: End) -> None:
    publish(samples.well())
    cause = text("The disk is full.")
    for name in NAMES:
        submit(hub, RESTART, name)
        end_operation(Unavailable(cause))
    said = words_of(open_page("services"))
    assert said.count("Could not restart") == 2
    assert said.count("The disk is full") == 1
    publish(samples.snapshot([samples.service("db", "PostgreSQL", Condition.BROKEN, cause=cause)]))
    assert words_of(open_page("overview")).count("The disk is full") == 1


def test_a_refusal_goes_when_what_was_in_the_way_has_ended(
    publish: Publish, open_page: Open, hub: Hub, end_operation: End
) -> None:
    publish(samples.trouble())
    app = open_page("overview")
    submit(hub, START, "litellm")
    app.button(key="start:litellm").click().run()
    assert "already being done to" in words_of(app)
    end_operation()
    app.run()
    assert "already being done to" not in words_of(app)


@pytest.mark.parametrize(
    ("language", "reason"), [("en", "cannot be started or stopped until"), ("ru", "службы не запустить")]
)
def test_nothing_can_be_commanded_while_docker_is_away(
    publish: Publish, open_page: Open, language: str, reason: str
) -> None:
    publish(samples.away())
    app = open_page("services", language)
    menu = app.menu_button(key="all_services")
    assert menu.disabled and reason in menu.help
    app = open_page("service", language, name="db")
    commands = [button for button in app.button if button.key and button.key.endswith(":db")]
    assert commands and all(button.disabled and reason in button.help for button in commands)


def test_buttons_name_their_service(publish: Publish, open_page: Open) -> None:
    publish(samples.trouble())
    app = open_page("overview")
    assert app.button(key="start:redis").help == "Start Redis"


QUESTIONS = [
    ("en", 1, "Until it is back:", "It is away for a moment"),
    ("en", 4, "Until they are back:", "They are away for a moment"),
    ("ru", 1, "Пока она не вернётся:", "Служба ненадолго пропадёт"),
    ("ru", 4, "Пока они не вернутся:", "Службы ненадолго пропадут"),
]


@pytest.mark.parametrize(("language", "number", "until", "closing"), QUESTIONS)
def test_the_question_is_about_one_or_about_several(
    publish: Publish, open_page: Open, language: str, number: int, until: str, closing: str
) -> None:
    kinds = ("nginx", "litellm", "ollama", "redis")[:number]
    publish(samples.snapshot([samples.service(kind, kind.title()) for kind in kinds]))
    app = open_page("services", language)
    app.menu_button(key="all_services").click(RESTART).run()
    said = words_of(app)
    assert until in said and closing in said
    assert ("**Nginx**: " in said) == (number > 1)


def test_of_many_consequences_the_worst_are_told(publish: Publish, open_page: Open) -> None:
    kinds = ("redis", "tika", "litellm", "nginx", "searxng")
    publish(samples.snapshot([samples.service(kind, kind.title()) for kind in kinds]))
    app = open_page("services")
    app.menu_button(key="all_services").click(STOP).run()
    said = words_of(app)
    assert "**Nginx**: Nobody reaches" in said and "**Litellm**: New messages" in said
    assert "and 2 lesser effects" in said and "Tika**:" not in said


def test_many_stopped_ones_are_counted_and_started_together(publish: Publish, open_page: Open) -> None:
    publish(samples.snapshot([samples.service(f"s{n}", f"S{n}", Condition.STOPPED) for n in range(11)]))
    for language, button, more in (
        ("en", "Start the 11 stopped services", "and 3 more"),
        ("ru", "Запустить 11 остановленных служб", "и ещё 3"),
    ):
        app = open_page("overview", language)
        assert app.button(key="start_stopped").label == button
        assert any(more in str(link.proto.label) for link in app.get("page_link"))
