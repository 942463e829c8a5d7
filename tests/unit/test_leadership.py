"""The threads that lead survive whatever happens, and let others lead meanwhile."""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hubcore import leadership
from hubcore.adapters.store import Store
from hubcore.errors import StoreBusy
from hubcore.leadership import Candidate
from hubcore.lease import Lease
from hubcore.models import text
from tests.stack.waiting import wait_until


class Term:
    """What a leader runs, here: it goes wrong on demand."""

    busy = False

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.polls = self.closes = 0

    def start(self) -> None:
        if self.fault == "start":
            raise StoreBusy(text("the store is busy"))

    def poll(self) -> None:
        self.polls += 1
        if self.fault == "poll":
            raise RuntimeError("unforeseen")
        if self.fault == "busy":
            raise StoreBusy(text("the store is busy"))

    def is_well(self) -> bool:
        return self.fault != "hangs"

    def close(self) -> None:
        self.closes += 1
        if self.fault in ("start", "close"):
            raise RuntimeError("cannot join thread before it is started")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


Run = Callable[..., tuple[Candidate, list[Term]]]


@pytest.fixture
def run(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """`run(*faults)` starts a candidate whose terms go wrong in this way, one after the other; the last one's stays."""
    monkeypatch.setattr(leadership, "_RETRY", 0.01)
    started: list[Candidate] = []

    def begin(*faults: str, ttl: float = 0.3) -> tuple[Candidate, list[Term]]:
        terms: list[Term] = []

        def make() -> Term:
            terms.append(Term(faults[min(len(terms), len(faults) - 1)]))
            return terms[-1]

        started.append(Candidate(Lease(store, ttl=ttl), make))
        started[-1].start()
        return started[-1], terms

    yield begin
    for candidate in started:
        candidate.close()


@pytest.mark.parametrize("fault", ["start", "poll", "close"])
def test_a_term_that_fails_is_followed_by_another(run: Run, fault: str) -> None:
    candidate, terms = run(fault, fault, "")
    if fault == "close":
        wait_until(lambda: terms and terms[-1].polls, 10, "the first term")
        Lease(candidate._lease._store, preferred=True, ttl=0.3).acquire()  # it hands over, and nobody takes it
    wait_until(lambda: len(terms) > 1 and terms[-1].polls > 3, 10, "a term that works")
    assert candidate._working.is_alive() and candidate._renewing.is_alive()
    assert all(term.closes == 1 for term in terms[:-1])


def test_one_that_cannot_lead_leaves_it_to_another(run: Run) -> None:
    first, _ = run("start")
    _, terms = run("")
    wait_until(lambda: terms and terms[-1].polls > 3, 10, "the other one leads")
    assert first._working.is_alive()


def test_a_busy_store_does_not_end_a_term(run: Run) -> None:
    candidate, terms = run("busy")
    wait_until(lambda: terms and terms[0].polls > 5, 10, "it goes on looking")
    assert len(terms) == 1 and terms[0].closes == 0
    assert candidate.is_well()


@pytest.mark.parametrize("mode", [1, 4])
@pytest.mark.parametrize("value", ["text", b"garbage", b"[1]", b'["x", "y"]', b"null", pickle.dumps([1]), 5])
def test_a_lease_that_nobody_can_read_is_none(store: Store, run: Run, value: object, mode: int) -> None:
    candidate, terms = run("", ttl=3.0)
    wait_until(lambda: terms and terms[-1].polls, 10, "it leads")
    with sqlite3.connect(store.directory / "cache.db", timeout=5) as connection:
        connection.execute("UPDATE Cache SET value = ?, mode = ? WHERE key = 'lease'", (value, mode))
    connection.close()
    assert Lease(store).acquire(), "another one may lead"
    assert candidate._renewing.is_alive()


def test_a_lease_that_cannot_be_renewed_is_told_once(
    store: Store, run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attempts = []

    def fail(*_: object, **__: object) -> bool:
        attempts.append(1)
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(Lease, "acquire", fail)
    run("")
    wait_until(lambda: len(attempts) > 5, 10, "it tries again")
    assert caplog.text.count("could not be renewed") == 1


def test_what_hangs_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    candidate, terms = run("hangs")
    wait_until(lambda: terms and terms[-1].polls, 10, "it leads")
    assert not candidate.is_well()
    candidate, terms = run("")
    assert candidate.is_well()
    monkeypatch.setattr(leadership, "_STUCK_AFTER", -1.0)
    assert not candidate.is_well()
