"""Sentences, numbers, sizes and times in both languages; and that nothing is left untranslated."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

from hubcore.models import text
from hubcore.texts import Translator, catalogue, choose_language, zone_of
from ui import extract

NB = "\u00a0"
NOON = 1_795_176_720.0  # 20 November 2026, 12:12 UTC
EN, RU = Translator("en", "Europe/Moscow"), Translator("ru", "Europe/Moscow")


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_everything_is_translated_and_nothing_is_left_over() -> None:
    assert list(extract.problems("ru")) == [], "run: python -m ui.extract, then translate"


def test_translations_have_the_fields_of_the_original() -> None:
    for message in extract.load("ru"):
        if not message.id:
            continue
        originals = message.id if isinstance(message.id, (list, tuple)) else (message.id,)
        translated = message.string if isinstance(message.string, (list, tuple)) else (message.string,)
        wanted = set().union(*(fields(original) for original in originals))
        for sentence in translated:
            assert fields(sentence) == wanted, message.id


def test_plurals_have_the_three_russian_forms() -> None:
    for message in extract.load("ru"):
        if isinstance(message.id, (list, tuple)):
            assert len(message.string) == 3, message.id


def test_sentences_are_constants() -> None:
    """A sentence put together at run time could never be translated."""
    for path in extract.source_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
                "t",
                "n",
                "text",
            ):
                for argument in node.args[:1]:
                    assert not isinstance(argument, (ast.JoinedStr, ast.BinOp)), f"{path}:{node.lineno}"


def test_the_checker_finds_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text('t("Hello")\nn("{count} cat", "{count} cats", 3)\nst.text(f"{x}")\n')
    folder = tmp_path / "locales" / "ru" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "hub.po").write_text(
        'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=3; plural=0;\\n"\n\nmsgid "Old"\nmsgstr "Старое"\n'
    )
    found = "\n".join(extract.problems("ru", tmp_path))
    assert "'Hello'" in found and "cats" in found and "not used any more: 'Old'" in found
    extract.update("ru", tmp_path)
    assert "Old" not in "\n".join(extract.problems("ru", tmp_path))
    assert "'Hello'" in "\n".join(extract.problems("ru", tmp_path))


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        ((None, "ru-RU"), "ru"),
        (("ru_RU",), "ru"),
        (("de-DE", "ru"), "ru"),
        (("fr", None), "en"),
        ((), "en"),
        (("EN",), "en"),
    ],
)
def test_choice_of_language(wishes: tuple[str | None, ...], language: str) -> None:
    assert choose_language(*wishes) == language


def test_unknown_zones_fall_back() -> None:
    assert zone_of("Europe/Moscow") is not None
    assert zone_of("No/Where") is None
    assert zone_of("../../etc/passwd") is None
    assert zone_of(None) is None


@pytest.mark.parametrize(
    ("count", "russian"),
    [(1, "1 служба"), (2, "2 службы"), (5, "5 служб"), (11, "11 служб"), (21, "21 служба"), (104, "104 службы")],
)
def test_russian_plurals(count: int, russian: str) -> None:
    assert RU.n("{count} service", "{count} services", count) == russian


def test_large_counts_are_grouped() -> None:
    assert EN.n("{count} line", "{count} lines", 3214) == "3,214 lines"
    assert RU.n("{count} line", "{count} lines", 3214) == f"3{NB}214 строк"


def test_texts_of_the_models() -> None:
    assert RU.text(text("{service} is starting.", service="Redis")) == "Служба Redis запускается."
    assert EN.text(text("{count} day", "{count} days", count=3)) == "3 days"
    assert RU.text(text("{count} day", "{count} days", count=3)) == "3 дня"
    assert EN.text(None) == ""
    assert EN.t("No {field} here") == "No … here"
    assert EN.t("Port {port}", port=5432) == "Port 5432"


def test_untrusted_fields_are_not_read_as_templates() -> None:
    assert EN.t("Log of {name}", name="{0.__class__}") == "Log of {0.__class__}"


@pytest.mark.parametrize(
    ("value", "english", "russian"),
    [
        (None, "—", "—"),
        (0, f"0{NB}B", f"0{NB}Б"),
        (999, f"999{NB}B", f"999{NB}Б"),
        (1536, f"1.5{NB}KB", f"1,5{NB}КБ"),
        (18.4 * 1024**3, f"18.4{NB}GB", f"18,4{NB}ГБ"),
        (212 * 1024**3, f"212{NB}GB", f"212{NB}ГБ"),
        (1000 * 1024**2, f"1{NB}GB", f"1{NB}ГБ"),
    ],
)
def test_sizes(value: float | None, english: str, russian: str) -> None:
    assert EN.size(value) == english
    assert RU.size(value) == russian


def test_percentages() -> None:
    assert EN.percent(12.4) == "12%"
    assert RU.percent(98.61, 1) == f"98,6{NB}%"
    assert EN.percent(None) == "—"
    assert RU.rate(2048) == f"2{NB}КБ/с"


@pytest.mark.parametrize(
    ("seconds", "english", "russian"),
    [
        (0.31, f"310{NB}ms", f"310{NB}мс"),
        (4, f"4{NB}s", f"4{NB}с"),
        (720, f"12{NB}minutes", f"12{NB}минут"),
        (3600, f"1{NB}hour", f"1{NB}час"),
        (3 * 86400, f"3{NB}days", f"3{NB}дня"),
    ],
)
def test_durations(seconds: float, english: str, russian: str) -> None:
    assert EN.duration(seconds) == english
    assert RU.duration(seconds) == russian


def test_times_in_the_readers_zone() -> None:
    assert EN.clock(NOON) == "15:12"
    assert Translator("en", "UTC").clock(NOON, seconds=True) == "12:12:00"
    assert RU.moment(NOON, NOON + 60) == "15:12"
    assert RU.moment(NOON, NOON + 86400) == "вчера в 15:12"
    assert RU.moment(NOON, NOON + 5 * 86400) == f"20{NB}ноября, 15:12"
    assert EN.moment(NOON, NOON + 5 * 86400) == f"20{NB}November, 15:12"
    assert EN.moment(NOON, NOON + 400 * 86400) == f"20{NB}November{NB}2026, 15:12"
    assert EN.since(NOON, NOON + 60) == "since 15:12"
    assert RU.since(NOON, NOON + 60) == "с 15:12"
    assert EN.ago(NOON, NOON + 125) == f"2{NB}minutes ago"
    assert RU.ago(NOON, NOON + 61) == f"1{NB}минуту назад"
    assert EN.ago(NOON + 5, NOON) == "just now"


def test_catalogues_are_compiled_once() -> None:
    assert catalogue("ru") is catalogue("ru")
