"""How nginx is asked whether a configuration is good, and what its answer means. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

_PROCESS = re.compile(r"^\d+#\d+: ")
_PROGRAMS = frozenset({"nginx", "nginx-debug"})


def checking_command(command: Sequence[str]) -> tuple[str, ...] | None:
    """nginx's own test (`-t`) with the arguments a container starts it with; None where that is not to be seen.

    Whatever starts nginx in its place, such as the image's entry point, is left out: it may write files.
    """
    for number, word in enumerate(command):
        if posixpath.basename(word) in _PROGRAMS:
            return (*(part for part in command[number:] if part not in ("-t", "-T")), "-t")
    return None


def complaint(output: bytes) -> str:
    """The line in which nginx says what is wrong, without its time stamp; its last line where none does."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    for line in lines:
        for level in ("[emerg]", "[alert]", "[crit]", "[error]"):
            if level in line:
                return _PROCESS.sub("", line.partition(level)[2].strip())
    return lines[-1] if lines else ""
