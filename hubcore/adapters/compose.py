"""Docker Compose, as a program: creating the containers that a stack defines but the engine does not have yet.

Compose v2 (`docker compose`) and v1 (`docker-compose`) both do. Nothing goes through a shell; the compose file, the
project's name and its folder are always given explicitly.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hubcore.compose_file import SERVICE_NAME
from hubcore.errors import BadRequest, ComposeFailed, ComposeUnavailable
from hubcore.models import text
from hubcore.settings import environment
from hubcore.userinfo import scrubbed

log = logging.getLogger(__name__)

PROGRAMS = (("docker", "compose"), ("docker-compose",))
VERSION_TIMEOUT = 10.0
FOUND_FOR = 300.0  # seconds an answer of the search is good for
MISSING_FOR = 15.0
GRACE = 5.0  # seconds between SIGTERM and SIGKILL
KEPT_LINES = 30
LINE_LENGTH = 500
VERSION = re.compile(r"v?(\d+)\.\d+[^\s]*")
TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
INTERPOLATED = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
# What docker and Compose themselves look at. The rest of the environment, our own settings included, stays out.
PASSED = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TMPDIR|XDG_\w+|SSH_\w+|DOCKER_\w+|BUILDKIT_\w+|COMPOSE_\w+"
    r"|(HTTPS?|NO|ALL|FTP)_PROXY|SYSTEMROOT|SYSTEMDRIVE|COMSPEC|PATHEXT|TEMP|TMP|USERPROFILE|(LOCAL)?APPDATA"
    r"|PROGRAM(DATA|FILES|W6432)\S*",
    re.IGNORECASE,
)
REPLACED = frozenset({"COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PATH_SEPARATOR"})


@dataclass(frozen=True)
class ComposeVersion:
    """Which Compose there is: the words that call it, its version, and 1 or 2 (later ones count as 2)."""

    command: tuple[str, ...]
    version: str
    generation: int


@dataclass(frozen=True)
class ComposeResult:
    """A run that succeeded: the last lines it wrote, and its seconds."""

    lines: tuple[str, ...]
    duration: float


class Compose:
    """Runs Compose for one stack. Safe for threads."""

    def __init__(
        self,
        stack_dir: Path,
        compose_file: Path | None,
        project: str,
        timeout: float = 600.0,
        overrides: Sequence[Path] = (),
    ) -> None:
        """`compose_file`, and `overrides` merged into it, relative to `stack_dir`; None without one.

        `timeout`: seconds a run may take.
        """
        self.stack_dir = stack_dir
        self.compose_file = stack_dir / compose_file if compose_file is not None else None
        self.overrides = tuple(stack_dir / path for path in overrides)
        self.project = project
        self.timeout = timeout
        self._found: tuple[float, ComposeVersion | None] | None = None
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def available(self) -> ComposeVersion | None:
        """The Compose that is installed, v2 before v1; None without one. Looked up again after a while."""
        with self._lock:
            if self._found is not None:
                age = time.monotonic() - self._found[0]
                if age < (FOUND_FOR if self._found[1] is not None else MISSING_FOR):
                    return self._found[1]
            version = next((found for words in PROGRAMS if (found := _version(words)) is not None), None)
            self._found = (time.monotonic(), version)
            return version

    def up(
        self,
        services: Sequence[str],
        *,
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ComposeResult:
        """Create and start the services and what they depend on; containers that exist are not made anew.

        `on_line` gets each line Compose writes (untrusted, without terminal codes), in the calling thread. Raises
        ComposeUnavailable, ComposeFailed (also when `timeout` seconds are over), BadRequest for an impossible name.
        """
        return self._up(["-d", "--no-recreate"], services, timeout, on_line)

    def recreate(
        self,
        service: str,
        *,
        replicas: int = 1,
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ComposeResult:
        """Make a service's `replicas` containers anew, so that its env file is read again; otherwise as `up`."""
        scale = [f"--scale={service}={replicas}"] if replicas > 1 else []
        return self._up(["-d", "--no-deps", "--force-recreate", *scale], [service], timeout, on_line)

    def create(
        self,
        services: Sequence[str],
        *,
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ComposeResult:
        """Create the containers of the services and of what they depend on, without starting them; otherwise as `up`.

        Compose v1 has no other word for it that is not deprecated, so both are asked with `up --no-start`.
        """
        return self._up(["--no-start", "--no-recreate"], services, timeout, on_line)

    def close(self) -> None:
        """End what is still running."""
        with self._lock:
            running = list(self._running)
        for process in running:
            _end(process)

    def _up(
        self, how: Sequence[str], services: Sequence[str], timeout: float | None, on_line: Callable[[str], None] | None
    ) -> ComposeResult:
        for name in services:
            if not SERVICE_NAME.fullmatch(name):
                raise BadRequest(text("“{name}” cannot be the name of a service.", name=name[:100]))
        command = [*self._command(), "up", *how, *services]
        return self._run(command, services, timeout or self.timeout, on_line)

    def _command(self) -> list[str]:
        found = self.available()
        if found is None:
            raise ComposeUnavailable(
                text("Docker Compose is not installed, so missing services cannot be created."),
                remedy=text("Install Docker Compose version 2: https://docs.docker.com/compose/install/"),
            )
        if self.compose_file is None or not self.compose_file.is_file():
            raise ComposeFailed(
                text("There is no compose file in the stack’s folder, so missing services cannot be created."),
                remedy=text(
                    "Set DASHBOARD_STACK_DIR to the folder with the compose file, then start the dashboard again."
                ),
            )
        files = [word for path in (self.compose_file, *self.overrides) for word in ("-f", str(path))]
        return [*found.command, *files, "--project-directory", str(self.stack_dir), "-p", self.project]

    def _run(
        self, command: list[str], services: Sequence[str], timeout: float, on_line: Callable[[str], None] | None
    ) -> ComposeResult:
        begun = time.monotonic()
        process = self._start(command)
        expired = threading.Event()
        timer = threading.Timer(timeout, _expire, (process, expired))
        timer.daemon = True
        timer.start()
        lines: deque[str] = deque(maxlen=KEPT_LINES)
        try:
            for line in _lines(process):
                lines.append(line)
                if on_line is not None:
                    on_line(line)
            code = process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                _end(process)
            with self._lock:
                self._running.discard(process)
        if expired.is_set() or code != 0:
            raise _failure(services, lines, timeout if expired.is_set() else None)
        return ComposeResult(tuple(lines), time.monotonic() - begun)

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        log.info("running %s", " ".join(command))
        try:
            process = subprocess.Popen(  # noqa: S603  a fixed program, checked names, no shell
                command,
                cwd=self.stack_dir,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that all of it can be ended, and Ctrl-C does not reach it
            )
        except OSError as error:
            self._found = None
            raise ComposeFailed(text("Docker Compose could not be started."), detail=str(error)) from error
        with self._lock:
            self._running.add(process)
        return process

    def _environment(self) -> dict[str, str]:
        """What docker needs, and the variables that the compose file mentions."""
        files = (self.compose_file, *self.overrides) if self.compose_file is not None else ()
        mentioned = {name for path in files for name in INTERPOLATED.findall(path.read_text("utf-8", "replace"))}
        given = environment()
        return _base_environment() | {name: given[name] for name in mentioned if name in given}


def _base_environment() -> dict[str, str]:
    passed = {n: v for n, v in environment().items() if PASSED.fullmatch(n) and n.upper() not in REPLACED}
    return passed | {"COMPOSE_ANSI": "never", "COMPOSE_PROGRESS": "plain", "TERM": "dumb"}


def _version(words: tuple[str, ...]) -> ComposeVersion | None:
    program = shutil.which(words[0])
    if program is None:
        return None
    command = (program, *words[1:])
    try:
        answer = subprocess.run(  # noqa: S603  a fixed program, no shell
            [*command, "version", "--short"],
            env=_base_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=VERSION_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("%s did not tell its version: %s", " ".join(words), error)
        return None
    found = VERSION.fullmatch(answer.stdout.decode("utf-8", "replace").strip())
    if answer.returncode != 0 or found is None:
        return None
    return ComposeVersion(command, found.group().removeprefix("v"), min(int(found.group(1)), 2))


def _failure(services: Sequence[str], lines: Iterable[str], timeout: float | None) -> ComposeFailed:
    names = ", ".join(services)
    message = text("Docker Compose could not create {services}.", services=names)
    if timeout is not None:
        seconds = round(timeout)
        message = text(
            "Creating {services} took longer than {seconds} seconds and was stopped.", services=names, seconds=seconds
        )
    remedy = text("Read what Compose said, mend it, then start the service again.")
    return ComposeFailed(message, remedy=remedy, detail="\n".join(lines) or None)


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    assert process.stdout is not None
    with process.stdout as output:
        host = environment().get("DOCKER_HOST", "")
        yield from (scrubbed(_clean(line), host) for line in output)


def _clean(raw: bytes) -> str:
    line = raw.decode("utf-8", "replace").rstrip().rpartition("\r")[2]  # of a line drawn over, the last state
    return TERMINAL_CODES.sub("", line)[:LINE_LENGTH]


def _expire(process: subprocess.Popen[bytes], expired: threading.Event) -> None:
    expired.set()
    _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all it started: politely, then by force."""
    _signal(process, force=False)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    _signal(process, force=True)  # also what outlived it in its group
    process.wait()


def _signal(process: subprocess.Popen[bytes], *, force: bool) -> None:
    if sys.platform == "win32":
        process.kill() if force else process.terminate()
    else:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
            os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
