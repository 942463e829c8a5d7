"""There are more threads than all that may block for long can take together."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from api_sidecar import server
from api_sidecar.app import create_app
from api_sidecar.slots import Slots

from .sidecar_kit import bench


def test_there_are_threads_left_when_all_slots_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    monkeypatch.setenv("DASHBOARD_LEGACY_FRONTEND_DIR", str(tmp_path / "pages"))  # with all that can be switched on
    with bench(monkeypatch) as made:
        gc.collect()
        before = {id(found) for found in gc.get_objects() if isinstance(found, Slots)}
        app = create_app(made.hub)
        slots = [found for found in gc.get_objects() if isinstance(found, Slots) and id(found) not in before]
        assert app is not None and len(slots) >= 4
        limits = {found._refusal.english(): found.limit for found in slots}
        assert sum(found.limit for found in slots) <= server.LIMITED, limits
        assert server.THREADS - server.LIMITED >= 16
