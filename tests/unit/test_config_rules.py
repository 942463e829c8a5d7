"""What may be saved: every rule, all violations at once, and only for what differs."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from api_sidecar.schemas.config import ConfigBody
from hubcore.config_diff import CHANGED, difference
from hubcore.config_plan import files_of, judge, save_steps
from hubcore.config_request import read_change
from hubcore.config_rules import Edit, Files, check, notes, shown_variables
from hubcore.errors import FileRefused
from hubcore.masking import MASK
from hubcore.models import ConfigChange, ServiceState, text

FILES = Files("env/a.env", ("conf/a.yml", "conf/a.json", "conf/a.conf"))
LONG = "x" * 1001
STORED = {
    "env/a.env": f"A=1\nAPI_KEY=sk\nURL=redis://:pw@h\nLONG={LONG}\nPATH=/bin\nexport E=1\nÄ=\udce4\n_X=1\n"
    'M="a\nN=b"\n',
    "conf/a.yml": "a: 1\nrun: sudo\n",
    "conf/a.conf": "",
}


def judged(env: dict[str, str] | None = None, files: dict[str, str] | None = None) -> tuple[Edit, list[str]]:
    edit, errors = check(FILES, STORED, ConfigChange(env_vars=env or {}, config_files=files or {}))
    return edit, [error.english() for error in errors]


def test_what_was_shown_and_comes_back_changes_nothing() -> None:
    shown = shown_variables(STORED["env/a.env"])
    assert shown["API_KEY"] == MASK and shown["URL"] == f"redis://:{MASK}@h" and shown["Ä"] == "\ufffd"
    edit, errors = judged(shown, {"conf/a.yml": STORED["conf/a.yml"], "conf/a.conf": "\n"})
    assert (edit, errors) == (Edit({}, {}), [])
    assert edit.contents(FILES, STORED) == {}


@pytest.mark.parametrize(
    ("env", "changed"),
    [
        ({"A": "2"}, {"A": "2"}),
        ({"A": " 1\t"}, {}),
        ({"NEW": "x"}, {"NEW": "x"}),
        ({"NEW": ""}, {"NEW": ""}),
        ({"export E": "2"}, {"export E": "2"}),
        ({"_NEW": "x"}, {}),
        ({"_X": "2"}, {"_X": "2"}),
        ({"URL": f"redis://:{MASK}@other"}, {"URL": "redis://:pw@other"}),
        ({"a.b-c_1": "x=y;$z|`&"}, {"a.b-c_1": "x=y;$z|`&"}),
        ({"A": "x" * 1000, "B" * 100: ""}, {"A": "x" * 1000, "B" * 100: ""}),
        ({"A": "tab\tinside"}, {"A": "tab\tinside"}),
        ({"LONG": LONG[:-1]}, {"LONG": LONG[:-1]}),
    ],
)
def test_variables_that_can_be_saved(env: dict[str, str], changed: dict[str, str]) -> None:
    edit, errors = judged(env)
    assert errors == []
    assert edit.env == changed


@pytest.mark.parametrize(
    ("env", "word"),
    [
        ({"": "x"}, "no name"),
        ({"B" * 101: "x"}, "longer than 100"),
        ({"A": LONG}, "longer than 1000"),
        ({"LONG": LONG + "y"}, "longer than 1000"),
        ({"PATH": "/x"}, "needs its own"),
        *[({name: "x"}, "needs its own") for name in ("HOME", "USER", "SHELL")],
        *[({f"A{sign}": "x"}, "not allowed") for sign in "$`;|&"],
        ({"A=B": "x"}, "equals sign"),
        ({"A B": "x"}, "blank"),
        ({" A": "x"}, "blank"),
        ({"A\tB": "x"}, "blank"),
        ({"A\u00a0B": "x"}, "blank"),
        ({"1A": "x"}, "digit"),
        ({"Ä": "x", "É": "x"}, "letters"),
        ({"A/B": "x"}, "letters"),
        *[({"A": f"x{sign}y"}, "line break") for sign in "\n\r\x00\x0b\x0c\x1c\x85\u2028\u2029\x1b\x7f"],
        ({"A": "x\n"}, "line break"),
        ({"A\nB": "x"}, "line break"),
        ({"_X\n": "x"}, "line break"),
        ({"A": "\ud800"}, "control"),
        ({"API_KEY": f"{MASK}x"}, "asterisks"),
        ({"A": MASK}, "asterisks"),
        ({"N": 'c"'}, "several lines"),
        ({f"K{n}": "x" * 1000 for n in range(500)}, "together"),
    ],
)
def test_variables_that_cannot(env: dict[str, str], word: str) -> None:
    _, errors = judged(env)
    assert len(errors) == 1 and word in errors[0], errors


BAD_FILES: list[tuple[str, str, str]] = [
    *[(path, "x", "not a configuration file") for path in (
        "conf/b.yml", "conf/../conf/a.yml", "./conf/a.yml", "/conf/a.yml", "CONF/A.YML", "conf/a.yml/", "env/a.env",
        "")],
    ("conf/a.conf", "undefined", "undefined"),
    ("conf/a.conf", "  undefined\n", "undefined"),
    ("conf/a.conf", "x" * 100_001, "100000"),
    ("conf/a.conf", "a\x00b", "control"),
    ("conf/a.conf", "a\ud800", "control"),
    ("conf/a.yml", "a: [", "YAML"),
    ("conf/a.json", "{", "JSON"),
    ("conf/a.json", "", "JSON"),
    *[("conf/a.conf", f"x {words} y", "not allowed") for words in (
        "rm -rf", "RM  -RF /", "sudo", "SuDo", "chmod 777", "chmod\t777", "wget", "curl", "exec", "exec:", "(curl)")],
]  # fmt: skip


@pytest.mark.parametrize(("path", "content", "word"), BAD_FILES)
def test_files_that_cannot_be_saved(path: str, content: str, word: str) -> None:
    _, errors = judged(files={path: content})
    assert len(errors) == 1 and word in errors[0], errors


@pytest.mark.parametrize("words", ["executor", "pseudo", "curly", "wgets", "chmod 7770", "farm -rf", "exec_time"])
def test_parts_of_words_are_harmless(words: str) -> None:
    edit, errors = judged(files={"conf/a.conf": words})
    assert errors == [] and edit.files == {"conf/a.conf": words}


def test_all_errors_at_once() -> None:
    change = ConfigChange(
        env_vars={"A B": "1", "PATH": "2"}, config_files={"nope": "", "conf/a.yml": "["}, problems=(text("first"),)
    )
    _, errors = check(FILES, STORED, change)
    assert len(errors) == 5 and errors[0].template == "first"
    assert (
        check(Files(None, ()), {}, ConfigChange(env_vars={"A": "1"}))[1][0].english().startswith("This service has no")
    )
    assert check(Files(None, ()), {}, ConfigChange())[1] == ()


def test_thousands_of_errors_are_counted_only() -> None:
    _, errors = judged({f"{number}": "x" for number in range(1000)})
    assert len(errors) == 51 and errors[-1] == "There are 950 more."


def test_notes() -> None:
    change = ConfigChange(env_vars={"_NEW": "1", "_X": "2", "Q": '"open'})
    edit, _ = check(FILES, STORED, change)
    assert [note.params["name"] for note in notes(FILES, STORED, change, edit)] == ["_NEW", "Q"]


def test_new_contents_keep_the_bytes_that_are_no_text() -> None:
    edit, _ = judged({"A": "2"})
    new = edit.contents(FILES, STORED)["env/a.env"]
    assert new.encode("utf-8", "surrogateescape") == STORED["env/a.env"].replace("A=1", "A=2", 1).encode(
        "utf-8", "surrogateescape"
    )


def test_files_that_cannot_be_used_are_errors_only_where_they_are_touched() -> None:
    problem = {"conf/a.yml": FileRefused(text("a link")), "env/a.env": FileRefused(text("no right"))}
    touched = judge(FILES, {}, problem, ConfigChange(env_vars={"A": "1"}, config_files={"conf/a.yml": "a: 2"}))[1]
    assert {error.template for error in touched} == {"a link", "no right"}
    assert judge(FILES, {}, problem, ConfigChange(config_files={"conf/a.conf": "x"}))[1] == ()


def test_the_difference_shows_no_secret() -> None:
    before = "A=1\nKEY=s-old\nURL=r://u:s-one@h/\nX=y\n"
    after = "A=2\nKEY=s-new\nURL=r://u:s-two@h/\nX=y\n"
    shown = difference({"e": before, "c": "x\n"}, {"e": after, "c": "z\n"}, "e")
    assert "-A=1" in shown and "+A=2" in shown and "-x" in shown and "+z" in shown
    assert f"+KEY={MASK}{CHANGED}" in shown and f"+URL=r://u:{MASK}@h/{CHANGED}" in shown
    assert not any(secret in shown for secret in ("s-old", "s-new", "s-one", "s-two"))
    assert difference({"e": before}, {"e": before}, "e") == ""
    assert len(difference({"c": ""}, {"c": "x\n" * 50_000}, None)) < 25_000


def test_steps_of_saving() -> None:
    state = ServiceState(name="nginx", title="nginx", description="", kind="nginx")
    edit = Edit({}, {"conf/nginx/nginx.conf": "x"})
    assert [s.key for s in save_steps(state, edit, restart=False)] == ["check", "backup", "test", "write"]
    every = save_steps(state, edit, restart=True)
    assert [s.key for s in every] == ["check", "backup", "test", "write", "recreate", "wait", "restore"]
    other = state.model_copy(update={"kind": "redis"})
    assert "test" not in [s.key for s in save_steps(other, edit, restart=True)]


def test_files_of_a_service_nobody_has_seen_yet() -> None:
    assert files_of("litellm", None) == Files("env/litellm.env", ("conf/litellm/litellm_config.yaml",))
    assert files_of("nginx", None).env is None


REQUESTS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    (
        {"env_vars": {"A": "1"}, "config_files": {"p": "x", "q": {"content": "y", "more": 1}}, "restart_service": True},
        True,
    ),
    ({"restart_service": None, "other": 1}, True),
    ({"version": "abc"}, True),
    ({"env_vars": []}, False),
    ({"env_vars": None}, False),
    ({"env_vars": {"A": 1}}, False),
    ({"env_vars": {"A": None}}, False),
    ({"config_files": "x"}, False),
    ({"config_files": {"p": None}}, False),
    ({"config_files": {"p": {"content": 1}}}, False),
    ({"config_files": {"p": {}}}, False),
    ({"restart_service": "true"}, False),
    ({"restart_service": 1}, False),
    ({"version": 1}, False),
]


@pytest.mark.parametrize(("body", "good"), REQUESTS)
def test_a_request_is_read_as_its_model_says(body: dict[str, Any], good: bool) -> None:
    change = read_change(body)
    assert (not change.problems) == good
    try:
        ConfigBody.model_validate(body)
    except ValidationError:
        assert not good
    else:
        assert good


def test_reading_a_request() -> None:
    change = read_change({"config_files": {"p": "x", "q": {"content": "y"}, "r": 1}, "env_vars": {"A": "1"}}, "v")
    assert change.config_files == {"p": "x", "q": "y"} and change.env_vars == {"A": "1"}
    assert (change.restart, change.version, len(change.problems)) == (False, "v", 1)
    assert read_change({"version": "mine"}, "header").version == "mine"
