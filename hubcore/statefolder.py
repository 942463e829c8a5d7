"""Opens the state folder for the dashboard that the settings describe; every program does this before anything else."""

from __future__ import annotations

from pathlib import Path

from .adapters.engine import Engine
from .adapters.files_state import Dashboard, claim
from .settings import Settings


def open_state(settings: Settings) -> Path:
    """The state folder, made if need be, private, and this dashboard's own.

    Raises SettingsError, one line, when it belongs to another dashboard or holds other things; OSError when it cannot
    be used.
    """
    engine = Engine().address or None
    claim(
        settings.state_dir,
        Dashboard(
            stack_dir=str(settings.stack_dir),
            project=settings.project,
            engine=engine.removeprefix("http+") if engine else None,
        ),
    )
    return settings.state_dir
