"""The state folder belongs to one dashboard, and to one user."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from hubcore.adapters.files import make_private, private_directory, private_file
from hubcore.adapters.files_state import MARKER, Dashboard, claim
from hubcore.adapters.history import History
from hubcore.adapters.store import Store
from hubcore.errors import SettingsError
from hubcore.hub import Hub
from hubcore.settings import default_state_dir, load_settings
from tests.stack.hub import ROOT

MINE = Dashboard(stack_dir="/srv/mine", project="mine", engine="unix:///var/run/docker.sock")
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_one_takes_it_and_comes_back(state_dir: Path) -> None:
    for _ in range(2):
        claim(state_dir, MINE)
    assert mode(state_dir) == 0o700
    assert mode(state_dir / MARKER) == 0o600
    assert orjson.loads((state_dir / MARKER).read_bytes()) == {
        "stack_dir": "/srv/mine", "project": "mine", "engine": "unix:///var/run/docker.sock"
    }  # fmt: skip


@pytest.mark.parametrize(
    "change", [{"stack_dir": "/srv/other"}, {"project": None}, {"project": "other"}, {"engine": "tcp://10.0.0.2:2375"}]
)
def test_another_dashboard_is_refused_in_one_line(state_dir: Path, change: dict[str, str | None]) -> None:
    claim(state_dir, MINE)
    before = (state_dir / MARKER).read_bytes()
    with pytest.raises(SettingsError) as refused:
        claim(state_dir, MINE.model_copy(update=change))
    said = refused.value.text.english()
    assert "/srv/mine" in said and "DASHBOARD_STATE_DIR" in said and str(state_dir / MARKER) in said
    assert "\n" not in said
    assert (state_dir / MARKER).read_bytes() == before
    (state_dir / MARKER).unlink()
    claim(state_dir, MINE.model_copy(update=change))


def test_an_engine_that_is_not_known_now_changes_nothing(state_dir: Path) -> None:
    claim(state_dir, MINE)
    claim(state_dir, MINE.model_copy(update={"engine": None}))


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"stack_dir": 5}', b"x" * 100_000])
def test_a_marker_that_says_nothing_is_not_passed_over(state_dir: Path, content: bytes) -> None:
    claim(state_dir, MINE)
    (state_dir / MARKER).write_bytes(content)
    with pytest.raises(SettingsError, match=MARKER):
        claim(state_dir, MINE)


def test_a_folder_of_an_earlier_version_is_taken(state_dir: Path) -> None:
    Store(state_dir / "store").close()
    claim(state_dir, MINE)
    assert (state_dir / MARKER).exists()


def test_several_programs_that_start_at_once_agree(state_dir: Path) -> None:
    code = (
        "import sys, pathlib; from hubcore.adapters.files_state import Dashboard, claim\n"
        "sys.stdin.read()\n"
        "claim(pathlib.Path(sys.argv[1]), Dashboard(stack_dir=sys.argv[2]))"
    )
    for number in range(2):
        folder = state_dir.with_name(f"state-{number}")
        started = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(folder), f"/srv/{stack}"],
                cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for stack in ("one", "one", "two", "two")
        ]  # fmt: skip
        for process in started:
            assert process.stdin is not None
            process.stdin.close()
        codes = [process.wait(30) for process in started]
        for process in started:
            assert process.stderr is not None
            errors = process.stderr.read().decode()
            assert process.returncode == 0 or "belongs to another dashboard" in errors
            process.stderr.close()
        assert sorted([sum(codes[:2]), sum(codes[2:])]) == [0, 2], "both of one dashboard, none of the other"
        assert sorted(path.name for path in folder.iterdir()) == ["belongs-to.json", "belongs-to.lock"]


def test_every_stack_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHBOARD_STATE_DIR")
    found = {}
    for name in ("a/My Stack", "b/My Stack", "a/стек", "a"):
        monkeypatch.setenv("DASHBOARD_STACK_DIR", str(tmp_path / name))
        settings = load_settings()
        assert settings.state_dir == default_state_dir(settings.stack_dir)
        found[settings.state_dir.name] = settings.state_dir.parent
    assert len(found) == 4
    assert set(found.values()) == {tmp_path / "xdg" / "hub-dashboard"}
    assert sum(name.startswith("my-stack-") for name in found) == 2
    assert sum(name.startswith("stack-") for name in found) == 1


def test_a_hub_with_the_state_of_another_stack_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Hub(load_settings()).close()
    monkeypatch.setenv("DASHBOARD_STACK_DIR", str(tmp_path / "other"))
    with pytest.raises(SettingsError, match="belongs to another dashboard"):
        Hub(load_settings())


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "hubcore", "up"],
        ["-m", "hubcore", "collect"],
        ["-m", "hubcore", "token", "list"],
        ["-m", "api_sidecar"],
        ["-m", "streamlit", "run", "server.py", "--server.headless", "true"],
    ],
    ids=lambda command: " ".join(command[1:3]),
)
def test_every_program_refuses_the_state_of_another_stack(state_dir: Path, command: list[str]) -> None:
    claim(state_dir, MINE)
    result = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert result.returncode != 0
    assert "/srv/mine" in result.stderr and "DASHBOARD_STATE_DIR" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (state_dir / "store").exists()


# --- folders and files that are not ours


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(SettingsError, match="other things"):
        claim(folder, MINE)
    assert mode(folder) == 0o755
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_an_empty_folder_is_taken_and_closed_to_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "volume"
    (folder / "lost+found").mkdir(parents=True)
    folder.chmod(0o755)
    claim(folder, MINE)
    assert mode(folder) == 0o700
    assert str(folder) in caplog.text


@as_root
@pytest.mark.parametrize("through_a_link", [False, True])
def test_a_folder_of_another_user_is_refused(tmp_path: Path, through_a_link: bool) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY, NOBODY)
    path = folder
    if through_a_link:
        path = tmp_path / "link"
        path.symlink_to(folder)
    for use in (private_directory, lambda where: claim(where, MINE)):
        with pytest.raises(PermissionError, match="another user"):
            use(path)  # type: ignore[operator]
    assert list(folder.iterdir()) == []


@as_root
def test_a_link_of_another_user_is_refused(tmp_path: Path) -> None:
    mine, link = tmp_path / "mine", tmp_path / "link"
    mine.mkdir(mode=0o700)
    link.symlink_to(mine)
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(PermissionError, match="another user"):
        private_directory(link)


def test_permissions_are_not_changed_through_a_link(tmp_path: Path) -> None:
    elsewhere, link = tmp_path / "elsewhere", tmp_path / "link"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    link.symlink_to(elsewhere)
    with pytest.raises(PermissionError, match="link"):
        private_directory(link)
    assert mode(elsewhere) == 0o755
    elsewhere.chmod(0o700)
    private_directory(link)  # nothing to change: an owner may keep it on another disk


def test_a_private_file_is_made_once_and_never_through_a_link(tmp_path: Path) -> None:
    path, victim, link = tmp_path / "file", tmp_path / "victim", tmp_path / "link"
    private_file(path)
    path.write_bytes(b"kept")
    path.chmod(0o644)
    private_file(path)
    assert (path.read_bytes(), mode(path)) == (b"kept", 0o600)
    link.symlink_to(victim)
    with pytest.raises(PermissionError, match="not a plain file"):
        private_file(link)
    assert not victim.exists()
    victim.write_bytes(b"secret")
    victim.chmod(0o644)
    with pytest.raises(PermissionError, match="not a plain file"):
        make_private(link)
    assert mode(victim) == 0o644


def test_links_in_the_store_are_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"secret")
    victim.chmod(0o644)
    directory = tmp_path / "state" / "store"
    directory.mkdir(parents=True)
    (directory / "x").symlink_to(victim)
    Store(directory).close()
    assert mode(victim) == 0o644
    for name in ("cache.db", "cache.db-wal"):
        other = tmp_path / f"state-{name}" / "store"
        other.mkdir(parents=True)
        (other / name).symlink_to(victim)
        with pytest.raises(PermissionError):
            Store(other)
    assert (mode(victim), victim.read_bytes()) == (0o644, b"secret")


def test_a_history_is_not_made_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "history.sqlite3").symlink_to(tmp_path / "victim")
    history = History(tmp_path / "history.sqlite3")
    history.append(1_700_000_000.0, {"db": {"cpu_percent": 1.0}})
    assert history.problem is not None
    assert history.read("db", ["cpu_percent"], 1_699_999_000.0, 1_700_000_100.0).times == []
    assert not (tmp_path / "victim").exists()
