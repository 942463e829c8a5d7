"""API tokens on disk: `tokens.json` in the state folder, and when each was used last.

The command line writes it, the API reads it; a change is seen at the next request, for every look compares the file's
identity. A file that cannot be read or understood lets nobody in.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson
from pydantic import TypeAdapter, ValidationError

from hubcore.errors import TokensUnreadable
from hubcore.models import dump, text
from hubcore.tokens import Token

from .files import atomic_write, private_directory
from .files_lock import locked

PATIENCE = 5.0  # seconds a change waits for another one
USED_EVERY = 60.0  # seconds between two notes of a token's use
LARGEST = 1 << 20  # bytes; a thousand tokens are a quarter of it
_TOKENS = TypeAdapter(tuple[Token, ...])


class _Seen(NamedTuple):
    """The tokens, and the identity of the file they were read from (None: there was none)."""

    identity: tuple[int, int, int, int] | None
    tokens: tuple[Token, ...]


class TokenFile:
    """Safe for threads and several processes."""

    def __init__(self, state_dir: Path) -> None:
        """`state_dir`: made, private, at the first change."""
        self.path = state_dir / "tokens.json"
        self._used = state_dir / "tokens-used"
        self._seen = _Seen(None, ())
        self._noted: dict[str, float] = {}
        self._lock = threading.Lock()

    def tokens(self) -> tuple[Token, ...]:
        """All tokens as they are now, expired ones included. Costs one look at the file's identity.

        Raises TokensUnreadable when the file is damaged or cannot be read.
        """
        try:
            identity = self._identity()
            seen = self._seen
            if identity != seen.identity:
                seen = self._seen = _Seen(identity, self._read() if identity is not None else ())
        except (OSError, ValueError) as error:
            raise _unreadable(self.path, error) from error
        return seen.tokens

    def change(self, change: Callable[[tuple[Token, ...]], Sequence[Token]]) -> None:
        """Replace the tokens by what `change` makes of them; nobody else changes them meanwhile.

        Raises TokensUnreadable, OSError (TimeoutError when another program is at it), and what `change` raises.
        """
        private_directory(self.path.parent)
        with locked(self.path.with_name("tokens.lock"), PATIENCE):
            kept = change(self.tokens())
            atomic_write(self.path, orjson.dumps({"tokens": [dump(t) for t in kept]}, option=orjson.OPT_INDENT_2))
        for path in self._used.glob("*"):
            if path.name not in {token.id for token in kept}:
                with contextlib.suppress(OSError):
                    path.unlink()

    def note_use(self, token_id: str) -> None:
        """Remember that a token was used now: the time of an empty file, touched once a minute at most."""
        now = time.monotonic()
        with self._lock:
            if now - self._noted.get(token_id, -USED_EVERY) < USED_EVERY:
                return
            self._noted[token_id] = now
        with contextlib.suppress(OSError):  # a full disk must not keep anybody out
            private_directory(self._used)
            (self._used / token_id).touch(mode=0o600)

    def last_used(self, token_id: str) -> float | None:
        """When a token was used last, within a minute; epoch seconds, None: never."""
        try:
            return (self._used / token_id).stat().st_mtime
        except OSError:
            return None

    def _identity(self) -> tuple[int, int, int, int] | None:
        try:
            found = os.stat(self.path)  # noqa: PTH116  at every request: a third of Path.stat's time
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size

    def _read(self) -> tuple[Token, ...]:
        """Raises OSError, and ValueError for what is not a list of different tokens."""
        with self.path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise ValueError("too large")
        value = orjson.loads(data)
        try:
            tokens = _TOKENS.validate_python(value["tokens"])
        except (KeyError, TypeError, ValidationError) as error:
            raise ValueError(type(error).__name__) from error
        if len({token.id for token in tokens}) != len(tokens):
            raise ValueError("the same id twice")
        return tokens


def _unreadable(path: Path, error: Exception) -> TokensUnreadable:
    return TokensUnreadable(
        text("The list of tokens is damaged or cannot be read; until it can, no token opens anything."),
        remedy=text("On the machine itself: mend or remove tokens.json in the state folder, then make new tokens."),
        detail=f"{path}: {type(error).__name__}: {error}",
    )
