"""How two configurations differ, as a unified diff without secrets of variables. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from .envfile import parse, redraw
from .masking import mask

LONGEST = 20_000  # characters of a difference
CHANGED = " (another one)"  # after the mask of a secret that is going to be another one


def difference(present: Mapping[str, str], wanted: Mapping[str, str], env_path: str | None) -> str:
    """From `present` to `wanted` (path → content; a file that is missing counts as empty); "" when they are the same.

    In the env file secrets are masked; one that differs is marked, so that its line is seen to differ.
    """
    parts: list[str] = []
    for path in sorted({*present, *wanted}):
        before, after = present.get(path, ""), wanted.get(path, "")
        if path == env_path:
            before, after = _masked(before, {}), _masked(after, parse(before))
        parts += difflib.unified_diff(before.splitlines(), after.splitlines(), path, path, lineterm="", n=2)
    shown = "\n".join(parts)
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + "\n…"


def _masked(text: str, others: Mapping[str, str]) -> str:
    def show(key: str, value: str) -> str:
        hidden = mask(key, value)
        differs = key in others and others[key] != value and mask(key, others[key]) == hidden
        return hidden + CHANGED if differs else hidden

    return redraw(text, show)
