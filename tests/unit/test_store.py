"""The store keeps plain values only, refuses what it did not write, and works across processes."""

from __future__ import annotations

import pickle
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubcore.adapters import store_file
from hubcore.adapters.store import Store
from hubcore.errors import HubError, StoreBusy, StoreRefused
from tests.stack.waiting import wait_until


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
    plant(store, "n", 1, 4, None, pickle.dumps(Bomb(marker)))
    assert store.get_bytes("k") is None
    assert store.increment("n") == 1
    assert not marker.exists()
    assert store.keys() == ["n"], "what nobody can use is dropped"


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
    assert store.get_bytes("k") is None
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


@pytest.mark.parametrize("value", [b"abc", "abc", 2**63 - 1])
def test_a_number_that_is_none_begins_anew(store: Store, value: bytes | str | int) -> None:
    store.put("n", value)
    assert store.increment("n") == 1
    store.put("n", "abc")
    assert store.get_int("n", 7) == 7
    assert not store.has("n")


def other_process(directory: Path) -> subprocess.Popen[str]:
    """A process that uses the store: one line of output for each line of input, the number of its writes so far."""
    code = (
        "import sys; from pathlib import Path; from hubcore.adapters.store import Store\n"
        "from hubcore.errors import HubError\n"
        "s = Store(Path(sys.argv[1])); print('open', flush=True)\n"
        "for line in sys.stdin:\n"
        "    try: print(s.increment('n'), flush=True)\n"
        "    except HubError as error: print(type(error).__name__, flush=True)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    return process


def ask(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


@pytest.fixture
def other(store: Store) -> Iterator[subprocess.Popen[str]]:
    process = other_process(store.directory)
    yield process
    process.communicate(timeout=30)


def broken(store: Store) -> list[Path]:
    return list(store.directory.parent.glob("store.broken-*"))


def test_a_store_that_somebody_uses_is_not_moved_away(store: Store, other: subprocess.Popen[str]) -> None:
    """Its file looks broken to a newcomer, as it may on a full disk; those who have it open go on."""
    store.put("k", b"kept")
    store.close()
    assert ask(other) == "1"
    database = store.directory / "cache.db"
    before = database.stat().st_ino
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_file, "PATIENCE", 0.3)
        patch.setattr(store_file, "_check", raise_damaged)
        with pytest.raises(StoreRefused, match="does not let go"):
            Store(store.directory)
    assert database.stat().st_ino == before
    assert broken(store) == []
    assert ask(other) == "2"


def raise_damaged(*_: object) -> None:
    raise store_file.Damaged("for this test")


def test_damage_is_noticed_by_all_and_put_aside_once(store: Store, other: subprocess.Popen[str]) -> None:
    for number in range(200):
        store.put(f"k{number}", b"x" * 2000)
    assert ask(other) == "1"
    store._cache._sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    database = store.directory / "cache.db"
    content = database.read_bytes()
    with database.open("r+b") as file:  # in place, under both of them
        file.write(content[:4096] + b"\xa5" * (len(content) - 4096))

    def works() -> bool:
        ask(other)  # it lives, and looks once a second whether somebody called
        try:
            store.put("new", b"1")
            return store.get_bytes("new") == b"1" and not store.has("k0")
        except HubError:
            return False

    wait_until(works, 30, "a new store")
    assert ask(other).isdigit()
    assert store.get_int("n") > 0, "both write the same new one"
    assert len(broken(store)) == 1


def test_a_store_that_the_owner_deletes_is_begun_anew_by_all(store: Store, other: subprocess.Popen[str]) -> None:
    assert ask(other) == "1"
    assert store.get_int("n") == 1
    shutil.rmtree(store.directory)
    assert ask(other) == "1"
    assert store.get_int("n") == 1
    assert ask(other) == "2"
    assert store.get_int("n") == 2


def test_only_the_newest_broken_ones_are_kept(tmp_path: Path) -> None:
    directory = tmp_path / "store"
    for number in range(5):
        directory.mkdir(exist_ok=True)
        for file in directory.iterdir():
            file.unlink()
        (directory / "cache.db").write_bytes(b"not a database %d" % number * 500)
        Store(directory).close()
    kept = sorted(tmp_path.glob("store.broken-*"))
    assert [path.joinpath("cache.db").read_bytes()[:16] for path in kept] == [
        b"not a database %d" % n for n in (2, 3, 4)
    ]


def test_a_database_of_somebody_else_is_put_aside(tmp_path: Path) -> None:
    directory = tmp_path / "store"
    directory.mkdir()
    with sqlite3.connect(directory / "cache.db") as connection:
        connection.execute("CREATE TABLE Cache (mine TEXT)")
    connection.close()
    store = Store(directory)
    assert store.increment("n") == 1
    assert len(broken(store)) == 1


def test_a_full_disk_is_told_and_leaves_nothing_open(store: Store) -> None:
    store.put("k", b"old")
    store._cache._sql("PRAGMA max_page_count = 1")  # SQLite's own way to have no room left
    for _ in range(3):
        with pytest.raises(StoreBusy, match="disk is full"), store.transaction():
            store.put("k", b"new" * 100_000)
            store.put("other", b"x" * 100_000)
    assert store.get_bytes("k") == b"old"
    store._cache._sql("PRAGMA max_page_count = 1000000")
    store.put("k", b"new")
    assert store.get_bytes("k") == b"new"
    assert broken(store) == []


def test_counting_is_atomic_across_processes(store: Store) -> None:
    code = (
        "import sys; from pathlib import Path; from hubcore.adapters.store import Store\n"
        "s = Store(Path(sys.argv[1]))\n"
        "for _ in range(200): s.increment('n')"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(store.directory)]) for _ in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    assert store.get_int("n") == 600
