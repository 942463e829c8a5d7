"""The command line: `python -m hubcore up`, `collect`, `doctor`, `version`.

Exit codes: 0 all well, 1 something is wrong, 2 a setting is wrong.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Annotated

import orjson
import typer

from . import doctor as checks
from .adapters import ports, processes
from .adapters.files import private_directory
from .console import Voice, language_of
from .errors import HubError, Unavailable
from .log import configure_logging
from .models import text
from .settings import PROGRAM_DIR, Settings, environment, load_settings
from .supervisor import Program, Supervisor

VERSION = "0.1.0"
PORT_PATIENCE = 10.0  # seconds the parts of a killed predecessor have to notice it and end
PARTS = ("api_sidecar", "server.py", "multiprocessing")  # one of these stands in a part's command line
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

app = typer.Typer(
    help="One calm place to look after a self-hosted AI stack.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would show local variables, keys among them
)


@app.command()
def up() -> None:
    """Start the dashboard: collector, API and pages. Ctrl-C stops it."""
    settings, voice = _begin()
    try:
        private_directory(settings.state_dir)
        for field, host, port in _addresses(settings):
            _require_port(field, host, port)
    except HubError as error:
        voice.complain(error)
        raise typer.Exit(1) from error
    except OSError as error:
        voice.complain(_no_state(settings, error))
        raise typer.Exit(1) from error
    supervisor = Supervisor(_programs(settings), lambda: voice.started(settings))
    _on_signals(supervisor.stop)
    voice.say(text("Starting …"), "dim")
    if not supervisor.run():
        voice.complain(_not_started())
        raise typer.Exit(1)
    voice.say(text("The dashboard has stopped. The services of your stack go on running."))


@app.command()
def collect() -> None:
    """Collect only, without API and pages; `up` starts this as one of its parts."""
    settings, voice = _begin()
    from .hub import Hub  # not needed by the other commands, and slow to import

    stopping = threading.Event()
    if environment().get(processes.SUPERVISED) == "1":
        processes.end_with_parent(stopping.set)
    stops = iter((stopping.set, lambda: sys.exit(1)))  # the second signal does not wait for anything
    _on_signals(lambda: next(stops, lambda: None)())
    try:
        hub = Hub(settings)
    except (HubError, OSError) as error:
        voice.complain(error if isinstance(error, HubError) else _no_state(settings, error))
        raise typer.Exit(1) from error
    hub.start(preferred=True)
    while not stopping.wait(0.2):  # a short wait, so that a signal handler gets its turn on every system
        pass
    hub.close()


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Check engine, compose file, folders and ports, and say what to do."""
    found: list[checks.Finding] = []
    try:
        settings: Settings | None = load_settings()
    except HubError as error:
        settings = None
        found.append(checks.wrong_settings(error))
    voice = Voice(language_of(settings, environment()))
    for finding in found if settings is None else checks.examine(settings):
        found = found if settings is None else [*found, finding]
        if not as_json:
            voice.report(finding)
    healthy = all(finding.level is not checks.Level.PROBLEM for finding in found)
    if as_json:
        sys.stdout.write(orjson.dumps({"ok": healthy, "checks": [voice.plain(f) for f in found]}).decode() + "\n")
    raise typer.Exit(0 if healthy else 1)


@app.command()
def version() -> None:
    """Print the version."""
    sys.stdout.write(VERSION + "\n")


def _begin() -> tuple[Settings, Voice]:
    """Read the settings and set up the log; a wrong setting ends the program with one line and exit code 2."""
    try:
        settings = load_settings()
    except HubError as error:
        Voice(language_of(None, environment())).complain(error)
        raise typer.Exit(2) from error
    configure_logging(settings)
    return settings, Voice(language_of(settings, environment()))


def _addresses(settings: Settings) -> list[tuple[str, str, int]]:
    return [("api_port", settings.api_host, settings.api_port), ("ui_port", settings.ui_host, settings.ui_port)]


def _require_port(field: str, host: str, port: int) -> None:
    """Make sure that the port can be used; parts of a killed predecessor get a moment to end. Raises Unavailable."""
    deadline = time.monotonic() + PORT_PATIENCE
    while (trouble := ports.trouble_with(host, port)) is not None:
        holder = ports.holder_of(port)
        lineage = " ".join(holder.lineage) if holder is not None else ""
        running = "hubcore up" in lineage
        ending = holder is None or any(words in lineage for words in PARTS)
        if running or not ending or not ports.is_taken(trouble) or time.monotonic() > deadline:
            message, remedy = checks.port_trouble(field, host, port, trouble)
            if running:
                message = text("The dashboard is running already, on port {port}.", port=port)
            raise Unavailable(message, remedy=remedy)
        time.sleep(0.1)


def _programs(settings: Settings) -> list[Program]:
    variables = environment()

    def program(name: str, *arguments: str, answers: Callable[[], bool] | None = None) -> Program:
        command = [sys.executable, "-m", *arguments]
        return Program(name, lambda: processes.Child(command, cwd=PROGRAM_DIR, env=variables), answers)

    address = ["--server.address", settings.ui_host, "--server.port", str(settings.ui_port)]
    quiet = ["--server.headless", "true", "--logger.hideWelcomeMessage", "true"]
    return [
        program("collector", "hubcore", "collect"),
        program(
            "api",
            *("api_sidecar", "--supervised"),
            answers=lambda: ports.answers(settings.api_host, settings.api_port, "/healthz"),
        ),
        program(
            "pages",
            *("streamlit", "run", "server.py", *address, *quiet),
            answers=lambda: ports.answers(settings.ui_host, settings.ui_port, "/_stcore/health"),
        ),
    ]


def _on_signals(stop: Callable[[], object]) -> None:
    def handle(number: int, frame: FrameType | None) -> None:
        stop()

    for number in SIGNALS:
        signal.signal(number, handle)


def _no_state(settings: Settings, error: OSError) -> HubError:
    return HubError(
        text("The state folder {folder} cannot be used: {reason}.", folder=str(settings.state_dir), reason=str(error)),
        remedy=text("Make it writable for you, or choose another one with DASHBOARD_STATE_DIR."),
    )


def _not_started() -> HubError:
    return HubError(
        text("The dashboard could not be started; the lines above say why."),
        remedy=text("python -m hubcore doctor looks for the cause."),
    )


if __name__ == "__main__":
    app()
