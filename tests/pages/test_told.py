"""What the pages say beside the great states: nothing that is untrue, nothing twice, nothing cut off in silence."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from hubcore.models import Condition, ServiceState, Snapshot, StackInfo, text

from . import samples
from .conftest import words_of

Open = Callable[..., AppTest]
Publish = Callable[[Snapshot], None]
WORKS, ATTENTION, STOPPED, UNKNOWN = Condition.WORKS, Condition.ATTENTION, Condition.STOPPED, Condition.UNKNOWN


def stack(*conditions: Condition) -> Snapshot:
    return samples.snapshot([samples.service(f"s{n}", f"S{n}", condition) for n, condition in enumerate(conditions)])


@pytest.mark.parametrize(
    ("conditions", "english", "russian"),
    [
        ((ATTENTION, WORKS), "The rest is working.", "Остальное работает."),
        (
            (ATTENTION, STOPPED, UNKNOWN, WORKS),
            "1 more is stopped, 1 could not be checked.",
            "Ещё 1 остановлена, 1 не проверить.",
        ),
        ((ATTENTION, STOPPED, STOPPED), "2 more are stopped.", "Ещё 2 остановлены."),
        ((ATTENTION, UNKNOWN), "1 more could not be checked.", "Ещё 1 не проверить."),
        ((STOPPED, WORKS), "Whatever runs is working.", "То, что запущено, работает."),
        ((STOPPED, UNKNOWN), "1 more could not be checked.", "Ещё 1 не проверить."),
    ],
)
def test_the_rest_is_said_to_work_only_if_it_does(
    publish: Publish, open_page: Open, conditions: tuple[Condition, ...], english: str, russian: str
) -> None:
    publish(stack(*conditions))
    for language, sentence in (("en", english), ("ru", russian)):
        said = words_of(open_page("overview", language))
        assert sentence in said
        assert ("The rest is working" in said) == (sentence == "The rest is working.")


def service(condition: Condition, cause: str) -> ServiceState:
    return samples.service("tika", "Tika", condition, cause=text(cause, service="Tika"))


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (service(STOPPED, "{service} was stopped."), ""),
        (service(STOPPED, "{service} is paused."), "Tika is paused"),
        (service(UNKNOWN, "Docker does not answer, so it is not known how {service} is."), ""),
    ],
)
def test_a_row_does_not_say_the_same_twice(publish: Publish, open_page: Open, one: ServiceState, told: str) -> None:
    publish(samples.snapshot([one]))
    row = next(str(link.proto.label) for link in open_page("services").get("page_link") if "Tika" in link.proto.label)
    assert told in row
    assert ("·" in row) == bool(told)


@pytest.mark.parametrize(("language", "said"), [("en", "No service was chosen."), ("ru", "Служба не выбрана.")])
def test_no_service_was_chosen(publish: Publish, open_page: Open, language: str, said: str) -> None:
    publish(samples.well())
    assert open_page("service", language).title[0].value == said


def test_a_stopped_service_is_not_checked(publish: Publish, open_page: Open) -> None:
    publish(stack(STOPPED))
    for language, said in (("en", "not checked while it is stopped"), ("ru", "пока остановлена, не проверяется")):
        assert said in words_of(open_page("service", language, name="s0"))


def test_a_figure_that_is_not_there_has_no_unit(publish: Publish, open_page: Open) -> None:
    publish(samples.snapshot([samples.service("db", "PostgreSQL", STOPPED, figures=None)]))
    assert "of one core" not in words_of(open_page("service", name="db"))
    publish(samples.well())
    assert "of one core" in words_of(open_page("service", name="db"))


def test_old_figures_carry_their_age(publish: Publish, open_page: Open) -> None:
    fresh = samples.service("db", "PostgreSQL")
    assert fresh.figures is not None
    old = fresh.model_copy(update={"figures": fresh.figures.model_copy(update={"taken_at": time.time() - 180})})
    for one, aged in ((fresh, False), (old, True)):
        publish(samples.snapshot([one]))
        figures = [element.value for element in open_page("services").markdown if "GB" in element.value]
        figures += [element.value for element in open_page("service", name="db").header if "GB" in element.value]
        assert len(figures) == 2
        assert all(("3\u00a0minutes ago" in figure) == aged for figure in figures), figures


def test_the_stack_is_named_and_a_missing_compose_file_told(publish: Publish, open_page: Open) -> None:
    publish(samples.well())
    said = words_of(open_page("overview", "ru"))
    assert "Стек: s" in said and "файла compose" not in said
    publish(
        samples.snapshot([samples.service("db", "PostgreSQL")], stack=StackInfo(directory="/srv/x", project="blog"))
    )
    said = words_of(open_page("overview"))
    assert "Stack: blog" in said and "no compose file found in \\/srv\\/x" in said


def test_the_first_run_offers_commands_that_exist_everywhere(publish: Publish, open_page: Open) -> None:
    publish(samples.first_run())
    app = open_page("overview", "ru")
    app.segmented_control(key="system").set_value("linux").run()
    assert "curl -fsSL https://get.docker.com | sh\nsudo usermod -aG docker $USER" in [one.value for one in app.code]
    assert "Затем выйдите из системы, войдите снова и перезапустите панель." in words_of(app)


def test_nothing_is_counted_where_there_is_nothing(publish: Publish, open_page: Open) -> None:
    publish(samples.no_stack())
    assert "0 parts" not in words_of(open_page("services"))
    publish(stack(STOPPED))
    said = words_of(open_page("services"))
    assert "1 is stopped" in said and "0 work" not in said


def test_the_log_of_a_service_there_is_not(publish: Publish, open_page: Open) -> None:
    publish(samples.well())
    app = open_page("logs", service="nosuch")
    assert app.selectbox(key="log_service").value is None
    assert "There is no service named “nosuch” with a log." in words_of(app)
    app.selectbox(key="log_service").select("redis").run()
    assert "redis" in app.query_params["service"]
    assert "nosuch" not in words_of(app)


def test_the_address_is_followed_and_written_only_by_a_choice(publish: Publish, open_page: Open) -> None:
    publish(samples.well())
    app = open_page("logs")
    assert "service" not in app.query_params
    app.selectbox(key="log_service").select("redis").run()
    assert "redis" in app.query_params["service"]
    app.query_params["service"] = "db"  # the reader went back
    app.run()
    assert app.selectbox(key="log_service").value == "db"


def test_a_log_that_cannot_be_read_is_not_said_to_be_empty(publish: Publish, open_page: Open) -> None:
    publish(samples.away())
    said = words_of(open_page("logs", service="db"))
    assert "0 lines" not in said
    assert said.count("Docker does not answer") == 1


@pytest.mark.parametrize(("address", "heading"), [("ru", "Журналы"), ("en", "Logs"), ("xx", "Logs")])
def test_the_language_of_the_address(publish: Publish, open_page: Open, address: str, heading: str) -> None:
    publish(samples.well())
    assert open_page("logs", None, language=address).title[0].value == heading
