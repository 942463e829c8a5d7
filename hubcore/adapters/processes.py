"""Programs that the supervisor starts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hubcore.settings import SUPERVISED


class Child:
    """One started program in a process group of its own, so that Ctrl-C reaches it only through the supervisor.

    Its output goes where the supervisor's goes: no pipe that could fill up, or break when the supervisor dies.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        """Starts it; raises OSError."""
        self._process = subprocess.Popen(  # noqa: S603  our own programs, no shell
            list(command),
            cwd=cwd,
            env={**env, SUPERVISED: "1"},
            stdin=subprocess.DEVNULL,
            process_group=None if sys.platform == "win32" else 0,
        )
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """How it ended (negative: by that signal), or None while it runs."""
        return self._process.poll()

    def end(self) -> None:
        """Ask it to end."""
        if self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End it and what it started, at once."""
        if sys.platform == "win32":
            self._process.kill()
        else:
            with contextlib.suppress(ProcessLookupError):  # all of the group have ended
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
