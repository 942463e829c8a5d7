"""Reads and writes the configuration of services: env files and configuration files beneath the stack's folder."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hubcore.errors import FileRefused
from hubcore.models import Text, text

from .files_beneath import Folder, NotPlain, OwnerLost, PlainFile, beneath, unfinished_name

STAGING = "backups"  # already there, not for everybody's eyes, and tidied up after a kill
LARGEST = 2_000_000  # bytes of one file that are read
NEW_SECRET_FILE, NEW_FILE, NEW_FOLDER = 0o600, 0o644, 0o755
_PART = re.compile(r"[^/\\\x00]+")


@dataclass(frozen=True)
class Contents:
    """The files of a service as they are; `version` names this state. `problems`: why one cannot be read."""

    files: Mapping[str, PlainFile] = field(default_factory=dict)
    problems: Mapping[str, FileRefused] = field(default_factory=dict)
    version: str = ""

    def texts(self) -> dict[str, str]:
        """Path → content; bytes that are not UTF-8 as lone surrogates, which encode to the same bytes again."""
        return {path: file.data.decode("utf-8", "surrogateescape") for path, file in self.files.items()}


class StackConfig:
    """The configuration files beneath `stack_dir`. Paths are relative to it, with forward slashes.

    Symbolic links are refused at every level: a container that may write somewhere in the stack could otherwise have
    the dashboard read or write any file of this machine.
    """

    def __init__(self, stack_dir: Path) -> None:
        self.stack_dir = stack_dir

    def read(self, paths: Iterable[str]) -> Contents:
        """What is stored in these files; never raises, what exists and cannot be read is told in `problems`."""
        files: dict[str, PlainFile] = {}
        problems: dict[str, FileRefused] = {}
        state = hashlib.sha256()
        for path in paths:
            mark = b"missing"
            try:
                with self._folder(path) as folder:
                    files[path] = folder.read(_name(path), LARGEST)
                    mark = b"content:" + hashlib.sha256(files[path].data).digest()
            except FileNotFoundError:
                pass
            except OSError as error:
                problems[path] = _refusal(path, error, reading=True)
                mark = b"unreadable"
            state.update(len(path).to_bytes(4, "big") + path.encode("utf-8", "surrogateescape") + mark)
        return Contents(files, problems, state.hexdigest()[:32])

    def write(self, path: str, data: bytes, *, secret: bool = False) -> None:
        """Replace a file's content, whole or not at all; mode and owner stay. Raises FileRefused.

        A missing one is made, with its folders: 0600 when it is `secret`, else 0644 for whoever the container runs as.
        """
        try:
            with self._folder(path, create=NEW_FOLDER) as folder:
                folder.write(_name(path), data, new_mode=NEW_SECRET_FILE if secret else NEW_FILE)
        except OSError as error:
            raise _refusal(path, error, reading=False) from error

    def remove(self, path: str) -> None:
        """Remove a file that was made by mistake. Raises FileRefused."""
        try:
            with self._folder(path) as folder:
                folder.remove(_name(path))
        except OSError as error:
            raise _refusal(path, error, reading=False) from error

    def place(self, path: str) -> Path:
        """Where a file is, for whoever must name it to another program; says nothing of whether it is there."""
        return self.stack_dir.joinpath(*_parts(path))

    @contextmanager
    def staged(self, contents: Mapping[str, bytes], like: Mapping[str, PlainFile]) -> Iterator[dict[str, Path]]:
        """Copies of files as they are going to be, with mode and owner of those that exist (`like`), for a test.

        They lie in a folder of the stack, which other programs of this machine may see, and are gone afterwards.
        Yields path → copy. Raises FileRefused.
        """
        unfinished = unfinished_name()
        try:
            with beneath(self.stack_dir, (STAGING,), create=0o700) as staging:
                staging.make(unfinished, 0o700)
                try:
                    with staging.inside(unfinished) as folder:
                        for number, (path, data) in enumerate(contents.items()):
                            before = like.get(path)
                            folder.write(str(number), data, mode=before.mode if before else NEW_FILE)
                            if before is not None:
                                folder.own(str(number), before)
                        yield {path: folder.path / str(number) for number, path in enumerate(contents)}
                finally:
                    staging.drop(unfinished)
        except OSError as error:
            raise _refusal(STAGING, error, reading=False) from error

    def sweep(self, paths: Iterable[str]) -> int:
        """Remove what a killed process left beside these files; how many."""
        swept = 0
        for parent in sorted({path.rpartition("/")[0] for path in paths}):
            try:
                with beneath(self.stack_dir, _parts(parent) if parent else ()) as folder:
                    swept += folder.sweep()
            except OSError:
                continue  # no such folder, or not ours to tidy up
        return swept

    def _folder(self, path: str, *, create: int | None = None) -> AbstractContextManager[Folder]:
        return beneath(self.stack_dir, _parts(path)[:-1], create=create)


def _parts(path: str) -> tuple[str, ...]:
    parts = tuple(path.split("/"))
    if not all(_PART.fullmatch(part) and part not in (".", "..") for part in parts):
        raise NotPlain(errno.EINVAL, "no path in the stack's folder", path)
    return parts


def _name(path: str) -> str:
    return _parts(path)[-1]


def _refusal(path: str, error: OSError, *, reading: bool) -> FileRefused:
    message, remedy = _why(path, error)
    if message is None:
        message = (
            text("{file} cannot be read.", file=path) if reading else text("{file} could not be written.", file=path)
        )
    return FileRefused(message, remedy=remedy, detail=f"{type(error).__name__}: {error}"[:500])


def _why(path: str, error: OSError) -> tuple[Text | None, Text | None]:
    if isinstance(error, OwnerLost):
        return (
            text("{file} belongs to another user, and would not any more after a change.", file=path),
            text("Run the dashboard as the user whom the stack’s files belong to."),
        )
    if isinstance(error, NotPlain):
        return (
            text(
                "{file} is a link, lies behind one, or is no ordinary file; it is neither read nor written.", file=path
            ),
            text("Put an ordinary file there."),
        )
    if isinstance(error, PermissionError):
        return (
            text("The dashboard is not allowed to use {file}.", file=path),
            text("Check the owner and the rights of the file and of its folder."),
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return text("There is no space left for {file}.", file=path), text("Free some space, then try again.")
    if error.errno == errno.EROFS:
        return (
            text("{file} lies where nothing can be written.", file=path),
            text("Let the dashboard write to the stack’s folder."),
        )
    return None, None
