"""How the pages call what is being done, what came of it, and what it does to people."""

from __future__ import annotations

from pathlib import Path

import pytest

import hubcore
from hubcore.models import Operation, OperationKind, OperationStatus, Step, StepStatus, Text, text
from hubcore.texts import Translator
from tests.pages import samples
from ui import browser, progress, words
from ui.judge import doing


def operation(status: OperationStatus, kind: OperationKind = OperationKind.RESTART, **more: object) -> Operation:
    fields: dict[str, object] = {"id": "1", "kind": kind, "services": ("db",), "status": status}
    return Operation.model_validate(fields | more)


def steps(*made: tuple[StepStatus, float | None]) -> tuple[Step, ...]:
    return tuple(
        Step(service=f"s{number}", text=text("Restart {service}"), status=status, share=share)
        for number, (status, share) in enumerate(made)
    )


WAITING, RUNNING, DONE, FAILED = StepStatus.WAITING, StepStatus.RUNNING, StepStatus.DONE, StepStatus.FAILED


def test_the_bar_moves_as_soon_as_a_step_has_begun_and_follows_its_share() -> None:
    def share(*made: tuple[StepStatus, float | None]) -> float:
        return progress.share(operation(OperationStatus.RUNNING, steps=steps(*made)))

    assert share((WAITING, None), (WAITING, None)) == 0
    assert 0 < share((RUNNING, None), (WAITING, None)) < share((DONE, None), (WAITING, None)) == 0.5
    assert share((RUNNING, 0.8)) == 0.8
    assert share((DONE, None), (StepStatus.SKIPPED, None), (FAILED, None)) == 1.0
    assert progress.share(operation(OperationStatus.QUEUED)) == 0


MANY = tuple(f"s{number}" for number in range(14))
TITLES = [
    ("en", operation(OperationStatus.RUNNING), "Restarting: PostgreSQL"),
    ("ru", operation(OperationStatus.RUNNING, services=MANY, scope="all"), "Перезапускаем все службы"),
    ("ru", operation(OperationStatus.SUCCEEDED, services=MANY, scope="all"), "Все 14 служб перезапущены."),
    ("en", operation(OperationStatus.SUCCEEDED, services=MANY, scope="all"), "All 14 services were restarted."),
    ("ru", operation(OperationStatus.SUCCEEDED, services=MANY[:4], scope="several"), "Перезапущены 4 службы"),
    ("en", operation(OperationStatus.RUNNING, services=MANY[:5], scope="several"), "Restarting 5 services"),
    ("ru", operation(OperationStatus.FAILED), "Не удалось перезапустить: PostgreSQL"),
    (
        "en",
        operation(OperationStatus.FAILED, services=MANY, scope="all", steps=steps((DONE, None), (FAILED, None))),
        "Could not restart: s1",
    ),
    (
        "en",
        operation(OperationStatus.RUNNING, OperationKind.PULL_MODEL, subject="a:b", services=("ollama",)),
        "Downloading the model a\\:b",
    ),
    ("ru", operation(OperationStatus.FAILED, OperationKind.CONFIGURE), "Не удалось сохранить настройки: PostgreSQL"),
]


@pytest.mark.parametrize(("language", "one", "title"), TITLES)
def test_how_an_operation_is_called(language: str, one: Operation, title: str) -> None:
    assert progress.title(one, {"db": "PostgreSQL"}, Translator(language)) == title


def test_every_kind_of_operation_has_a_name_in_every_state() -> None:
    for kind in OperationKind:
        said = {progress.title(operation(status, kind), {}, Translator("en")) for status in OperationStatus}
        assert len(said) == 3, kind


def test_what_is_being_done_is_known_by_the_newest_open_operation() -> None:
    newest = [
        operation(OperationStatus.RUNNING, OperationKind.STOP, services=("db",)),
        operation(OperationStatus.SUCCEEDED, OperationKind.START, services=("db", "redis")),
        operation(OperationStatus.QUEUED, OperationKind.RESTART, services=("tika",)),
    ]
    assert doing(newest) == {"db": OperationKind.STOP, "tika": OperationKind.RESTART}


def test_causes_that_repeat_the_state_are_those_the_core_gives() -> None:
    source = (Path(hubcore.__file__).parent / "health.py").read_text()
    for template in words._REPEATED:
        assert f'"{template}"' in source
        assert not words.worth_saying(Text(template=template))
    assert not words.worth_saying(None)
    assert words.worth_saying(text("{service} is paused.", service="x"))


def test_of_many_services_the_harm_is_told_without_contradictions() -> None:
    def kinds(*names: str) -> list[str]:
        return [one.kind for one in words.harmed([samples.service(name, name) for name in names])]

    assert kinds("tika", "litellm", "nginx") == ["nginx", "litellm", "tika"]
    assert kinds("litellm", "openwebui", "ollama", "db") == ["db", "openwebui"]  # the chat is closed: no “chats open”
    assert kinds("notes") == []


def test_scripts_of_the_browser_hold_constants_only() -> None:
    for language, script in {**browser.SCRIPTS, **browser.REMEMBER}.items():
        assert "%(" not in script and script.count("<script>") == script.count("</script>") == 1, language
    assert "hub-language=ru" in browser.REMEMBER["ru"] and "'Работает'" not in browser.SCRIPTS["en"]
