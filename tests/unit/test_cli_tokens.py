"""`python -m hubcore token …`"""

from __future__ import annotations

import getpass
import re
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result
from typer.testing import CliRunner

from hubcore.__main__ import app
from hubcore.adapters.auditlog import AuditLog
from hubcore.adapters.tokenfile import TokenFile
from hubcore.tokens import find

FORM = re.compile(r"hub_[0-9a-f]{8}_[A-Za-z0-9_-]{43}\n")


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["token", *arguments])


def events(state_dir: Path) -> list[dict[str, Any]]:
    return AuditLog(state_dir / "logs" / "security.log").newest(100)


def test_create_list_revoke(state_dir: Path) -> None:
    made = run("create", "backup script", "--role", "operator", "--expires", "90d")
    assert made.exit_code == 0
    assert FORM.fullmatch(made.stdout), "only the token, so that it can be piped"
    assert "not shown again" in made.stderr
    file = TokenFile(state_dir)
    token = find(made.stdout.strip(), file.tokens())
    assert token is not None and (token.name, token.role) == ("backup script", "operator")
    assert token.expires_at is not None and abs(token.expires_at - time.time() - 90 * 86400) < 60
    listed = run("list")
    assert all(word in listed.stdout for word in (token.id, "backup script", "operator"))
    assert made.stdout.strip() not in listed.stdout and token.digest not in listed.stdout
    (row,) = orjson.loads(run("list", "--json").stdout)["tokens"]
    assert row.keys() == {"id", "name", "role", "created_at", "expires_at", "expired", "last_used_at"}
    assert (row["role"], row["expired"], row["last_used_at"]) == ("operator", False, None)
    assert run("revoke", token.id).exit_code == 0
    assert file.tokens() == ()
    assert run("revoke", token.id).exit_code == 1
    assert "token create" in run("list").stdout


def test_a_token_is_revoked_by_its_name_and_without_expiry_lasts(state_dir: Path) -> None:
    run("create", "one", "--role", "admin")
    run("create", "two", "--role", "viewer")
    assert run("revoke", "ONE").exit_code == 0
    (left,) = TokenFile(state_dir).tokens()
    assert (left.name, left.expires_at) == ("two", None)


def test_the_audit_log_knows_who_and_never_the_token(state_dir: Path) -> None:
    secret = run("create", "one", "--role", "admin").stdout.strip()
    run("revoke", "one")
    revoked, created = events(state_dir)
    assert (created["event_type"], revoked["event_type"]) == ("token_created", "token_revoked")
    assert created["details"] == {"id": secret[4:12], "name": "one", "role": "admin", "expires": "never"}
    assert {e["via"] for e in (created, revoked)} == {"cli"}
    assert created["user"] == getpass.getuser()
    everything = b"".join(path.read_bytes() for path in state_dir.rglob("*") if path.is_file())
    assert secret.split("_", 2)[2].encode() not in everything


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["create", "one", "--role", "king"], 2, "king"),
        (["create", "one"], 2, "role"),
        (["create", "local", "--role", "admin"], 1, "cannot be the name"),
        (["create", "a\nb", "--role", "admin"], 1, "cannot be the name"),
        (["create", "one", "--role", "admin", "--expires", "soon"], 1, "90d"),
        (["revoke", "nobody"], 1, "token list"),
    ],
)
def test_what_cannot_be_done_is_said(state_dir: Path, arguments: list[str], code: int, hint: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
    assert TokenFile(state_dir).tokens() == ()
    assert events(state_dir) == []


def test_a_damaged_list_is_not_written_over(state_dir: Path) -> None:
    run("create", "one", "--role", "admin")
    (state_dir / "tokens.json").write_text("{")
    for arguments in (["create", "two", "--role", "admin"], ["list"], ["revoke", "one"]):
        done = run(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert "tokens.json" in done.stderr
    assert (state_dir / "tokens.json").read_text() == "{"


def test_a_state_folder_that_cannot_be_used(state_dir: Path) -> None:
    state_dir.write_text("a file")
    done = run("create", "one", "--role", "admin")
    assert done.exit_code == 1
    assert done.stdout == ""


def test_a_wrong_setting_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_API_PORT", "many")
    done = run("list")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1


def test_up_refuses_to_listen_beyond_loopback_without_a_token(monkeypatch: pytest.MonkeyPatch, state_dir: Path) -> None:
    monkeypatch.setenv("DASHBOARD_API_HOST", "0.0.0.0")
    done = CliRunner().invoke(app, ["up"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "DASHBOARD_API_HOST" in done.stderr and "token create" in done.stderr
    assert not state_dir.exists()
