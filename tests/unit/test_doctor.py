"""What the doctor finds, on folders, ports and a Docker address of the test's own."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from hubcore import doctor, listening
from hubcore.__main__ import app
from hubcore.adapters import ports
from hubcore.adapters.tokenfile import TokenFile
from hubcore.console import address, language_of
from hubcore.doctor import Finding, Level
from hubcore.roles import Role
from hubcore.settings import Settings, load_settings
from hubcore.tokens import issue


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/there-is-no-engine.sock")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("LANG", "C")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path / "no.env")


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in doctor.examine(settings)}


def test_every_check_has_a_result_and_every_trouble_a_remedy(settings: Settings) -> None:
    results = list(doctor.examine(settings))
    assert [r.name for r in results] == [
        "python", "clock", "settings", "state", "space", "stack", "engine", "compose", "access", "api_port", "ui_port",
    ]  # fmt: skip
    for result in results:
        assert result.text.english()
        assert (result.level is Level.OK) or result.remedy is not None, result.name


def test_no_engine_is_a_problem_and_no_compose_file_is_not(settings: Settings) -> None:
    results = found(settings)
    assert results["engine"].level is Level.PROBLEM
    assert results["stack"].level is Level.ATTENTION


def test_the_stack_is_counted(settings: Settings, stack_dir: Path) -> None:
    (stack_dir / "compose.yml").write_text("name: mine\nservices: {a: {image: x}, b: {image: y}}\n", encoding="utf-8")
    result = found(settings)["stack"]
    assert result.level is Level.OK
    assert "2 services of the project “mine”" in result.text.english()
    (stack_dir / "compose.yml").write_text("services: [", encoding="utf-8")
    assert found(settings)["stack"].level is Level.ATTENTION


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_state_folder_becomes_private(settings: Settings, state_dir: Path) -> None:
    state_dir.mkdir(mode=0o755)
    assert found(settings)["state"].level is Level.OK
    assert state_dir.stat().st_mode & 0o777 == 0o700


def test_a_state_folder_that_cannot_be_made(state_dir: Path, settings: Settings) -> None:
    state_dir.write_text("a file", encoding="utf-8")
    result = found(settings)["state"]
    assert result.level is Level.PROBLEM
    assert "DASHBOARD_STATE_DIR" in (result.remedy.english() if result.remedy else "")


def test_a_misspelt_setting_is_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_API_PROT", "1")
    monkeypatch.setenv("DASHBOARD_SUPERVISED", "1")
    result = found(settings)["settings"]
    assert result.level is Level.ATTENTION
    assert "DASHBOARD_API_PROT" in result.text.english()
    assert result.remedy is not None
    assert "DASHBOARD_API_PORT" in result.remedy.english()


def test_a_taken_port_names_the_program_and_the_setting(settings: Settings) -> None:
    with socket.socket() as listener:
        listener.bind((settings.api_host, settings.api_port))
        listener.listen()
        result = found(settings)["api_port"]
        assert result.level is Level.PROBLEM
        assert f"process {os.getpid()}" in result.text.english()
        assert result.remedy is not None
        assert "DASHBOARD_API_PORT" in result.remedy.english()
        holder = ports.holder_of(settings.api_port)
        assert holder is not None
        assert holder.pid == os.getpid()
    assert found(settings)["api_port"].level is Level.OK


@pytest.mark.parametrize(
    ("fields", "tokens", "level", "words", "remedy"),
    [
        ({}, 0, Level.OK, "from this machine only", ""),
        ({"require_token": True}, 1, Level.OK, "from this machine only", ""),
        ({"require_token": True}, 0, Level.ATTENTION, "there is none", "token create"),
        ({"allowed_hosts": ("hub.lan",)}, 0, Level.ATTENTION, "hub.lan", "DASHBOARD_REQUIRE_TOKEN"),
        ({"allowed_hosts": ("hub.lan",), "require_token": True}, 1, Level.OK, "from this machine only", ""),
        ({"api_host": "0.0.0.0"}, 0, Level.PROBLEM, "DASHBOARD_API_HOST", "does not start"),
        ({"api_host": "0.0.0.0"}, 1, Level.ATTENTION, "no name", "DASHBOARD_ALLOWED_HOSTS"),
        ({"api_host": "0.0.0.0", "allowed_hosts": ("hub.lan",)}, 2, Level.ATTENTION, "one of 2 tokens", "TLS"),
        ({"api_host": "192.0.2.1"}, 1, Level.ATTENTION, "192.0.2.1", "TLS"),
    ],
)
def test_who_could_reach_the_api(
    settings: Settings, fields: dict[str, object], tokens: int, level: Level, words: str, remedy: str
) -> None:
    for number in range(tokens):
        made = issue(f"token {number}", Role.ADMIN, time.time()).token
        TokenFile(settings.state_dir).change(lambda known, made=made: [*known, made])
    result = doctor._exposure(settings.model_copy(update=fields))
    assert result.level is level
    assert words in result.text.english()
    assert remedy in (result.remedy.english() if result.remedy else "")


def test_a_damaged_list_of_tokens_is_a_problem(settings: Settings) -> None:
    settings.state_dir.mkdir()
    (settings.state_dir / "tokens.json").write_text("{")
    result = doctor._exposure(settings)
    assert result.level is Level.PROBLEM
    assert result.remedy is not None and "tokens.json" in result.remedy.english()


@pytest.mark.parametrize(
    ("host", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("[::]", "::1"), ("192.0.2.1", "192.0.2.1"), ("hub.lan", "hub.lan")],
)
def test_how_an_address_is_reached_from_here(host: str, reached: str) -> None:
    assert listening.reachable(host) == reached


def test_a_foreign_address_is_no_taken_port() -> None:
    trouble = listening.trouble_with("192.0.2.1", 8080)  # an address for documentation: never this machine's
    assert trouble is not None
    assert not listening.is_taken(trouble)
    message, remedy = doctor.port_trouble("ui_port", "192.0.2.1", 8080, trouble)
    assert "192.0.2.1:8080 cannot be used" in message.english()
    assert "DASHBOARD_UI_PORT" in remedy.english()


def test_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "DASHBOARD_STACK_DIR" in result.stdout
    as_json = orjson.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert as_json["ok"] is False
    assert {check["name"]: check["level"] for check in as_json["checks"]}["engine"] == "problem"


def test_command_line_with_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_UI_PORT", "many")
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 1
    checks = orjson.loads(result.stdout)["checks"]
    assert [check["name"] for check in checks] == ["settings"]
    assert "DASHBOARD_UI_PORT" in checks[0]["text"]


@pytest.mark.parametrize("command", ["up", "collect"])
def test_a_wrong_setting_is_one_line_and_exit_code_2(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("DASHBOARD_UI_PORT", "many")
    result = CliRunner().invoke(app, [command])
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "DASHBOARD_UI_PORT" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("setting", "variables", "language"),
    [
        ("ru", {"LANG": "en_US.UTF-8"}, "ru"),
        (None, {"LANG": "ru_RU.UTF-8"}, "ru"),
        (None, {"LC_ALL": "C", "LANG": "ru_RU.UTF-8"}, "en"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        (None, {}, "en"),
    ],
)
def test_language_of_the_terminal(
    settings: Settings, setting: str | None, variables: dict[str, str], language: str
) -> None:
    assert language_of(settings.model_copy(update={"language": setting}), variables) == language


def test_addresses_for_a_browser() -> None:
    assert address("127.0.0.1", 5002) == "http://127.0.0.1:5002"
    assert address("::1", 5002) == "http://[::1]:5002"
