"""docs/settings.md and the settings are the same thing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from hubcore.settings import PREFIX, SUPERVISED, Settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
ROWS = {
    name: (default.strip(), meaning.strip())
    for name, default, meaning in re.findall(r"^\| `(DASHBOARD_\w+)` \| (.*?) \| (.*?) \|$", DOCUMENT, re.MULTILINE)
}
FIELDS = {PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}
IN_WORDS = {f"{PREFIX}STACK_DIR": "the current directory", f"{PREFIX}STATE_DIR": "the platform's folder"}
IN_WORDS[f"{PREFIX}ENV_FILE"] = "`.env` beside the program"


def written(field: FieldInfo) -> str:
    """A default as the document writes it."""
    value = field.default
    if value is None:
        return "none"
    if value == ():
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert sorted(ROWS) == sorted(FIELDS)
    assert DOCUMENT.count("| `DASHBOARD_") == len(ROWS), "a setting stands twice"


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_default_and_meaning(name: str) -> None:
    default, meaning = ROWS[name]
    if name in IN_WORDS:
        assert default.startswith(IN_WORDS[name])
    else:
        assert default == written(FIELDS[name])
    described = re.split(r"\W+", FIELDS[name].description or "")
    told = re.split(r"\W+", meaning)
    assert described[:4] == told[:4], "the description in settings.py says something else"


@pytest.mark.parametrize(
    "path", [p.relative_to(ROOT).as_posix() for p in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))]
)
def test_documents_name_only_settings_that_exist(path: str) -> None:
    named = set(re.findall(r"\bDASHBOARD_[A-Z][A-Z_]*[A-Z]\b", (ROOT / path).read_text(encoding="utf-8")))
    assert named - FIELDS.keys() - {SUPERVISED} == set()


def test_the_code_names_only_settings_that_exist() -> None:
    known = FIELDS.keys() | {SUPERVISED}
    wrong = {}
    for package in ("hubcore", "api_sidecar", "ui", "pages"):
        for path in (ROOT / package).rglob("*.py"):
            named = set(re.findall(r"\bDASHBOARD_[A-Z][A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))
            if named - known:
                wrong[path.name] = named - known
    assert wrong == {}
