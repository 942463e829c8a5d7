"""Reads the stack's files: the compose file and single variables of env files. Never writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ..catalog import StackFile, parse_compose, project_name
from ..models import text

USUAL_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_MAX_BYTES = 2_000_000


def compose_path(stack_dir: Path, name: str, *, explicit: bool) -> Path | None:
    """The compose file of a stack: the named one, else (unless it was named on purpose) one with a usual name."""
    candidates = (name,) if explicit else (name, *USUAL_NAMES)
    return next((path for c in candidates if (path := stack_dir / c).is_file()), None)


def read_env(path: Path) -> dict[str, str]:
    """The variables of an env file; empty where it cannot be read."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return {}
        values: Mapping[str, str | None] = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    return {key: value for key, value in values.items() if value is not None}


class StackFiles:
    """The stack's compose file, read again only when it changed.

    `environment` beats the stack's `.env` where the compose file names a variable, as it does for Compose.
    """

    def __init__(self, stack_dir: Path, name: str, *, explicit: bool, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.stack_dir = stack_dir
        self._name = name
        self._explicit = explicit
        self._stamp: object = None
        self._file = StackFile()

    def load(self) -> StackFile:
        """The compose file as it is now; problems are told in its `problem`, never raised."""
        path = compose_path(self.stack_dir, self._name, explicit=self._explicit)
        stamp = (path, _stamp(path), _stamp(self.stack_dir / ".env"))
        if stamp != self._stamp:
            self._stamp = stamp
            self._file = self._read(path)
        return self._file

    def variable(self, env_file: str, name: str) -> str | None:
        """One variable of `env/<env_file>` in the stack's folder, or None."""
        folder = self.stack_dir / "env"
        path = (folder / env_file).resolve()
        return read_env(path).get(name) if path.parent == folder.resolve() else None

    def _read(self, path: Path | None) -> StackFile:
        if path is None:
            return StackFile(
                problem=text(
                    "There is no compose file in {folder}.",
                    folder=str(self.stack_dir),
                )
            )
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise YAMLError("the file is larger than 2 MB")
            data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
            variables = {**read_env(self.stack_dir / ".env"), **self._environment}
            parsed = parse_compose(data, path=str(path), variables=variables)
        except (OSError, UnicodeDecodeError, YAMLError, RecursionError) as error:
            reason = " ".join(str(error).split())[:300]
            problem = text("The compose file {file} cannot be read: {reason}", file=path.name, reason=reason)
            return StackFile(path=str(path), problem=problem)
        if parsed.project is None:
            project = variables.get("COMPOSE_PROJECT_NAME") or project_name(self.stack_dir.name)
            parsed = parsed.model_copy(update={"project": project})
        return parsed


def _stamp(path: Path | None) -> tuple[int, int] | None:
    if path is None:
        return None
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
