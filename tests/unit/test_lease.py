"""One leader at a time, handed over when it dies, sleeps too long, or a preferred one asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hubcore.adapters.store import Store
from hubcore.errors import StoreBusy
from hubcore.lease import Lease
from hubcore.models import text


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def lease(store: Store, clock: Clock, *, preferred: bool = False) -> Lease:
    return Lease(store, preferred=preferred, ttl=3.0, clock=clock)


def test_only_one_candidate_leads(store: Store, clock: Clock) -> None:
    first, second = lease(store, clock), lease(store, clock)
    assert first.acquire() and not second.acquire()
    assert first.held and not second.held
    assert second.holder() == first.owner


def test_renewal_keeps_it_and_silence_loses_it(store: Store, clock: Clock) -> None:
    first, second = lease(store, clock), lease(store, clock)
    first.acquire()
    for _ in range(5):
        clock.now += 2.0
        assert first.acquire()
        assert not second.acquire()
    clock.now += 3.1
    assert not first.held
    assert second.acquire()
    assert not first.acquire()


def test_an_expired_holder_does_not_release_the_next_ones_lease(store: Store, clock: Clock) -> None:
    first, second = lease(store, clock), lease(store, clock)
    first.acquire()
    clock.now += 3.1
    second.acquire()
    first.release()
    assert second.holder() == second.owner


def test_release_frees_it_at_once(store: Store, clock: Clock) -> None:
    first, second = lease(store, clock), lease(store, clock)
    first.acquire()
    first.release()
    assert second.acquire()


def test_a_preferred_candidate_is_handed_the_lease(store: Store, clock: Clock) -> None:
    helper, third = lease(store, clock), lease(store, clock)
    collector = lease(store, clock, preferred=True)
    helper.acquire()
    assert not collector.acquire()
    assert not helper.acquire(), "the wish makes it step down at its next renewal"
    assert not third.acquire(), "no other helper slips in between"
    assert collector.acquire()


def test_a_wish_does_not_outlive_its_candidate(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    helper, collector = lease(store, clock), lease(store, clock, preferred=True)
    helper.acquire()
    collector.acquire()
    store.put("lease:wish", "gone", expire=-1)
    assert helper.acquire()


def test_a_clock_set_back_does_not_lock_everybody_out(store: Store, clock: Clock) -> None:
    first, second = lease(store, clock), lease(store, clock)
    first.acquire()
    clock.now -= 3600
    assert second.acquire()


def test_a_leader_with_work_under_way_does_not_hand_over(store: Store, clock: Clock) -> None:
    helper, collector = lease(store, clock), lease(store, clock, preferred=True)
    helper.acquire()
    collector.acquire()
    assert helper.acquire(keep=True)
    collector.acquire()
    assert not helper.acquire()


def test_a_lease_that_could_not_be_written_is_not_held(store: Store, clock: Clock) -> None:
    first = lease(store, clock)
    transaction = store.transaction

    @contextmanager
    def full_at_the_end() -> Iterator[None]:
        with transaction():
            yield
            raise StoreBusy(text("The disk is full."))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "transaction", full_at_the_end)
        with pytest.raises(StoreBusy):
            first.acquire()
    assert not first.held
    assert lease(store, clock).acquire(), "another one may lead"
