"""Reads the stack's files: the compose file and single variables of env files. Never writes."""

from __future__ import annotations

import logging
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from dotenv import dotenv_values

from ..compose_file import StackFile, merged, parse_compose, project_name
from ..compose_yaml import LONGEST, BadYaml, load
from ..models import Text, text

log = logging.getLogger(__name__)

USUAL_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
ENV_LIMIT = 1_000_000  # bytes


def compose_path(stack_dir: Path, name: str, *, explicit: bool) -> Path | None:
    """The compose file of a stack: the named one, else (unless it was named on purpose) one with a usual name."""
    candidates = (name,) if explicit else (name, *USUAL_NAMES)
    return next((path for c in candidates if (path := stack_dir / c).is_file()), None)


def override_path(path: Path) -> Path | None:
    """The file that Compose merges into `path` by itself: only where that has a usual name."""
    if path.name not in USUAL_NAMES:
        return None
    return next((found for name in OVERRIDES if (found := path.with_name(name)).is_file()), None)


def read_env(path: Path) -> dict[str, str]:
    """The variables of an env file; empty where it cannot be read, or is no regular file (a pipe would never end)."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > ENV_LIMIT:
            return {}
        values: Mapping[str, str | None] = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, ValueError):  # ValueError: not UTF-8, or a path that no file can have
        return {}
    return {key: value for key, value in values.items() if value is not None}


Stamp = tuple[int, int, int] | None


class StackFiles:
    """The stack's compose file, read again only when it changed.

    While it cannot be read, the last readable version stays in force. `environment` beats the stack's `.env` where the
    compose file names a variable, as it does for Compose.
    """

    def __init__(self, stack_dir: Path, name: str, *, explicit: bool, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.stack_dir = stack_dir
        self._name = name
        self._explicit = explicit
        self._stamp: object = None
        self._file = StackFile()
        self._readable: StackFile | None = None
        self._env: dict[Path, tuple[Stamp, dict[str, str]]] = {}

    def load(self) -> StackFile:
        """The compose file as it is now; problems are told in its `problem`, never raised."""
        paths = self._paths()
        stamp = tuple((path, _stamp(path)) for path in (*paths, self.stack_dir / ".env"))
        if stamp != self._stamp:
            self._file = self._read(paths)
            self._stamp = stamp
            if self._file.problem is None:
                self._readable = self._file
            elif paths and self._readable is not None:
                self._file = self._readable.model_copy(update={"problem": self._file.problem})
        return self._file

    def variable(self, env_file: str, name: str) -> str | None:
        """One variable of `env/<env_file>` in the stack's folder, or None."""
        folder = self.stack_dir / "env"
        try:
            path = (folder / env_file).resolve()
            if path.parent != folder.resolve():
                return None
        except (OSError, ValueError):
            return None
        stamp = _stamp(path)
        known = self._env.get(path)
        if known is None or known[0] != stamp:
            known = self._env[path] = (stamp, read_env(path))
        return known[1].get(name)

    def _paths(self) -> list[Path]:
        path = compose_path(self.stack_dir, self._name, explicit=self._explicit)
        if path is None:
            return []
        override = None if self._explicit else override_path(path)
        return [path] if override is None else [path, override]

    def _read(self, paths: Sequence[Path]) -> StackFile:
        if not paths:
            return StackFile(problem=text("There is no compose file in {folder}.", folder=str(self.stack_dir)))
        documents = []
        for path in paths:
            try:
                documents.append(load(_content(path)))
            except (OSError, ValueError) as error:
                return StackFile(path=str(paths[0]), problem=_problem(path, error))
        variables = {**read_env(self.stack_dir / ".env"), **self._environment}
        data = documents[0] if len(documents) == 1 else merged(documents)
        parsed = parse_compose(data, path=str(paths[0]), variables=variables)
        update: dict[str, object] = {"more_paths": tuple(str(path) for path in paths[1:])}
        if parsed.project is None:
            update["project"] = variables.get("COMPOSE_PROJECT_NAME") or project_name(self.stack_dir.name)
        return parsed.model_copy(update=update)


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(4 * LONGEST).decode("utf-8-sig")


def _problem(path: Path, error: Exception) -> Text:
    log.warning("The compose file %s cannot be read: %s", path, error)
    if isinstance(error, BadYaml) and error.line is not None:
        return text(
            "The compose file {file} cannot be read: there is a mistake at line {line}.",
            file=path.name,
            line=error.line,
        )
    reason = " ".join(str(error).split())[:300]
    return text("The compose file {file} cannot be read: {reason}.", file=path.name, reason=reason)


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
