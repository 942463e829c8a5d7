"""A Docker engine that tests may kill: beside any other, with data and a network namespace of its own."""

from __future__ import annotations

import ctypes
import os
import secrets
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from . import needs
from .stack import docker
from .waiting import wait_until

SCRIPT = Path(__file__).resolve().parent / "engine.sh"
CLONE_NEWNET = 0x40000000
T = TypeVar("T")


class PrivateEngine:
    """`address` is its DOCKER_HOST, `enter` the command prefix that runs a program where its published ports are."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.netns = f"hubtest-{secrets.token_hex(3)}"
        self.address = f"unix://{directory}/docker.sock"
        self.enter = ("nsenter", f"--net=/run/netns/{self.netns}")

    def start(self) -> PrivateEngine:
        """Start it, or start it again after `kill` or `stop`; returns when it answers."""
        self._script("private")
        return self

    def stop(self) -> None:
        """End it as an administrator does; its containers are stopped."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash does; its containers stop when it comes back."""
        self._signal(signal.SIGKILL)

    def remove(self) -> None:
        """End it and remove all it had."""
        self._script("private-down")

    def docker(self, *arguments: str, timeout: float = 60.0) -> str:
        """The docker command on this engine; its output."""
        return docker("--host", self.address, *arguments, timeout=timeout)

    def load(self, image: str) -> None:
        """Copy an image from the usual engine to this one."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as source:
            subprocess.run(
                ["docker", "--host", self.address, "load", "--quiet"],
                stdin=source.stdout, check=True, stdout=subprocess.DEVNULL, timeout=120,
            )  # fmt: skip

    def load_busybox(self) -> str:
        """Copy the stand-ins' image (2 MB) to this engine; its name."""
        image = needs.stack_environment().get("DEMO_BUSYBOX_IMAGE", "busybox:1.36")
        self.load(image)
        return image

    def inside(self, function: Callable[[], T]) -> T:
        """Run `function` in the engine's network namespace, so that 127.0.0.1 is there; its result or exception."""
        outcome: dict[str, Any] = {}

        def work() -> None:
            try:
                _enter(f"/run/netns/{self.netns}")
                outcome["result"] = function()
            except BaseException as error:
                outcome["error"] = error

        # a namespace belongs to a thread: this one ends with it
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome["result"]

    def _script(self, action: str) -> None:
        subprocess.run([SCRIPT, action, self.directory, self.netns], check=True, timeout=90, stdin=subprocess.DEVNULL)

    def _signal(self, number: signal.Signals) -> None:
        pid = int((self.directory / "pid").read_text())
        os.kill(pid, number)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), 30, "the private engine has ended")


def _enter(path: str) -> None:
    """setns(2) of the calling thread."""
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if library.setns(descriptor, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)
