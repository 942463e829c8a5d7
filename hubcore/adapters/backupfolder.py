"""The stack's `backups` folder: one folder for each backup, complete as soon as it has its name.

A backup is written under a temporary name, made durable and renamed, so whatever is listed is whole. The format is in
docs/configuration.md; folders of older programs, which have no manifest, are listed as well.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from hubcore.errors import FileRefused
from hubcore.models import BackupEntry, text

from .files_beneath import Folder, PlainFile, beneath, unfinished_name

FOLDER = "backups"
MANIFEST = "manifest.json"
FORMAT = 1
LARGEST_MANIFEST = 4_000_000  # bytes
SECONDS_TRIED = 1000
_ID = re.compile(r"(?P<service>.+)_(?P<date>\d{8})_(?P<time>\d{6})", re.ASCII | re.DOTALL)
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)

# Path relative to the stack's root, what it is (`env`, `config`), and the file as read.
Part = tuple[str, str, PlainFile]


class BackupFolder:
    """The backups beneath `stack_dir`. Folders 0700, files 0600."""

    def __init__(self, stack_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self.stack_dir = stack_dir
        self._clock = clock

    def save(self, service: str, reason: str, parts: Sequence[Part]) -> str:
        """Back up files and return the id of the backup. Raises FileRefused; nothing is listed then.

        `reason`: before_save or by_hand. Two backups of one second take that and the next free one.
        """
        now, unfinished = self._clock(), unfinished_name()
        try:
            with beneath(self.stack_dir, (FOLDER,), create=0o700) as backups:
                backups.restrict(0o700)
                backups.make(unfinished, 0o700)
                try:
                    with backups.inside(unfinished) as folder:
                        _fill(folder, service, reason, now, parts)
                    return _give_name(backups, unfinished, service, now)
                except BaseException:
                    with contextlib.suppress(OSError):
                        backups.drop(unfinished)
                    raise
        except OSError as error:
            raise FileRefused(
                text("The backup could not be written."),
                remedy=text("Check the space on the disk, and the rights of the folder “backups” of the stack."),
                detail=f"{type(error).__name__}: {error}"[:500],
            ) from error

    def entries(self) -> list[BackupEntry]:
        """All complete backups, newest first. Raises FileRefused when the folder cannot be read."""
        try:
            with beneath(self.stack_dir, (FOLDER,)) as backups:
                found = [entry for name in backups.names() if (entry := _entry(backups, name)) is not None]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FileRefused(
                text("The folder “backups” cannot be read."),
                remedy=text("It must be an ordinary folder of the stack that the dashboard may read."),
                detail=f"{type(error).__name__}: {error}"[:500],
            ) from error
        return sorted(found, key=lambda entry: (entry.date, entry.time, entry.created, entry.id), reverse=True)

    def sweep(self) -> int:
        """Remove what a killed process left unfinished; how many."""
        try:
            with beneath(self.stack_dir, (FOLDER,)) as backups:
                return backups.sweep()
        except OSError:
            return 0


def _fill(folder: Folder, service: str, reason: str, now: float, parts: Iterable[Part]) -> None:
    """Copies, then the manifest that names them; all of it durable."""
    listed: list[dict[str, Any]] = []
    taken = {MANIFEST}
    for path, part, file in parts:
        name = path.rpartition("/")[2]
        name = name if name not in taken else path.replace("/", "__")
        while name in taken:
            name = "_" + name
        taken.add(name)
        folder.write(name, file.data, mode=0o600)
        listed.append(
            {
                "name": name,
                "path": path,
                "part": part,
                "size": len(file.data),
                "sha256": hashlib.sha256(file.data).hexdigest(),
                "mode": f"{file.mode:04o}",
                "uid": file.uid,
                "gid": file.gid,
            }
        )
    manifest = {"format": FORMAT, "service": service, "created": now, "reason": reason, "files": listed}
    folder.write(MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2), mode=0o600)


def _give_name(backups: Folder, unfinished: str, service: str, now: float) -> str:
    for second in range(SECONDS_TRIED):
        backup_id = f"{service}_{time.strftime('%Y%m%d_%H%M%S', time.localtime(now + second))}"
        if backups.exists(backup_id):
            continue
        try:
            backups.rename(unfinished, backup_id)
        except OSError as error:
            if error.errno in _TAKEN:  # another process was faster
                continue
            raise
        return backup_id
    raise FileExistsError(errno.EEXIST, "no free name", service)


def _entry(backups: Folder, name: str) -> BackupEntry | None:
    """One backup of the list; None for what is none, or cannot be looked into."""
    parts = _ID.fullmatch(name)
    if parts is None or name.startswith("."):
        return None
    try:
        with backups.inside(name) as folder:
            manifest = _manifest(folder)
            files = sorted(n for n in folder.names() if n != MANIFEST and folder.is_file(n))
            created = manifest.get("created")
            return BackupEntry(
                id=name,
                **parts.groupdict(),
                files=tuple(files),
                created=float(created) if isinstance(created, int | float) else folder.changed_at(),
                reason=str(manifest.get("reason") or ""),
            )
    except OSError:
        return None


def _manifest(folder: Folder) -> dict[str, Any]:
    """What the manifest says; {} without a readable one."""
    try:
        value = orjson.loads(folder.read(MANIFEST, LARGEST_MANIFEST).data)
    except (OSError, orjson.JSONDecodeError):
        return {}
    return value if isinstance(value, dict) else {}
