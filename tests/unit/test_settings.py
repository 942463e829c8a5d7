"""Settings: defaults, sources, and what is said about a wrong value."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubcore.errors import SettingsError
from hubcore.origins import is_loopback
from hubcore.settings import Settings, default_state_dir, env_file_path, load_settings


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATE_DIR", "STACK_DIR", "API_PORT", "UI_PORT"):
        monkeypatch.delenv(f"DASHBOARD_{name}")
    return tmp_path / "env"


def test_nothing_set(env_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(env_file)
    assert (settings.api_host, settings.api_port, settings.ui_port) == ("127.0.0.1", 5002, 8501)
    assert settings.stack_dir == tmp_path.resolve()
    assert settings.state_dir == default_state_dir(tmp_path.resolve())
    assert settings.docker_compose_file == "compose.local.yml"
    assert not settings.compose_file_is_explicit


def test_environment_beats_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text(
        "# a comment\nDASHBOARD_API_PORT=6000\nDASHBOARD_UI_PORT='6001'\nexport DASHBOARD_LANGUAGE=ru\nOTHER=1\n"
        "DASHBOARD_DOCKER_COMPOSE_FILE=my.yml\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("DASHBOARD_API_PORT", "7000")
    settings = load_settings(env_file)
    assert (settings.api_port, settings.ui_port, settings.language) == (7000, 6001, "ru")
    assert settings.compose_file_is_explicit


def test_the_environment_may_name_another_file_or_none(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    beside = tmp_path / "program"
    beside.mkdir()
    monkeypatch.setattr("hubcore.settings.PROGRAM_DIR", beside)
    (beside / ".env").write_text("DASHBOARD_API_PORT=6000\nDASHBOARD_ENV_FILE=ignored.env\n", encoding="utf-8")
    (beside / "other.env").write_text("DASHBOARD_API_PORT=6001\n", encoding="utf-8")
    monkeypatch.delenv("DASHBOARD_ENV_FILE")
    assert load_settings().api_port == 6000
    for name in ("other.env", str(beside / "other.env"), " other.env "):  # relative to the program, wherever it starts
        monkeypatch.setenv("DASHBOARD_ENV_FILE", name)
        assert load_settings().api_port == 6001
    monkeypatch.setenv("DASHBOARD_ENV_FILE", "")
    assert load_settings().api_port == 5002
    for name in ("missing.env", str(beside)):
        monkeypatch.setenv("DASHBOARD_ENV_FILE", name)
        with pytest.raises(SettingsError, match=r"DASHBOARD_ENV_FILE.*no such file"):
            load_settings()


def test_tests_do_not_see_the_file_beside_the_program() -> None:
    assert env_file_path() is None


def test_an_empty_value_is_the_default(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_API_PORT", "")
    monkeypatch.setenv("DASHBOARD_PROJECT", "")
    settings = load_settings(env_file)
    assert settings.api_port == 5002
    assert settings.project is None


def test_lists_and_case(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_ALLOWED_ORIGINS", " https://One.example/ ,,null,")
    monkeypatch.setenv("DASHBOARD_ALLOWED_HOSTS", "Hub.Local")
    monkeypatch.setenv("DASHBOARD_LOG_LEVEL", "debug")
    monkeypatch.setenv("DASHBOARD_DEBUG_MODE", "TRUE")
    settings = load_settings(env_file)
    assert settings.allowed_origins == ("https://one.example", "null")
    assert settings.allowed_hosts == ("hub.local",)
    assert settings.log_level == "DEBUG"
    assert settings.debug_mode is True


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("API_PORT", "abc", "integer"),
        ("API_PORT", "70000", "65535"),
        ("UI_PORT", "0", "1"),
        ("HEALTH_CHECK_TIMEOUT", "-1", "0"),
        ("COLLECT_INTERVAL", "soon", "number"),
        ("COLLECT_INTERVAL", "0.5", None),
        ("LOG_LEVEL", "LOUD", "WARNING"),
        ("LANGUAGE", "de", "ru"),
        ("DEBUG_MODE", "perhaps", "boolean"),
        ("PROJECT", "Not Allowed", "pattern"),
        ("API_HOST", "http://0.0.0.0", "0.0.0.0"),
        ("API_HOST", "0.0.0.0", None),
        ("API_HOST", "hub.lan", None),
        ("ALLOWED_HOSTS", "hub.lan, http://other.lan", "hub.example.org"),
        ("ALLOWED_ORIGINS", "hub.lan", "https://hub.example.org"),
        ("ALLOWED_ORIGINS", "*", "https://hub.example.org"),
        ("ALLOWED_ORIGINS", "evil.com", "https://hub.example.org"),
        ("ALLOWED_HOSTS", "*", "hub.example.org"),
        ("ALLOWED_HOSTS", "hub.*", "hub.example.org"),
        ("REQUIRE_TOKEN", "maybe", "boolean"),
        ("UI_PORT", "5002", "DASHBOARD_API_PORT"),
        ("COLLECT_INTERVAL", "0.001", "0.5"),
        ("PROBE_INTERVAL", "0.49", "0.5"),
        ("PROBE_INTERVAL", "nan", "86400"),
        ("CACHE_CLEANUP_INTERVAL", "0.1", "0.5"),
        ("CACHE_SYSTEM_METRICS_TTL", "0.1", "0.5"),
        ("CACHE_SERVICE_HEALTH_TTL", "0", "0.5"),
        ("STATE_DIR", "~no-such-user-here/x", "folder"),
        ("STACK_DIR", "~no-such-user-here/x", "folder"),
        ("STATE_DIR", "/" + "x" * 5000, None),
        ("UI_HOST", "::1%lo", "127.0.0.1 or ::1"),
        ("UI_HOST", "127.0.0.1:8501", "127.0.0.1 or ::1"),
        ("UI_HOST", "[::1]:8501", "127.0.0.1 or ::1"),
        ("API_HOST", "[::1]:5002", "::1"),
        ("API_HOST", "fe80::1%eth0", "::1"),
        ("UI_HOST", "0.0.0.0", "SSH tunnel"),
        ("UI_HOST", "192.168.1.5", "127.0.0.1"),
        ("API_HOST", "::1", None),
        ("UI_HOST", "localhost", None),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, hint: str | None
) -> None:
    monkeypatch.setenv(f"DASHBOARD_{name}", value)
    if hint is None:
        load_settings(env_file)
        return
    with pytest.raises(SettingsError) as caught:
        load_settings(env_file)
    said = caught.value.text.english()
    assert f"DASHBOARD_{name}" in said
    assert f"“{value}”" in said
    assert hint in said
    assert "\n" not in said


def test_keys_are_never_shown(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_LITELLM_API_KEY", "sk-very-secret")
    settings = load_settings(env_file)
    assert settings.litellm_api_key == "sk-very-secret"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("localhost", True), ("LocalHost", True), ("::1", True), ("[::1]", True),
     ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("example.org", False), ("localhost.evil.example", False)],
)  # fmt: skip
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_settings_cannot_be_changed(env_file: Path) -> None:
    settings = load_settings(env_file)
    with pytest.raises(ValueError, match="frozen"):
        settings.api_port = 1
    assert isinstance(settings, Settings)


@pytest.mark.parametrize("name", ["UI_HOST", "API_HOST"])
@pytest.mark.parametrize("value", ["[::1]", "::1"])
def test_brackets_around_an_address_do_not_matter(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"DASHBOARD_{name}", value)
    assert getattr(load_settings(env_file), name.lower()) == "::1"


def test_one_port_for_both_is_refused_whichever_was_set(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_API_PORT", "8501")
    with pytest.raises(SettingsError, match="DASHBOARD_UI_PORT"):
        load_settings(env_file)


def test_without_a_home_or_a_current_directory(env_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(SettingsError, match="DASHBOARD_STACK_DIR"):
        load_settings(env_file)
    monkeypatch.chdir(tmp_path)

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", nobody)
    with pytest.raises(SettingsError, match="DASHBOARD_STATE_DIR"):
        load_settings(env_file)


def test_an_env_file_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("~no-such-user-here/env", "x" * 5000):
        monkeypatch.setenv("DASHBOARD_ENV_FILE", value)
        with pytest.raises(SettingsError, match="no such file"):
            load_settings()
