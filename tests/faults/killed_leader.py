"""A leader that ends as by `kill -9` at one point of a save: `python -m tests.faults.killed_leader POINT`.

The program is the real one; only the named method ends the process before or after it has run.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from hubcore.actions.comeback import Comeback
from hubcore.actions.nginx_test import NginxTest
from hubcore.adapters.backupfolder import BackupFolder
from hubcore.adapters.engine_trial import Trials
from hubcore.adapters.files_beneath import Folder
from hubcore.adapters.stackconfig import StackConfig
from hubcore.hub import Hub
from hubcore.settings import load_settings

# name → class, method, before or after it, in which of its calls
POINTS: dict[str, tuple[type, str, str, int]] = {
    "before the check": (StackConfig, "read", "before", 1),
    "before the backup": (BackupFolder, "save", "before", 1),
    "in the middle of the backup": (Folder, "rename", "after", 1),
    "before the backup has its name": (Folder, "rename", "before", 4),
    "after the backup": (BackupFolder, "save", "after", 1),
    "before the test": (NginxTest, "run", "before", 1),
    "in the middle of the test": (Trials, "_output", "before", 1),
    "after the test": (NginxTest, "run", "after", 1),
    "before the first file": (StackConfig, "write", "before", 1),
    "before the first file has its name": (Folder, "rename", "before", 7),
    "after the first file": (StackConfig, "write", "after", 1),
    "after the last file": (StackConfig, "write", "after", 2),
    "before it is made anew": (Comeback, "recreate", "before", 1),
    "after it was made anew": (Comeback, "recreate", "after", 1),
    "before the first old file": (StackConfig, "write", "before", 3),
    "after the first old file": (StackConfig, "write", "after", 3),
    "after the last old file": (StackConfig, "write", "after", 4),
}


def end_at(kind: type, name: str, when: str, call: int) -> None:
    """Have the process end before or after the `call`-th call of a method."""
    whole: Callable[..., Any] = getattr(kind, name)
    calls = 0

    def patched(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if (when, call) == ("before", calls):
            os.kill(os.getpid(), signal.SIGKILL)
        result = whole(*args, **kwargs)
        if (when, call) == ("after", calls):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(kind, name, patched)


if __name__ == "__main__":
    end_at(*POINTS[sys.argv[1]])
    hub = Hub(load_settings())
    hub.start(preferred=True)
    threading.Event().wait(300)
