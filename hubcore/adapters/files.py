"""Files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from pathlib import Path


def require_own(path: Path) -> os.stat_result:
    """The directory's properties.

    Raises OSError: PermissionError when it, or a link in its place, is another user's.
    """
    found = path.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    if sys.platform != "win32" and {found.st_uid, path.lstat().st_uid} != {os.geteuid()}:
        raise PermissionError(errno.EPERM, "it belongs to another user", str(path))
    return found


def private_directory(path: Path) -> Path:
    """Make a directory (mode 0700), with its parents; one that exists gets that mode, unless a link leads there.

    Raises OSError: PermissionError for a directory of another user, and for one that others may enter by way of a link.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = require_own(path)
    if sys.platform != "win32" and found.st_mode & 0o077:
        if path.is_symlink():
            raise PermissionError(errno.EPERM, "it is a link to a directory that others may enter", str(path))
        path.chmod(0o700)
    return path


def private_file(path: Path) -> None:
    """Make an empty file (mode 0600) unless there is one, which must be a plain file of this user and gets that mode.

    A link is not followed. An existing file is not opened: closing it again would drop the locks that SQLite holds on
    it in this process. Raises OSError.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600))
    except FileExistsError:
        make_private(path)


def make_private(path: Path) -> None:
    """Take a file's permissions from everybody else. Raises PermissionError for what is no plain file of this user."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise PermissionError(errno.EPERM, "it is not a plain file", str(path))
    if sys.platform != "win32":
        if found.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "it belongs to another user", str(path))
        if found.st_mode & 0o077:
            path.chmod(0o600)


def atomic_write(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file's content: whoever reads sees the old or the new one, also after a power cut.

    The new content is written beside it, made durable, and renamed. Raises OSError; nothing is left behind then.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if sys.platform != "win32":
            beside.chmod(mode)  # whatever the umask took away
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        raise
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    """Make a rename durable; not every system can open a directory."""
    if sys.platform == "win32":
        return
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
