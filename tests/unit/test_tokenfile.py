"""Tokens on disk: changes seen at once, by several processes, and a damaged file that lets nobody in."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from pathlib import Path

import pytest

from hubcore.adapters import tokenfile
from hubcore.adapters.files_lock import locked
from hubcore.adapters.tokenfile import TokenFile
from hubcore.errors import TokensUnreadable
from hubcore.roles import Role
from hubcore.tokens import Token, issue


def add(file: TokenFile, name: str) -> Token:
    made = issue(name, Role.VIEWER, time.time()).token
    file.change(lambda known: [*known, made])
    return made


def test_nothing_there_is_no_tokens(state_dir: Path) -> None:
    assert TokenFile(state_dir).tokens() == ()
    assert not state_dir.exists(), "looking makes nothing"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_files_are_private(state_dir: Path) -> None:
    add(TokenFile(state_dir), "one")
    TokenFile(state_dir).note_use("00000000")
    assert state_dir.stat().st_mode & 0o777 == 0o700
    files = [path for path in state_dir.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"tokens.json", "tokens.lock", "00000000"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_change_elsewhere_is_seen_at_the_next_look(state_dir: Path) -> None:
    writer, reader = TokenFile(state_dir), TokenFile(state_dir)
    assert reader.tokens() == ()
    one = add(writer, "one")
    assert reader.tokens() == (one,)
    two = add(writer, "two")
    assert reader.tokens() == (one, two)
    writer.change(lambda known: [token for token in known if token.id != one.id])
    assert reader.tokens() == (two,)
    writer.path.unlink()
    assert reader.tokens() == ()


def test_an_unchanged_file_is_not_read_again(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = TokenFile(state_dir)
    add(file, "one")
    first = file.tokens()
    monkeypatch.setattr(file, "_read", lambda: pytest.fail("read again"))
    assert all(file.tokens() is first for _ in range(100))


GOOD = b'{"id": "00000000", "name": "x", "role": "admin", "digest": "", "created_at": 1}'


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'{"tokens": null}', b'{"tokens": [{}]}', b'{"tokens": [1]}', b"\xff\xfe",
        b'{"tokens": [' + GOOD.replace(b"admin", b"king") + b"]}",
        b'{"tokens": [' + GOOD + b"," + GOOD + b"]}",
        b'{"tokens": []}' + b" " * tokenfile.LARGEST,
    ],
    ids=lambda content: repr(content[:30]),
)  # fmt: skip
def test_a_damaged_file_lets_nobody_in_and_is_not_written_over(state_dir: Path, content: bytes) -> None:
    file = TokenFile(state_dir)
    add(file, "one")
    file.path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(TokensUnreadable) as refused:
            file.tokens()
        assert str(state_dir) not in refused.value.text.english()
    with pytest.raises(TokensUnreadable):
        add(file, "two")
    assert file.path.read_bytes() == content
    file.path.write_bytes(b'{"tokens": [' + GOOD + b"]}")
    assert [token.id for token in file.tokens()] == ["00000000"]


def test_a_directory_in_its_place_lets_nobody_in(state_dir: Path) -> None:
    (state_dir / "tokens.json").mkdir(parents=True)
    with pytest.raises(TokensUnreadable):
        TokenFile(state_dir).tokens()


def _add_many(state_dir: Path, who: str) -> None:
    for number in range(10):
        add(TokenFile(state_dir), f"{who} {number}")


def test_several_processes_lose_nothing(state_dir: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add_many, args=(state_dir, f"p{n}")) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(TokenFile(state_dir).tokens()) == 30


def test_a_change_does_not_wait_for_ever(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenfile, "PATIENCE", 0.05)
    file = TokenFile(state_dir)
    add(file, "one")
    with locked(state_dir / "tokens.lock", 0), pytest.raises(TimeoutError):
        add(file, "two")
    add(file, "two")
    assert len(file.tokens()) == 2


def test_the_last_use_costs_one_write_a_minute(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = TokenFile(state_dir)
    made = add(file, "one")
    assert file.last_used(made.id) is None
    file.note_use(made.id)
    used = file.last_used(made.id)
    assert used is not None and abs(used - time.time()) < 60
    os.utime(state_dir / "tokens-used" / made.id, (1, 1))
    for _ in range(100):
        file.note_use(made.id)
    assert file.last_used(made.id) == 1
    monkeypatch.setattr(tokenfile, "USED_EVERY", 0.0)
    file.note_use(made.id)
    assert file.last_used(made.id) != 1


def test_the_last_use_of_a_revoked_token_is_forgotten(state_dir: Path) -> None:
    file = TokenFile(state_dir)
    made = add(file, "one")
    file.note_use(made.id)
    file.change(lambda known: [])
    assert file.last_used(made.id) is None


def test_where_nothing_can_be_written_a_token_still_works(state_dir: Path) -> None:
    file = TokenFile(state_dir)
    made = add(file, "one")
    (state_dir / "tokens-used").write_text("a file")
    file.note_use(made.id)
    assert file.last_used(made.id) is None
