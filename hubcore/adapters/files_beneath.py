"""Files beneath a folder, reached part by part without ever following a symbolic link.

Where the platform can open files relative to an open folder, whoever swaps a folder for a link in between gains
nothing: every step is taken from the folder that was looked at. Elsewhere each part is looked at first.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_BY_FOLDER = os.open in os.supports_dir_fd and sys.platform != "win32"
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_UNFINISHED = re.compile(r"\.hub-[0-9a-f]{12}\.tmp")


class NotPlain(OSError):
    """Something is a symbolic link, no plain file or folder, or larger than the limit."""


class OwnerLost(OSError):
    """The owner of a file could not be kept."""


class PlainFile(NamedTuple):
    """A file as read. `uid`, `gid` are 0 where there is no such thing."""

    data: bytes
    mode: int
    uid: int
    gid: int


def unfinished_name() -> str:
    """A name for something that is not complete yet; `Folder.sweep` knows it."""
    return f".hub-{secrets.token_hex(6)}.tmp"


class Folder:
    """An open folder. Everything here raises OSError; NotPlain for what is not a plain file or folder."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self.descriptor = descriptor

    def read(self, name: str, limit: int) -> PlainFile:
        """A plain file of at most `limit` bytes."""
        try:
            self._refuse_link(name)
            descriptor = os.open(self._at(name), os.O_RDONLY | _PLAIN | _BINARY, dir_fd=self.descriptor)
        except OSError as error:
            raise _explained(error, name) from error
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise NotPlain(errno.EINVAL, "no plain file", name)
            data = file.read(limit + 1)
        if len(data) > limit:
            raise NotPlain(errno.EFBIG, "too large", name)
        return PlainFile(data, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)

    def write(self, name: str, data: bytes, *, mode: int | None = None, new_mode: int = 0o644) -> None:
        """Replace a file's content, whole or not at all: written beside it, made durable, renamed.

        A file that exists keeps mode, owner and extended attributes (OwnerLost where it cannot); a new one gets
        `new_mode` and the owner of the folder, as far as this process may give it. `mode` sets the mode in either case.
        """
        before = self._status(name)
        if before is not None and not stat.S_ISREG(before.st_mode):
            raise NotPlain(errno.EINVAL, "no plain file", name)
        beside = unfinished_name()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN | _BINARY
        try:
            with os.fdopen(os.open(self._at(beside), flags, 0o600, dir_fd=self.descriptor), "wb") as file:
                file.write(data)
                file.flush()
                self._dress(file.fileno(), name, before, new_mode if mode is None else mode, force=mode is not None)
                os.fsync(file.fileno())
            self.rename(beside, name)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._at(beside), dir_fd=self.descriptor)
            raise

    def remove(self, name: str) -> None:
        """Remove a file, durably."""
        os.unlink(self._at(name), dir_fd=self.descriptor)
        if self.descriptor is not None:
            os.fsync(self.descriptor)

    def rename(self, old: str, new: str) -> None:
        """Give a file or folder another name, durably; a plain file of that name is replaced."""
        if self.descriptor is None:
            os.replace(self._at(old), self._at(new))  # noqa: PTH105  also with folders that are open
        else:
            os.rename(old, new, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
            os.fsync(self.descriptor)

    def exists(self, name: str) -> bool:
        """Whether there is anything of that name, a broken link included."""
        return self._status(name) is not None

    def names(self) -> list[str]:
        """What is in it."""
        return os.listdir(self.path if self.descriptor is None else self.descriptor)  # noqa: PTH208

    def is_folder(self, name: str) -> bool:
        """Whether it is a folder, and not a link to one."""
        found = self._status(name)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def is_file(self, name: str) -> bool:
        """Whether it is a plain file, and not a link to one."""
        found = self._status(name)
        return found is not None and stat.S_ISREG(found.st_mode)

    def changed_at(self) -> float:
        """When something was last put into it or taken out (epoch seconds)."""
        return os.stat(self.path if self.descriptor is None else self.descriptor).st_mtime  # noqa: PTH116

    def make(self, name: str, mode: int) -> None:
        """Make a folder; as a new file, it belongs to whom this one belongs to."""
        os.mkdir(self._at(name), mode, dir_fd=self.descriptor)
        if self.descriptor is not None and os.geteuid() == 0:
            own = os.fstat(self.descriptor)
            os.chown(name, own.st_uid, own.st_gid, dir_fd=self.descriptor, follow_symlinks=False)

    def own(self, name: str, like: PlainFile) -> None:
        """Give a file the owner of another one, if this process may."""
        if sys.platform != "win32":
            with contextlib.suppress(PermissionError):
                os.chown(self._at(name), like.uid, like.gid, dir_fd=self.descriptor, follow_symlinks=False)

    def restrict(self, mode: int) -> None:
        """Take rights away that `mode` does not have, if it is ours to do so."""
        if self.descriptor is not None and stat.S_IMODE(os.fstat(self.descriptor).st_mode) & ~mode:
            with contextlib.suppress(PermissionError):
                os.fchmod(self.descriptor, mode)

    def drop(self, name: str) -> None:
        """Remove a folder of files."""
        with self.inside(name) as folder:
            for inner in folder.names():
                os.unlink(folder._at(inner), dir_fd=folder.descriptor)
        os.rmdir(self._at(name), dir_fd=self.descriptor)

    def sweep(self) -> int:
        """Remove what a killed process left unfinished; how many."""
        swept = 0
        for name in self.names():
            if not _UNFINISHED.fullmatch(name):
                continue
            if self.is_folder(name):
                self.drop(name)
            else:
                os.unlink(self._at(name), dir_fd=self.descriptor)
            swept += 1
        return swept

    @contextmanager
    def inside(self, name: str) -> Iterator[Folder]:
        """A folder in this one."""
        descriptor = self._open_folder(name)
        try:
            yield Folder(self.path / name, descriptor)
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _open_folder(self, name: str) -> int | None:
        try:
            self._refuse_link(name)
            if self.descriptor is not None:
                return os.open(name, os.O_RDONLY | os.O_DIRECTORY | _PLAIN, dir_fd=self.descriptor)
        except OSError as error:
            raise _explained(error, name) from error
        if not self.is_folder(name):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return None

    def _at(self, name: str) -> str:
        return name if self.descriptor is not None else str(self.path / name)

    def _status(self, name: str) -> os.stat_result | None:
        try:
            return os.stat(self._at(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _refuse_link(self, name: str) -> None:
        found = self._status(name)
        if found is not None and stat.S_ISLNK(found.st_mode):
            raise NotPlain(errno.ELOOP, "a symbolic link", name)

    def _dress(self, target: int, name: str, before: os.stat_result | None, mode: int, *, force: bool) -> None:
        """Give a new file what the old one had: owner, attributes, mode."""
        if sys.platform == "win32":
            return
        model = before if before is not None else os.fstat(self.descriptor) if self.descriptor is not None else None
        if model is not None and (before is not None or os.geteuid() == 0):
            own = os.fstat(target)
            if (own.st_uid, own.st_gid) != (model.st_uid, model.st_gid):
                try:
                    os.fchown(target, model.st_uid, model.st_gid)
                except PermissionError as error:
                    raise OwnerLost(error.errno, error.strerror, name) from error
        if before is not None:
            self._copy_attributes(name, target)
        os.fchmod(target, stat.S_IMODE(before.st_mode) if before is not None and not force else mode)

    def _copy_attributes(self, name: str, target: int) -> None:
        if sys.platform != "linux":
            return
        with contextlib.suppress(OSError):  # not every file system has them
            source = os.open(self._at(name), os.O_RDONLY | _PLAIN, dir_fd=self.descriptor)
            try:
                for attribute in os.listxattr(source):
                    with contextlib.suppress(OSError):
                        os.setxattr(target, attribute, os.getxattr(source, attribute))
            finally:
                os.close(source)


@contextmanager
def beneath(root: Path, parts: tuple[str, ...], *, create: int | None = None) -> Iterator[Folder]:
    """The folder `parts` beneath `root`, which itself may be reached through links; `create`: mode of missing ones.

    Raises OSError: NotPlain where a part is a link, FileNotFoundError where one is missing.
    """
    with contextlib.ExitStack() as stack:
        descriptor = None
        if _BY_FOLDER:
            descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
        folder = Folder(root, descriptor)
        for part in parts:
            if create is not None and not folder.exists(part):
                with contextlib.suppress(FileExistsError):  # another process was faster
                    folder.make(part, create)
            folder = stack.enter_context(folder.inside(part))
        yield folder


def _explained(error: OSError, name: str) -> OSError:
    if isinstance(error, NotPlain):
        return error
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
        return NotPlain(error.errno, "a symbolic link, or no folder", name)
    return error
