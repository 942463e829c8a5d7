"""Real files of a stack: links, modes, owners, and what happens when somebody swaps a folder meanwhile."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from hubcore.adapters import stackconfig
from hubcore.adapters.files_beneath import NotPlain, beneath, unfinished_name
from hubcore.adapters.stackconfig import StackConfig
from hubcore.errors import FileRefused

root_only = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes root")
ENV, YML = "env/a.env", "conf/a/b.yml"


@pytest.fixture
def config(stack_dir: Path) -> StackConfig:
    made = StackConfig(stack_dir)
    made.write(ENV, b"A=1\n", secret=True)
    made.write(YML, b"a: 1\n")
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_new_files_and_their_folders(config: StackConfig, stack_dir: Path) -> None:
    assert mode(stack_dir / ENV) == 0o600
    assert mode(stack_dir / YML) == 0o644
    assert config.place(YML) == stack_dir / YML
    contents = config.read([ENV, YML, "conf/missing"])
    assert contents.texts() == {ENV: "A=1\n", YML: "a: 1\n"}
    assert contents.problems == {}


def test_the_version_is_another_one_with_any_change(config: StackConfig, stack_dir: Path) -> None:
    paths = [ENV, YML, "conf/missing"]
    seen = {config.read(paths).version}
    assert config.read(paths).version in seen
    (stack_dir / ENV).write_bytes(b"A=2\n")
    seen.add(config.read(paths).version)
    config.write("conf/missing", b"")
    seen.add(config.read(paths).version)
    (stack_dir / ENV).unlink()
    seen.add(config.read(paths).version)
    (stack_dir / ENV).symlink_to(stack_dir / YML)
    seen.add(config.read(paths).version)
    seen.add(config.read(paths[1:]).version)
    assert len(seen) == 6


def test_bytes_that_are_no_text_stay_what_they_are(config: StackConfig, stack_dir: Path) -> None:
    (stack_dir / ENV).write_bytes(b"A=\xff\xfe\n")
    text = config.read([ENV]).texts()[ENV]
    assert text.encode("utf-8", "surrogateescape") == b"A=\xff\xfe\n"


@root_only
def test_mode_owner_and_attributes_are_kept(config: StackConfig, stack_dir: Path) -> None:
    path = stack_dir / ENV
    path.chmod(0o4751)
    os.chown(path, 1234, 2345)
    path.chmod(0o751)
    try:
        os.setxattr(path, "user.note", b"kept")
        noted = True
    except OSError:
        noted = False
    config.write(ENV, b"A=2\n", secret=True)
    now = path.stat()
    assert (stat.S_IMODE(now.st_mode), now.st_uid, now.st_gid) == (0o751, 1234, 2345)
    assert not noted or os.getxattr(path, "user.note") == b"kept"
    assert path.read_bytes() == b"A=2\n"


@root_only
def test_what_root_makes_belongs_to_whom_the_folder_belongs(config: StackConfig, stack_dir: Path) -> None:
    os.chown(stack_dir / "conf", 1234, 2345)
    config.write("conf/new/deep/file", b"x")
    for part in ("conf/new", "conf/new/deep", "conf/new/deep/file"):
        found = (stack_dir / part).stat()
        assert (found.st_uid, found.st_gid) == (1234, 2345), part


@root_only
def test_a_file_whose_owner_cannot_be_kept_is_not_replaced(
    config: StackConfig, stack_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_allowed(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    os.chown(stack_dir / YML, 1234, 2345)
    monkeypatch.setattr(os, "fchown", not_allowed)  # as for anybody but root
    with pytest.raises(FileRefused, match="belongs to another user"):
        config.write(YML, b"b: 2\n")
    assert (stack_dir / YML).read_bytes() == b"a: 1\n"
    assert [p.name for p in (stack_dir / "conf" / "a").iterdir()] == ["b.yml"]


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../../x", "", "a//b", "./a", "a\\b", "a/\x00", "..", "a/.."]
)
def test_paths_that_lead_out(config: StackConfig, path: str) -> None:
    assert path in config.read([path]).problems
    with pytest.raises(FileRefused):
        config.write(path, b"x")


def test_links_at_every_level_are_neither_read_nor_written(
    config: StackConfig, stack_dir: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (outside / "a").mkdir(parents=True)
    for name in ("a/b.yml", "b.yml"):
        (outside / name).write_bytes(b"outside")
    (stack_dir / "to_file").symlink_to(outside / "b.yml")
    (stack_dir / "to_folder").symlink_to(outside)
    (stack_dir / "conf" / "inner").symlink_to(outside / "a")
    (stack_dir / "broken").symlink_to(outside / "nothing")
    (stack_dir / "to_inside").symlink_to(stack_dir / YML)
    paths = ["to_file", "to_folder/b.yml", "to_folder/a/b.yml", "conf/inner/b.yml", "broken", "to_inside"]
    contents = config.read(paths)
    assert set(contents.problems) == set(paths) and not contents.files
    for path in paths:
        with pytest.raises(FileRefused, match="link"):
            config.write(path, b"changed")
    assert {p.read_bytes() for p in outside.rglob("*.yml")} == {b"outside"}
    assert not (outside / "nothing").exists()
    assert (stack_dir / YML).read_bytes() == b"a: 1\n"


def test_a_stack_that_is_reached_through_a_link_is_fine(config: StackConfig, stack_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(stack_dir)
    linked = StackConfig(tmp_path / "linked")
    linked.write(YML, b"b: 2\n")
    assert config.read([YML]).texts() == {YML: "b: 2\n"}


def test_only_ordinary_files_and_no_endless_ones(
    config: StackConfig, stack_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(stack_dir / "pipe")
    (stack_dir / "folder").mkdir()
    assert set(config.read(["pipe", "folder"]).problems) == {"pipe", "folder"}  # and does not wait for the pipe
    for path in ("pipe", "folder"):
        with pytest.raises(FileRefused):
            config.write(path, b"x")
    monkeypatch.setattr(stackconfig, "LARGEST", 3)
    assert set(config.read([ENV]).problems) == {ENV}


def test_swapping_a_folder_for_a_link_gains_nothing(config: StackConfig, stack_dir: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.yml").write_bytes(b"outside")
    here, aside = stack_dir / "conf" / "a", stack_dir / "conf" / "aside"
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            here.rename(aside)
            with contextlib.suppress(FileExistsError):  # a write has made the missing folder
                here.symlink_to(outside)
            while aside.exists():
                here.unlink() if here.is_symlink() else shutil.rmtree(here, ignore_errors=True)
                with contextlib.suppress(OSError):
                    aside.rename(here)

    thread = threading.Thread(target=swap)
    thread.start()
    read = refused = 0
    try:
        for number in range(20_000):
            if number >= 400 and read and refused:
                break
            contents = config.read([YML])
            assert contents.texts().get(YML) != "outside"
            read += YML in contents.files
            try:
                config.write(YML, f"a: {number}\n".encode())
            except FileRefused:
                refused += 1
    finally:
        stop.set()
        thread.join()
    assert (outside / "b.yml").read_bytes() == b"outside"
    assert [p.name for p in outside.iterdir()] == ["b.yml"]
    assert read and refused, (read, refused)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    config: StackConfig, stack_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileRefused, match="no space left"):
        config.write(YML, b"b: 2\n")
    assert (stack_dir / YML).read_bytes() == b"a: 1\n"
    assert [p.name for p in (stack_dir / "conf" / "a").iterdir()] == ["b.yml"]


def test_what_a_killed_process_left_is_swept_away_and_nothing_else(config: StackConfig, stack_dir: Path) -> None:
    left = stack_dir / "conf" / "a" / unfinished_name()
    left.write_bytes(b"half")
    (stack_dir / unfinished_name()).mkdir()
    (stack_dir / "conf" / "a" / ".hub-other.tmp").write_bytes(b"")
    assert config.sweep([YML, ENV, "compose.yml", "nowhere/x"]) == 2
    assert sorted(p.name for p in stack_dir.rglob(".hub-*")) == [".hub-other.tmp"]


def test_copies_for_a_test_are_gone_afterwards(config: StackConfig, stack_dir: Path) -> None:
    present = config.read([YML]).files
    (stack_dir / YML).chmod(0o640)
    with config.staged({YML: b"b: 2\n"}, config.read([YML]).files) as copies:
        copy = copies[YML]
        assert copy.read_bytes() == b"b: 2\n" and mode(copy) == 0o640 and mode(copy.parent) == 0o700
        assert (stack_dir / YML).read_bytes() == present[YML].data
    assert not list((stack_dir / "backups").iterdir())


def test_beneath_needs_folders(stack_dir: Path) -> None:
    (stack_dir / "file").write_bytes(b"")
    with pytest.raises(NotPlain), beneath(stack_dir, ("file",)):
        pass
    with pytest.raises(FileNotFoundError), beneath(stack_dir, ("nothing",)):
        pass
