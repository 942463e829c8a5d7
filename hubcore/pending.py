"""What an operation must not carry in its record, such as values of variables: a private file of its own.

Written before the operation is queued, read by the leader that runs it, removed when it has ended. The store keeps
deleted rows in its file for a while; a file is gone when it is removed.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import orjson

from .adapters.files import atomic_write, private_directory
from .errors import HubError
from .models import text

_ID = re.compile(r"[0-9a-f]{8,40}")


class Pending:
    """Private inputs of operations, one file each in `directory` (0700; files 0600)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, operation_id: str, value: Mapping[str, Any]) -> None:
        """Keep the input of an operation: JSON-ready data. Raises OSError."""
        private_directory(self._directory)
        atomic_write(self._path(operation_id), orjson.dumps(dict(value)))

    def get(self, operation_id: str) -> dict[str, Any]:
        """The input of an operation. Raises HubError when there is none."""
        try:
            value = orjson.loads(self._path(operation_id).read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise HubError(
                text("What this operation was to do is not known any more."),
                remedy=text("Give the command again."),
                detail=str(error),
            ) from error
        return dict(value)

    def drop(self, operation_id: str) -> None:
        """Remove the input of an operation, if there is one."""
        self._path(operation_id).unlink(missing_ok=True)

    def sweep(self, open_ids: Container[str]) -> None:
        """Remove the inputs of all operations but these, and what a killed process left half-written."""
        if self._directory.is_dir():
            for path in self._directory.iterdir():
                if path.stem not in open_ids:
                    path.unlink(missing_ok=True)

    def _path(self, operation_id: str) -> Path:
        if not _ID.fullmatch(operation_id):
            raise ValueError(operation_id)
        return self._directory / f"{operation_id}.json"
