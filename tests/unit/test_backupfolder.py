"""The folder of backups: whole ones only, each with an id of its own, old ones listed as well."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import stat
import time
from pathlib import Path

import orjson
import pytest

from hubcore.adapters.backupfolder import BackupFolder
from hubcore.adapters.files_beneath import Folder, PlainFile
from hubcore.errors import FileRefused

NOW = 1_700_000_000.25
FILE = PlainFile(b"A=1\n", 0o640, 0, 0)


@pytest.fixture
def backups(stack_dir: Path) -> BackupFolder:
    return BackupFolder(stack_dir, clock=lambda: NOW)


def name(second: int = 0, service: str = "a_b") -> str:
    return f"{service}_{time.strftime('%Y%m%d_%H%M%S', time.localtime(NOW + second))}"


def test_what_a_backup_holds(backups: BackupFolder, stack_dir: Path) -> None:
    parts = [
        ("env/x.env", "env", FILE),
        ("conf/one/same.yml", "config", PlainFile(b"1", 0o644, 0, 0)),
        ("conf/two/same.yml", "config", PlainFile(b"2", 0o600, 0, 0)),
        ("conf/manifest.json", "config", PlainFile(b"{}", 0o600, 0, 0)),
    ]
    assert backups.save("a_b", "before_save", parts) == name()
    folder = stack_dir / "backups" / name()
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "manifest.json"} == {
        "x.env": b"A=1\n", "same.yml": b"1", "conf__two__same.yml": b"2", "conf__manifest.json": b"{}",
    }  # fmt: skip
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    first = manifest.pop("files")[0]
    assert manifest == {"format": 1, "service": "a_b", "created": NOW, "reason": "before_save"}
    assert first == {
        "name": "x.env", "path": "env/x.env", "part": "env", "size": 4, "mode": "0640", "uid": 0, "gid": 0,
        "sha256": hashlib.sha256(b"A=1\n").hexdigest(),
    }  # fmt: skip
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}


def test_the_next_free_second(backups: BackupFolder, stack_dir: Path) -> None:
    (stack_dir / "backups").mkdir(mode=0o755)
    (stack_dir / "backups" / name(1)).mkdir()  # an empty one of an older program
    (stack_dir / "backups" / name(3)).write_bytes(b"")
    (stack_dir / "backups" / name(4)).symlink_to("nowhere")
    assert [backups.save("a_b", "by_hand", []) for _ in range(3)] == [name(), name(2), name(5)]
    assert stat.S_IMODE((stack_dir / "backups").stat().st_mode) == 0o700
    assert not list((stack_dir / "backups" / name(1)).iterdir())


def many(stack_dir: Path, count: int) -> list[str]:
    folder = BackupFolder(stack_dir, clock=lambda: NOW)
    return [folder.save("a_b", "by_hand", [("env/x.env", "env", FILE)]) for _ in range(count)]


def test_several_processes_in_one_second(backups: BackupFolder, stack_dir: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        made = [i for ids in pool.starmap(many, [(stack_dir, 8)] * 3) for i in ids]
    assert len(set(made)) == 24
    listed = backups.entries()
    assert {entry.id for entry in listed} == set(made)
    assert all(entry.files == ("x.env",) for entry in listed)
    assert {p.name for p in (stack_dir / "backups").iterdir()} == set(made)


def test_the_list(backups: BackupFolder, stack_dir: Path) -> None:
    assert backups.entries() == []
    backups.save("new", "by_hand", [("env/x.env", "env", FILE)])
    root = stack_dir / "backups"
    for folder in ("old_one_20200102_030405", "no", "x_2020_01", "_20200102_030405", "x_20200102_03040٥",
                   ".hub-0123456789ab.tmp", ".x_20200102_030405", "bad_20200103_000000"):  # fmt: skip
        (root / folder).mkdir()
    (root / "old_one_20200102_030405" / "b.env").write_bytes(b"")
    (root / "old_one_20200102_030405" / "a.yml").write_bytes(b"")
    (root / "old_one_20200102_030405" / "link").symlink_to("/etc/passwd")
    os.utime(root / "old_one_20200102_030405", (1000, 2000))
    (root / "bad_20200103_000000" / "manifest.json").write_bytes(b"{")
    (root / "file_20200102_030405").write_bytes(b"")
    (root / "link_20200102_030405").symlink_to(root / "old_one_20200102_030405")
    listed = backups.entries()
    assert [entry.id for entry in listed] == [name(service="new"), "bad_20200103_000000", "old_one_20200102_030405"]
    newest, bad, old = listed
    assert (newest.service, newest.files, newest.created, newest.reason) == ("new", ("x.env",), NOW, "by_hand")
    assert (old.service, old.date, old.time) == ("old_one", "20200102", "030405")
    assert (old.files, old.created, old.reason) == (("a.yml", "b.env"), 2000.0, "")
    assert (bad.files, bad.reason) == ((), "")


def test_a_failure_leaves_nothing(backups: BackupFolder, stack_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Folder.write

    def fails(folder: Folder, name: str, *args: object, **options: object) -> None:
        if name == "manifest.json":
            raise OSError(28, "No space left on device")
        whole(folder, name, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Folder, "write", fails)
    with pytest.raises(FileRefused):
        backups.save("a", "by_hand", [("env/x.env", "env", FILE)])
    assert not list((stack_dir / "backups").iterdir())


def test_a_link_in_place_of_the_folder_is_refused(backups: BackupFolder, stack_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (stack_dir / "backups").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileRefused):
        backups.save("a", "by_hand", [("env/x.env", "env", FILE)])
    with pytest.raises(FileRefused):
        backups.entries()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_sweeping(backups: BackupFolder, stack_dir: Path) -> None:
    assert backups.sweep() == 0
    made = backups.save("a", "by_hand", [])
    left = stack_dir / "backups" / ".hub-0123456789ab.tmp"
    left.mkdir()
    (left / "x.env").write_bytes(b"half")
    assert backups.sweep() == 1
    assert [p.name for p in (stack_dir / "backups").iterdir()] == [made]
