"""Private inputs of operations."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hubcore.errors import HubError
from hubcore.pending import Pending

ID, OTHER = "0123456789abcdef0123", "fedcba98765432100123"


def test_an_input_is_kept_privately_until_it_is_dropped(tmp_path: Path) -> None:
    pending = Pending(tmp_path / "pending")
    pending.put(ID, {"env_vars": {"KEY": "значение"}})
    path = tmp_path / "pending" / f"{ID}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert pending.get(ID) == {"env_vars": {"KEY": "значение"}}
    pending.drop(ID)
    pending.drop(ID)
    assert not path.exists()
    with pytest.raises(HubError):
        pending.get(ID)


def test_a_new_leader_sweeps_what_no_open_operation_needs(tmp_path: Path) -> None:
    pending = Pending(tmp_path / "pending")
    pending.sweep([])  # nothing there yet
    pending.put(ID, {})
    pending.put(OTHER, {})
    (tmp_path / "pending" / f".{ID}.json.abc").write_text("half")
    pending.sweep([ID])
    assert [path.name for path in (tmp_path / "pending").iterdir()] == [f"{ID}.json"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "0123456789ABCDEF", "a" * 41])
def test_only_ids_of_operations_name_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError):
        Pending(tmp_path).put(name, {})
