"""API tokens: form, proof, names, spans; and how many wrong ones are looked at."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubcore.attempts import OVERALL, PER_ADDRESS, REMEMBERED, WINDOW, Attempts
from hubcore.errors import BadRequest
from hubcore.models import dump
from hubcore.roles import Role
from hubcore.tokens import Token, bearer, checked_name, find, id_of, issue, named, span

NOW = 1_000_000.0


def token(name: str = "script", **more: object) -> Token:
    return issue(name, Role.VIEWER, NOW, **more).token  # type: ignore[arg-type]


def test_only_the_hash_is_kept() -> None:
    made, secret = issue("script", Role.OPERATOR, NOW, life=60.0)
    head, token_id, rest = secret.split("_", 2)
    assert (head, token_id, len(rest)) == ("hub", made.id, 43)
    assert made.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert rest not in str(dump(made))
    assert (made.role, made.expires_at) == (Role.OPERATOR, NOW + 60)


def test_a_token_is_found_by_all_of_itself_only() -> None:
    made, secret = issue("one", Role.VIEWER, NOW)
    other = issue("two", Role.ADMIN, NOW)
    known = [made, other.token]
    assert find(secret, known) == made
    assert find(other.secret, known) == other.token
    crossed = secret.replace(made.id, other.token.id)
    for wrong in (crossed, secret[:-1], secret + "A", secret.upper(), f" {secret}", made.digest, "hub__", "", "é"):
        assert find(wrong, known) is None
    assert find(secret, [other.token]) is None
    assert (id_of(secret), id_of("hub_nothing")) == (made.id, None)


def test_tokens_differ() -> None:
    secrets = {issue("x", Role.VIEWER, NOW).secret for _ in range(50)}
    assert len({secret.split("_", 2)[2] for secret in secrets}) == 50


@pytest.mark.parametrize(("expires", "expired"), [(None, False), (NOW - 1, True), (NOW, True), (NOW + 1, False)])
def test_expiry(expires: float | None, expired: bool) -> None:
    assert token().model_copy(update={"expires_at": expires}).expired(NOW) is expired


@pytest.mark.parametrize("name", ["backup script", "ci@host", "Скрипт 1", "a.b-c_d", "1"])
def test_names(name: str) -> None:
    assert checked_name(f"  {name} ") == name


@pytest.mark.parametrize(
    "name", ["", " ", "-x", "a\nb", "a\x00", "x" * 61, "deadbeef", "local", "LOCAL", "a/b", "<b>", "a\u202eb", "a;b"]
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(BadRequest):
        checked_name(name)


def test_a_name_is_given_once() -> None:
    known = [token("Script")]
    with pytest.raises(BadRequest, match="already"):
        issue("script", Role.ADMIN, NOW, existing=known)
    assert named("SCRIPT", known) == named(known[0].id, known) == known[0]
    assert named("other", known) is None


@pytest.mark.parametrize(
    ("written", "seconds"), [("90d", 7_776_000), ("12h", 43_200), ("30m", 1800), (" 2W ", 1_209_600)]
)
def test_spans(written: str, seconds: int) -> None:
    assert span(written) == seconds


@pytest.mark.parametrize("written", ["", "90", "d", "0d", "-1d", "1.5h", "3661d", "1y", "1d 2h", "９d"])
def test_spans_that_are_none(written: str) -> None:
    with pytest.raises(BadRequest, match="span"):
        span(written)


@pytest.mark.parametrize(
    ("header", "credentials"),
    [("Bearer x", "x"), ("bearer  x ", "x"), ("BEARER x y", "x y"), ("Bearer", ""), ("Basic x", None), ("", None)],
)
def test_the_authorization_header(header: str, credentials: str | None) -> None:
    assert bearer(header) == credentials


@given(st.text(max_size=80))
def test_any_text_is_looked_at(value: str) -> None:
    assert find(value, [token()]) is None


# --- wrong ones


def test_an_address_has_ten_attempts_a_minute_and_recovers_by_and_by() -> None:
    attempts = Attempts()
    for _ in range(PER_ADDRESS):
        assert attempts.wait("10.0.0.1", NOW) == 0
        attempts.failed("10.0.0.1", NOW)
    wait = attempts.wait("10.0.0.1", NOW)
    assert wait == WINDOW / PER_ADDRESS
    assert attempts.wait("10.0.0.2", NOW) == 0
    assert attempts.wait("10.0.0.1", NOW + wait - 0.1) > 0
    assert attempts.wait("10.0.0.1", NOW + wait) == 0
    attempts.failed("10.0.0.1", NOW + wait)
    assert attempts.wait("10.0.0.1", NOW + wait) > 0
    assert attempts.wait("10.0.0.1", NOW + 2 * WINDOW) == 0


def test_all_together_are_limited_without_locking_out_anybody() -> None:
    attempts = Attempts()
    waits = [attempts.failed(f"10.0.{i // 250}.{i % 250}", NOW) for i in range(OVERALL + 50)]
    assert not any(waits[: OVERALL - 1])
    assert all(wait > 0 for wait in waits[OVERALL:])
    assert attempts.wait("10.9.9.9", NOW) == 0
    assert attempts.failed("10.9.9.9", NOW + WINDOW) == 0


def test_the_memory_is_bounded() -> None:
    attempts = Attempts()
    for i in range(3 * REMEMBERED):
        attempts.failed(f"10.{i >> 16}.{(i >> 8) & 255}.{i & 255}", NOW)
        attempts.failed("x" * 10_000 + str(i), NOW)
    assert len(attempts) <= REMEMBERED


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("", "10.0.0.1", False),
    ],
)
def test_an_ipv6_network_is_one_address(one: str, other: str, same: bool) -> None:
    attempts = Attempts(per_address=1)
    attempts.failed(one, NOW)
    assert (attempts.wait(other, NOW) > 0) is same


def test_a_clock_that_goes_back_locks_nobody_out_for_long() -> None:
    attempts = Attempts(per_address=1)
    attempts.failed("a", NOW)
    assert attempts.wait("a", NOW - 1e6) <= WINDOW
