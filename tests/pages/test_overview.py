"""The Overview in every state of the stack."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from hubcore.hub import Hub
from hubcore.models import Condition, Snapshot

from . import samples
from .conftest import words_of

Open = Callable[..., AppTest]
Publish = Callable[[Snapshot], None]


def title(app: AppTest) -> str:
    return str(app.title[0].value)


@pytest.mark.parametrize(("language", "word"), [("en", "One moment"), ("ru", "Одну минуту")])
def test_before_the_first_values_it_says_that_it_collects(open_page: Open, language: str, word: str) -> None:
    app = open_page("overview", language)
    assert not app.exception
    assert word in title(app)


@pytest.mark.parametrize(("language", "word"), [("en", "Everything works"), ("ru", "Всё работает")])
def test_well(publish: Publish, open_page: Open, language: str, word: str) -> None:
    publish(samples.well())
    app = open_page("overview", language)
    assert not app.exception
    assert word in title(app)
    assert "check_circle" in title(app)
    said = words_of(app)
    assert "PostgreSQL" in said
    assert ("18\u00a0GB" if language == "en" else "18\u00a0ГБ") in said


def test_trouble_comes_first_and_the_worst_has_the_only_filled_button(publish: Publish, open_page: Open) -> None:
    publish(samples.trouble())
    app = open_page("overview")
    assert not app.exception
    assert "2 of 4 services need attention" in title(app)
    heads = [element.value for element in app.subheader]
    assert "LiteLLM is not working" in heads[0]
    assert "Docling needs attention" in heads[1]
    primary = [button for button in app.button if button.proto.type == "primary"]
    assert [button.key for button in primary] == ["start:litellm"]
    assert "New messages get no answer" in words_of(app)


def test_trouble_in_russian(publish: Publish, open_page: Open) -> None:
    publish(samples.trouble())
    app = open_page("overview", "ru")
    assert "2 из 4 служб требуют внимания" in title(app)
    assert "LiteLLM не работает" in app.subheader[0].value
    assert "Службу LiteLLM внезапно остановили извне" in words_of(app)


@pytest.mark.parametrize(
    ("language", "heading", "sentence"),
    [("en", "Docker does not answer", "3 minutes old"), ("ru", "Docker не отвечает", "им 3 минуты")],
)
def test_docker_away(publish: Publish, open_page: Open, language: str, heading: str, sentence: str) -> None:
    publish(samples.away())
    app = open_page("overview", language)
    assert not app.exception
    assert heading in title(app)
    assert sentence in words_of(app).replace("\u00a0", " ")
    assert "check_circle" not in title(app)


@pytest.mark.parametrize(
    ("language", "heading", "native"),
    [("en", "connect your stack", "Ollama already runs"), ("ru", "Подключим ваш стек", "Ollama уже работает")],
)
def test_first_run(publish: Publish, open_page: Open, hub: Hub, language: str, heading: str, native: str) -> None:
    publish(samples.first_run())
    app = open_page("overview", language)
    assert not app.exception
    assert heading in title(app)
    assert native in words_of(app)
    app.button(key="again").click().run()
    assert not app.exception


def test_first_run_without_a_stack_names_the_folder_and_the_setting(publish: Publish, open_page: Open) -> None:
    publish(samples.no_stack())
    said = words_of(open_page("overview"))
    assert "/srv/nothing" in said
    assert "DASHBOARD_STACK_DIR" in said
    assert "blog" in said


def test_untrusted_words_stay_words(publish: Publish, open_page: Open) -> None:
    publish(samples.hostile())
    for page, query in (("overview", {}), ("services", {}), ("service", {"name": "evil"}), ("logs", {})):
        app = open_page(page, **query)
        assert not app.exception
        said = "\n".join(
            str(e.value) for kind in ("title", "header", "subheader", "markdown", "caption") for e in app.get(kind)
        )
        said += "\n".join(str(element.proto.label) for element in app.get("page_link"))
        assert "[y](http" not in said, page
        assert ":red[z]" not in said, page
        assert "<b>" not in said, page


def test_start_hands_over_a_command_and_shows_its_progress(publish: Publish, open_page: Open, hub: Hub) -> None:
    publish(samples.trouble())
    app = open_page("overview")
    seen = hub.version()
    app.button(key="start:litellm").click().run()
    assert not app.exception
    hub.wait(seen, 5.0)
    operations = hub.operations()
    assert [(operation.kind, operation.services) for operation in operations] == [("start", ("litellm",))]
    app.run()
    assert "Starting: LiteLLM" in words_of(app)


def test_a_refused_command_says_why(publish: Publish, open_page: Open, hub: Hub) -> None:
    publish(samples.trouble())
    app = open_page("overview")
    seen = hub.version()
    app.button(key="start:litellm").click().run()
    hub.wait(seen, 5.0)
    app.button(key="start:litellm").click().run()
    assert not app.exception
    assert "already being done to" in words_of(app)


def test_all_stopped_is_one_button_away(publish: Publish, open_page: Open, hub: Hub) -> None:
    stopped = [samples.service(name, name.title(), Condition.STOPPED) for name in ("db", "redis")]
    publish(samples.snapshot(stopped))
    app = open_page("overview")
    assert "All services are stopped" in title(app)
    assert [button.key for button in app.button if button.proto.type == "primary"] == ["start_stopped"]
    seen = hub.version()
    app.button(key="start_stopped").click().run()
    hub.wait(seen, 5.0)
    assert [set(one.services) for one in hub.operations()] == [{"db", "redis"}]
