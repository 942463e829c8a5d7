"""The command line: `python -m hubcore up`, `collect`, `doctor`, `token`, `version`.

Exit codes: 0 all well, 1 something is wrong, 2 a setting is wrong.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Annotated

import orjson
import typer

from . import doctor as checks
from . import listening
from .adapters import ports, processes
from .cli_tokens import app as token_commands
from .console import Voice, begin, language_of
from .errors import HubError, SettingsError, Unavailable
from .exposure import require_tokens
from .models import text
from .process_life import HEARTBEAT, Heart, Pulse, end_with_parent, is_supervised
from .settings import PROGRAM_DIR, VERSION, Settings, environment, load_settings
from .statefolder import open_state
from .supervisor import Program, Supervisor

PORT_PATIENCE = 10.0  # seconds the parts of a killed predecessor have to notice it and end
ANSWER_PATIENCE = 5.0  # seconds a busy part has to answer before it counts as silent
PARTS = ("api_sidecar", "server.py", "multiprocessing")  # one of these stands in a part's command line
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

app = typer.Typer(
    help="One calm place to look after a self-hosted AI stack.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would show local variables, keys among them
)
app.add_typer(token_commands, name="token")


@app.command()
def up() -> None:
    """Start the dashboard: collector, API and pages. Ctrl-C stops it."""
    settings, voice = begin()
    try:
        require_tokens(settings)
    except HubError as error:
        voice.complain(error)
        raise typer.Exit(2) from error
    try:
        open_state(settings)
        for field, host, port in _addresses(settings):
            _require_port(field, host, port)
    except HubError as error:
        voice.complain(error)
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from error
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
    settings, voice = begin()
    from .hub import Hub  # not needed by the other commands, and slow to import

    stopping = threading.Event()
    if is_supervised():
        end_with_parent(stopping.set)
    stops = iter((stopping.set, lambda: sys.exit(1)))  # the second signal does not wait for anything
    _on_signals(lambda: next(stops, lambda: None)())
    try:
        hub = Hub(settings)
    except (HubError, OSError) as error:
        voice.complain(error if isinstance(error, HubError) else _no_state(settings, error))
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from error
    hub.start(preferred=True)
    heart = Heart(settings.state_dir / HEARTBEAT, hub.is_well)
    while not stopping.wait(0.2):  # a short wait, so that a signal handler gets its turn on every system
        heart.beat()
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


def _addresses(settings: Settings) -> list[tuple[str, str, int]]:
    return [("api_port", settings.api_host, settings.api_port), ("ui_port", settings.ui_host, settings.ui_port)]


def _require_port(field: str, host: str, port: int) -> None:
    """Make sure that the port can be used; parts of a killed predecessor get a moment to end. Raises Unavailable."""
    deadline = time.monotonic() + PORT_PATIENCE
    while (trouble := listening.trouble_with(host, port)) is not None:
        holder = ports.holder_of(port)
        lineage = " ".join(holder.lineage) if holder is not None else ""
        running = "hubcore up" in lineage
        ending = holder is None or any(words in lineage for words in PARTS)
        if running or not ending or not listening.is_taken(trouble) or time.monotonic() > deadline:
            message, remedy = checks.port_trouble(field, host, port, trouble)
            if running:
                message = text("The dashboard is running already, on port {port}.", port=port)
            raise Unavailable(message, remedy=remedy)
        time.sleep(0.1)


def _programs(settings: Settings) -> list[Program]:
    variables = environment()

    def program(name: str, *arguments: str, lives: Callable[..., bool], served: bool = True) -> Program:
        command = [sys.executable, "-m", *arguments]
        start = partial(processes.Child, command, cwd=PROGRAM_DIR, env=variables)
        if not served:
            return Program(name, start, None, lives)
        return Program(name, start, lives, partial(lives, timeout=ANSWER_PATIENCE))

    address = ["--server.address", settings.ui_host, "--server.port", str(settings.ui_port)]
    quiet = ["--server.headless", "true", "--logger.hideWelcomeMessage", "true"]
    return [
        program("collector", "hubcore", "collect", lives=Pulse(settings.state_dir / HEARTBEAT), served=False),
        program(
            "api",
            *("api_sidecar", "--supervised"),
            lives=partial(listening.answers, settings.api_host, settings.api_port, "/healthz"),
        ),
        program(
            "pages",
            *("streamlit", "run", "server.py", *address, *quiet),
            lives=partial(listening.answers, settings.ui_host, settings.ui_port, "/_stcore/health"),
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
