"""Who a request comes from."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from hubcore.access import Access
from hubcore.adapters.tokenfile import TokenFile
from hubcore.attempts import OVERALL, PER_ADDRESS
from hubcore.errors import SettingsError, TokenRequired, TokensUnreadable, TooManyAttempts
from hubcore.exposure import require_tokens
from hubcore.roles import Principal, Role
from hubcore.settings import Settings
from hubcore.tokens import issue

ANYWHERE = "10.0.0.9"


class Case:
    """Access over real tokens, with a clock of its own."""

    def __init__(self, state_dir: Path, **settings: Any) -> None:
        self.settings = Settings(state_dir=state_dir, **settings)
        self.file = TokenFile(state_dir)
        self.now = float(round(time.time()))  # what is kept is rounded to milliseconds
        self.access = Access(self.settings, self.file, clock=lambda: self.now, monotonic=lambda: self.now)

    def make(self, name: str = "script", role: Role = Role.OPERATOR, life: float | None = None) -> str:
        issued = issue(name, role, self.now, life=life)
        self.file.change(lambda known: [*known, issued.token])
        return issued.secret

    def revoke_all(self) -> None:
        self.file.change(lambda known: [])

    def ask(self, token: str | None = None, address: str = ANYWHERE) -> Principal:
        return self.access.identify(None if token is None else f"Bearer {token}", address)


@pytest.mark.parametrize(
    ("host", "required", "is_open"),
    [("127.0.0.1", False, True), ("::1", False, True), ("localhost", False, True), ("127.0.0.1", True, False),
     ("0.0.0.0", False, False), ("::", False, False), ("192.168.1.5", False, False), ("hub.lan", False, False)],
)  # fmt: skip
def test_who_needs_a_token(state_dir: Path, host: str, required: bool, is_open: bool) -> None:
    case = Case(state_dir, api_host=host, require_token=required)
    assert case.access.needs_token is not is_open
    if is_open:
        assert case.ask() == Principal("local", Role.ADMIN, ANYWHERE)
    else:
        for _ in range(3 * PER_ADDRESS):  # asking without one is no attempt
            with pytest.raises(TokenRequired):
                case.ask()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_token_that_is_sent_always_counts(state_dir: Path, host: str) -> None:
    case = Case(state_dir, api_host=host)
    for role in Role:
        secret = case.make(f"t {role}", role)
        found = case.ask(secret)
        assert (found.name, found.role, found.address) == (f"t {role}", role, ANYWHERE)
        assert found.token is not None and found.token in secret
        assert case.file.last_used(found.token) is not None
    for header in ("", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", f"Token {secret}", secret, f"Bearer {secret}x"):
        with pytest.raises(TokenRequired):
            case.access.identify(header, "10.1.1." + str(len(header) % 250))


def test_revoked_and_expired(state_dir: Path) -> None:
    case = Case(state_dir)
    secret = case.make(life=60)
    principal = case.ask(secret)
    assert case.access.holds(principal)
    case.now += 59
    assert case.ask(secret) == principal
    case.now += 1
    with pytest.raises(TokenRequired, match="“script” has expired"):
        case.ask(secret)
    assert not case.access.holds(principal)
    case.revoke_all()
    with pytest.raises(TokenRequired, match="unknown"):
        case.ask(secret)
    assert not case.access.holds(principal)
    assert case.access.holds(case.ask())


def test_an_expired_token_is_told_to_its_holder_only(state_dir: Path) -> None:
    case = Case(state_dir)
    secret = case.make(life=60)
    case.now += 61
    with pytest.raises(TokenRequired) as refused:
        case.ask(secret[:-2] + "zz")
    assert "script" not in str(refused.value)


def test_a_role_taken_back_ends_what_was_allowed(state_dir: Path) -> None:
    case = Case(state_dir)
    principal = case.ask(case.make(role=Role.ADMIN))
    case.file.change(lambda known: [token.model_copy(update={"role": Role.VIEWER}) for token in known])
    assert not case.access.holds(principal)


def test_wrong_tokens_are_limited_per_address(state_dir: Path) -> None:
    case = Case(state_dir)
    secret = case.make()
    for _ in range(PER_ADDRESS):
        with pytest.raises(TokenRequired):
            case.ask("wrong")
    for attempt in ("wrong", secret):  # this address has to wait, whatever it sends
        with pytest.raises(TooManyAttempts) as refused:
            case.ask(attempt)
        assert 0 < refused.value.wait <= 60
    assert case.ask(secret, "10.0.0.10").name == "script"
    assert case.ask().name == "local"  # without a token nothing is tried
    case.now += refused.value.wait + 0.001
    assert case.ask(secret).name == "script"


def test_wrong_tokens_are_limited_overall_and_right_ones_are_not(state_dir: Path) -> None:
    case = Case(state_dir, api_host="0.0.0.0")
    secret = case.make()
    outcomes = []
    for number in range(OVERALL + 20):
        with pytest.raises((TokenRequired, TooManyAttempts)) as refused:
            case.ask("wrong", f"10.{number}.0.1")
        outcomes.append(refused.type)
    assert set(outcomes[:OVERALL]) == {TokenRequired}
    assert set(outcomes[OVERALL:]) == {TooManyAttempts}
    assert case.ask(secret, "10.250.0.1").name == "script"


def test_a_damaged_file_refuses_every_token_and_says_so_once(state_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    case = Case(state_dir, api_host="0.0.0.0")
    secret = case.make()
    principal = case.ask(secret)
    case.file.path.write_text("{")
    with caplog.at_level(logging.ERROR):
        for _ in range(30):
            with pytest.raises(TokensUnreadable):
                case.ask(secret)
            assert not case.access.holds(principal)
    assert len(caplog.records) == 1
    assert "tokens.json" in caplog.text
    with pytest.raises(TokenRequired):
        case.ask()
    assert secret not in caplog.text


def test_no_token_in_errors_or_principals(state_dir: Path) -> None:
    case = Case(state_dir)
    secret = case.make()
    assert secret.split("_", 2)[2] not in repr(case.ask(secret))
    with pytest.raises(TokenRequired) as refused:
        case.ask(secret + "x")
    assert secret[-20:] not in str(refused.value) + str(refused.value.remedy)


# --- the address to listen on


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "hub.lan"])
def test_beyond_loopback_a_token_must_exist(state_dir: Path, host: str) -> None:
    case = Case(state_dir, api_host=host)
    with pytest.raises(SettingsError) as refused:
        require_tokens(case.settings)
    words = str(refused.value)
    assert "DASHBOARD_API_HOST" in words and host in words and "token create" in words and "\n" not in words
    issued = issue("old", Role.ADMIN, time.time() - 100, life=1)
    case.file.change(lambda known: [issued.token])
    with pytest.raises(SettingsError):  # one that has expired opens nothing
        require_tokens(case.settings)
    case.make("new")
    require_tokens(case.settings)
    case.file.path.write_text("{")
    with pytest.raises(TokensUnreadable):
        require_tokens(case.settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_none(state_dir: Path, host: str) -> None:
    require_tokens(Settings(state_dir=state_dir, api_host=host))
