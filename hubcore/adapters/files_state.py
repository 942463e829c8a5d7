"""The state folder: to which dashboard it belongs. Two dashboards in one folder would show and control one stack.

A small file says it, written once. Whoever opens the folder compares, so that an explicit folder cannot be used for two
stacks by mistake.
"""

from __future__ import annotations

import logging
import stat
import sys
from pathlib import Path

import orjson

from hubcore.errors import SettingsError
from hubcore.models import Model, Text, text

from .files import atomic_write, private_directory, require_own
from .files_lock import locked

MARKER = "belongs-to.json"
LOCK = "belongs-to.lock"
PATIENCE = 5.0  # seconds to wait for another process that opens the folder for the first time
LARGEST = 1 << 16  # bytes; ours has some hundred
# One of these stands in every folder that a dashboard has used.
OURS = (MARKER, LOCK, "store/cache.db", "history.sqlite3", "tokens.json", "logs/security.log")
HARMLESS = frozenset({"lost+found", ".DS_Store"})  # what systems put into an empty folder themselves

log = logging.getLogger(__name__)


class Dashboard(Model):
    """What makes one dashboard another than the next. `engine`: its address without secrets, None when unknown."""

    stack_dir: str
    project: str | None = None
    engine: str | None = None

    def is_same(self, other: Dashboard) -> bool:
        """Whether both look after the same stack; an unknown engine agrees with every other."""
        engines = {self.engine, other.engine} - {None}
        return (self.stack_dir, self.project) == (other.stack_dir, other.project) and len(engines) < 2


def claim(folder: Path, dashboard: Dashboard) -> None:
    """Make the state folder (0700) if need be and take it for this dashboard; several processes may do so at once.

    Raises SettingsError, whose one line says what to do, when it belongs to another dashboard or to something else;
    OSError when it cannot be used, PermissionError when it is another user's.
    """
    _enter(folder)
    marker = folder / MARKER
    if not marker.exists():
        with locked(folder / LOCK, PATIENCE):
            if not marker.exists():
                atomic_write(marker, orjson.dumps(dashboard.model_dump(), option=orjson.OPT_INDENT_2) + b"\n")
                return
    found = _read(marker)
    if found is None:
        raise SettingsError(
            text(
                "The file {file} cannot be read, so nobody knows whose state folder this is: delete it.",
                file=str(marker),
            )
        )
    if not found.is_same(dashboard):
        raise SettingsError(_another(folder, found))


def _enter(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        before = require_own(folder)
        content = {path.name for path in folder.iterdir()} - HARMLESS
        if content and not any((folder / name).exists() for name in OURS):
            message = text(
                "The state folder {folder} holds other things than a dashboard’s. Set DASHBOARD_STATE_DIR to a folder "
                "of its own, for example {better}.",
                folder=str(folder),
                better=str(folder / "dashboard"),
            )
            raise SettingsError(message) from None
        if sys.platform != "win32" and stat.S_IMODE(before.st_mode) & 0o077:
            log.warning("From now on only you can enter the state folder %s.", folder)
    private_directory(folder)


def _read(marker: Path) -> Dashboard | None:
    """What stands in the file; None when it is not readable as one of ours."""
    try:
        if not stat.S_ISREG(marker.lstat().st_mode) or marker.stat().st_size > LARGEST:
            return None
        return Dashboard.model_validate_json(marker.read_bytes())
    except ValueError:
        return None


def _another(folder: Path, found: Dashboard) -> Text:
    return text(
        "The state folder {folder} belongs to another dashboard (stack {stack}, project {project}, engine {engine}). "
        "Set DASHBOARD_STATE_DIR to a folder of its own. If this is the same stack in a new place or with new "
        "settings, delete {file}.",
        folder=str(folder),
        stack=found.stack_dir,
        project=found.project or "–",
        engine=found.engine or "–",
        file=str(folder / MARKER),
    )
