"""Private directories and atomic writes."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from hubcore.adapters.files import atomic_write, private_directory


def test_a_new_directory_and_its_mode(tmp_path: Path) -> None:
    made = private_directory(tmp_path / "a" / "b")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.chmod(0o755)
    private_directory(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(OSError, match="exists"):
        private_directory(tmp_path / "a")


def test_written_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic_write(path, b"one")
    atomic_write(path, b"two", mode=0o640)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["file"]


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "inside").write_bytes(b"x")
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(OSError, match="target"):
        atomic_write(tmp_path / "target", b"new")
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_reader_never_sees_half(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([letter]) * 200_000 for letter in b"ab"]
    atomic_write(path, contents[0])
    wrong: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen = path.read_bytes()
            if seen not in contents:
                wrong.append(len(seen))

    thread = threading.Thread(target=look)
    thread.start()
    for index in range(50):
        atomic_write(path, contents[index % 2])
    done.set()
    thread.join(10)
    assert wrong == []
