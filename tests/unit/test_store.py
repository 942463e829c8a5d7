"""The store keeps plain values only, refuses what it did not write, and works across processes."""

from __future__ import annotations

import pickle
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hubcore.adapters.store import Store
from hubcore.errors import StoreRefused


class Bomb:
    """Unpickling this creates the file named `marker`."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (str(self.marker), "w"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.mark.parametrize("value", ["text", "тест", b"\x00bytes", 7, 2**62, 1.5, b"x" * 3_000_000])
def test_plain_values_come_back(store: Store, value: object) -> None:
    store.put("k", value)  # type: ignore[arg-type]
    assert store._get("k") == value


@pytest.mark.parametrize("value", [None, True, [1], {"a": 1}, ("x",), object()])
def test_other_types_are_refused(store: Store, value: object) -> None:
    with pytest.raises(TypeError):
        store.put("k", value)  # type: ignore[arg-type]
    assert store.keys() == []


def plant(store: Store, key: object, raw: int, mode: int, filename: str | None, value: object) -> None:
    with sqlite3.connect(store.directory / "cache.db") as connection:
        connection.execute(
            "INSERT INTO Cache(key, raw, store_time, mode, filename, value) VALUES (?,?,0,?,?,?)",
            (key, raw, mode, filename, value),
        )


def test_a_planted_pickle_is_refused_without_being_loaded(store: Store, tmp_path: Path) -> None:
    marker = tmp_path / "exploded"
    plant(store, "k", 1, 4, None, pickle.dumps(Bomb(marker)))
    with pytest.raises(StoreRefused):
        store.get_bytes("k")
    assert not marker.exists()


def test_a_planted_pickled_key_is_refused_without_being_loaded(store: Store, tmp_path: Path) -> None:
    marker = tmp_path / "exploded"
    plant(store, pickle.dumps(Bomb(marker)), 0, 1, None, 1)
    with pytest.raises(StoreRefused):
        store.keys()
    assert not marker.exists()


def test_a_planted_file_name_is_neither_read_nor_deleted(store: Store, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"secret")
    plant(store, "k", 1, 2, "../victim", None)
    with pytest.raises(StoreRefused):
        store.get_bytes("k")
    store.put("k", b"new")
    plant(store, "other", 1, 2, "../victim", None)
    store.delete("other")
    assert victim.read_bytes() == b"secret"
    assert store.get_bytes("k") == b"new"


def test_folder_and_files_are_private(store: Store) -> None:
    store.put("k", 1)
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(f.stat().st_mode) for f in store.directory.iterdir()} == {0o600}


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.transaction():
        store.put("k", 1)
        raise RuntimeError
    assert not store.has("k")


def test_expired_keys_are_gone_and_can_be_purged(store: Store) -> None:
    store.put("k", 1, expire=-1)
    assert not store.has("k")
    assert store.purge_expired() == 1
    assert store.keys() == []


def test_a_damaged_store_is_moved_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "store"
    directory.mkdir()
    (directory / "cache.db").write_bytes(b"not a database" * 500)
    store = Store(directory)
    store.put("k", 1)
    assert store.get_int("k") == 1
    assert [p for p in tmp_path.iterdir() if p.name.startswith("store.broken-")]
    assert "moved to" in caplog.text


def test_counting_is_atomic_across_processes(store: Store) -> None:
    code = (
        "import sys; from pathlib import Path; from hubcore.adapters.store import Store\n"
        "s = Store(Path(sys.argv[1]))\n"
        "for _ in range(200): s.increment('n')"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(store.directory)]) for _ in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    assert store.get_int("n") == 600
