"""The dashboard as a person starts it: `python -m hubcore up`, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from .waiting import free_ports, wait_until

ROOT = Path(__file__).resolve().parents[2]
Inside = Callable[[Callable[[], Any]], Any]


def _here(function: Callable[[], Any]) -> Any:
    return function()


class HubProcess:
    """A started dashboard.

    `api` and `ui` are its base addresses without a trailing slash, `log` the file with all it printed. With `prefix`
    the command runs inside something (`nsenter …`), and `inside` runs a function there too. `ready`: the path that
    answers 200 once it is up.
    """

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        *,
        prefix: Sequence[str] = (),
        inside: Inside = _here,
        ready: str = "/readyz",
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.prefix = tuple(prefix)
        self.inside = inside
        self.ready = ready
        self.api_port, self.ui_port = free_ports(2)
        self.api = f"http://127.0.0.1:{self.api_port}"
        self.ui = f"http://127.0.0.1:{self.ui_port}"
        self.log = directory / "hub.log"
        self.state_dir = directory / "state"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DASHBOARD_")} | {
            "DASHBOARD_ENV_FILE": "",
            "DASHBOARD_STATE_DIR": str(self.state_dir),
            "DASHBOARD_STACK_DIR": str(directory),
            "DASHBOARD_API_PORT": str(self.api_port),
            "DASHBOARD_UI_PORT": str(self.ui_port),
            **(environment or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, deadline: float = 60.0) -> HubProcess:
        """Start it and wait until both ports are ready; the printed lines are in the error when they are not."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "hubcore", "up"],
                cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,  # so that stop() can be sure to end all its parts
            )  # fmt: skip
        try:
            wait_until(self._ready, deadline, "the dashboard is ready")
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{self.output()}") from None
        return self

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the dashboard ended with {self.process.returncode}"
        try:
            ready = self.get(self.ready, timeout=2.0).status_code == 200
            page = self.inside(lambda: httpx.get(f"{self.ui}/_stcore/health", timeout=2.0))
        except httpx.TransportError:
            return False
        return ready and page.text == "ok"

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET of an API path; options as for httpx.get."""
        return self.inside(lambda: httpx.get(self.api + path, **({"timeout": 10.0} | options)))

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST to an API path; options as for httpx.post."""
        return self.inside(lambda: httpx.post(self.api + path, **({"timeout": 60.0} | options)))

    def output(self, lines: int = 40) -> str:
        """The last lines it printed."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, deadline: float = 20.0) -> int | None:
        """End it as Ctrl-C does; its exit status, or None when it had to be killed or was not started."""
        process, self.process = self.process, None
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            return process.wait(deadline)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _kill_group(process.pid)
            process.wait(5)


def _kill_group(leader: int) -> None:
    """End what is left of a session: parts that outlived their parent."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
