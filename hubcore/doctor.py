"""Looks at everything the dashboard needs, and says in plain words what is missing and what to do about it."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from . import listening
from .adapters import ports
from .adapters.compose import Compose
from .adapters.engine import Engine
from .adapters.stackfile import StackFiles, read_env
from .compose_file import StackFile
from .errors import HubError, SettingsError, TokensUnreadable
from .exposure import is_nameless, require_tokens, usable_tokens
from .models import Model, Text, text
from .origins import is_loopback
from .settings import PREFIX, PROGRAM_DIR, SUPERVISED, Settings, env_file_path, environment
from .statefolder import open_state

OLDEST_PYTHON = (3, 11)
LITTLE_SPACE = 1 << 30
TOO_LITTLE_SPACE = 100 << 20


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    ATTENTION = "attention"
    PROBLEM = "problem"


class Finding(Model):
    """The outcome of one check: `name` is stable, `text` for people, `remedy` the next step."""

    name: str
    level: Level = Level.OK
    text: Text
    remedy: Text | None = None
    detail: str | None = None  # raw words of the engine or the system: untrusted


def examine(settings: Settings) -> Iterator[Finding]:
    """All checks, one after the other, each a few seconds at most. The state folder is made, nothing else changed."""
    yield _python()
    yield _clock()
    yield from _unknown_settings({**_lines_of(env_file_path()), **environment()})
    yield from _state(settings)
    yield _space(settings.state_dir)
    files = StackFiles(
        settings.stack_dir,
        settings.docker_compose_file,
        explicit=settings.compose_file_is_explicit,
        environment=environment(),
    )
    stack = files.load()
    yield _stack(stack, settings)
    yield _engine(Engine(read_timeout=settings.health_check_timeout))
    yield _compose(Compose(settings.stack_dir, Path(stack.path) if stack.path else None, stack.project or "stack"))
    yield _exposure(settings)
    yield _port("api_port", settings.api_host, settings.api_port, "/healthz")
    yield _port("ui_port", settings.ui_host, settings.ui_port, "/_stcore/health")


def _lines_of(path: Path | None) -> Mapping[str, str]:
    return read_env(path) if path is not None else {}


def wrong_settings(error: HubError) -> Finding:
    """What is said when the settings cannot even be read."""
    remedy = text("Correct it in the environment or in {file}.", file=str(PROGRAM_DIR / ".env"))
    return Finding(name="settings", level=Level.PROBLEM, text=error.text, remedy=error.remedy or remedy)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding(
            name="python",
            level=Level.PROBLEM,
            text=text("Python {version} is too old.", version=version),
            remedy=text("Install Python 3.11 or newer, then run make setup again."),
        )
    return Finding(name="python", text=text("Python {version}.", version=version))


def _clock() -> Finding:
    """A clock behind the program's own files is wrong; certificates and the history would suffer."""
    newest = Path(__file__).stat().st_mtime
    if time.time() < newest - 86400:
        return Finding(
            name="clock",
            level=Level.ATTENTION,
            text=text("The clock of this machine is wrong: it is behind the dashboard’s own files."),
            remedy=text("Set the date, or switch on time synchronisation."),
        )
    return Finding(name="clock", text=text("The clock is plausible."))


def _unknown_settings(variables: Mapping[str, str]) -> Iterator[Finding]:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(n for n in variables if n.upper().startswith(PREFIX) and n.upper() not in {*known, SUPERVISED})
    for name in unknown:
        close = difflib.get_close_matches(name.upper(), known, 1)
        remedy = text("All settings are in docs/settings.md.")
        if close:
            remedy = text("Did you mean {name}?", name=close[0])
        message = text("There is no setting {name}; it is ignored.", name=name[:100])
        yield Finding(name="settings", level=Level.ATTENTION, text=message, remedy=remedy)
    if not unknown:
        yield Finding(name="settings", text=text("The settings can be used."))


def _state(settings: Settings) -> Iterator[Finding]:
    folder = settings.state_dir
    choose = text("Make it writable for you, or choose another one with DASHBOARD_STATE_DIR.")
    try:
        open_state(settings)
    except SettingsError as error:
        yield Finding(name="state", level=Level.PROBLEM, text=error.text, remedy=choose)
        return
    except OSError as error:
        yield Finding(
            name="state",
            level=Level.PROBLEM,
            text=text("The state folder {folder} cannot be made or entered.", folder=str(folder)),
            remedy=choose,
            detail=str(error),
        )
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            name="state",
            level=Level.PROBLEM,
            text=text("You may not write in the state folder {folder}.", folder=str(folder)),
            remedy=choose,
        )
        return
    yield Finding(name="state", text=text("The state folder is {folder}, readable by you alone.", folder=str(folder)))


def _space(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    message = text("{free} GB are free where the state folder is.", free=f"{free / (1 << 30):.1f}")
    if free >= LITTLE_SPACE:
        return Finding(name="space", text=message)
    level = Level.ATTENTION if free >= TOO_LITTLE_SPACE else Level.PROBLEM
    remedy = text("Make room on that disk; the history alone may take 256 MB.")
    return Finding(name="space", level=level, text=message, remedy=remedy)


def _stack(stack: StackFile, settings: Settings) -> Finding:
    if stack.problem is not None:
        remedy = text("Set DASHBOARD_STACK_DIR to the folder with your compose file.")
        if stack.path is not None:
            remedy = text("Mend the file; `docker compose config` says what is wrong with it.")
        return Finding(name="stack", level=Level.ATTENTION, text=stack.problem, remedy=remedy)
    return Finding(
        name="stack",
        text=text(
            "{file} defines {count} service of the project “{project}”.",
            "{file} defines {count} services of the project “{project}”.",
            file=stack.path or "",
            count=len(stack.services),
            project=settings.project or stack.project or "",
        ),
    )


def _engine(engine: Engine) -> Finding:
    try:
        version = engine.ping().version
        count = len(engine.containers())
    except HubError as error:
        remedy = error.remedy or text("Start Docker, then run this again.")
        return Finding(name="engine", level=Level.PROBLEM, text=error.text, remedy=remedy, detail=error.detail)
    finally:
        engine.close()
    message = text(
        "Docker {version} answers and has {count} container.",
        "Docker {version} answers and has {count} containers.",
        version=version,
        count=count,
    )
    return Finding(name="engine", text=message)


def _compose(compose: Compose) -> Finding:
    found = compose.available()
    if found is not None:
        return Finding(name="compose", text=text("Docker Compose {version} is installed.", version=found.version))
    return Finding(
        name="compose",
        level=Level.ATTENTION,
        text=text("Docker Compose is not installed: services without a container cannot be created from here."),
        remedy=text("Install Docker Compose version 2: https://docs.docker.com/compose/install/"),
    )


def _exposure(settings: Settings) -> Finding:
    """Who could reach the API, and what keeps them out."""
    host, names = settings.api_host, ", ".join(settings.allowed_hosts)
    try:
        count = usable_tokens(settings)
        require_tokens(settings)
    except (SettingsError, TokensUnreadable) as error:
        remedy = error.remedy or text("Until then the dashboard does not start.")
        return Finding(name="access", level=Level.PROBLEM, text=error.text, remedy=remedy, detail=error.detail)
    if is_loopback(host) and settings.require_token and not count:
        message = text("The API needs a token, and there is none.")
        remedy = text("Make one with `python -m hubcore token create NAME --role admin`.")
    elif is_loopback(host) and names and not settings.require_token:
        message = text("The API answers to {names} and asks nobody for a token.", names=names)
        remedy = text("If a proxy leads there from other machines, set DASHBOARD_REQUIRE_TOKEN to true.")
    elif is_loopback(host):
        return Finding(name="access", text=text("The API and the pages can be reached from this machine only."))
    elif is_nameless(settings):
        message = text("The API listens on all addresses of this machine but answers to no name of it.")
        remedy = text("Set DASHBOARD_ALLOWED_HOSTS to the names and addresses by which others call this machine.")
    else:
        message = text(
            "The API listens on {host}: other machines can reach it with the one token there is.",
            "The API listens on {host}: other machines can reach it with one of {count} tokens.",
            host=host,
            count=count,
        )
        remedy = text("Tokens travel readable there: in a network you do not trust, put a proxy with TLS in front.")
    return Finding(name="access", level=Level.ATTENTION, text=message, remedy=remedy)


def _port(
    field: str,
    host: str,
    port: int,
    path: str,
    trouble_with: Callable[[str, int], OSError | None] = listening.trouble_with,
) -> Finding:
    trouble = trouble_with(host, port)
    if trouble is None:
        return Finding(name=field, text=text("Port {port} is free.", port=port))
    if listening.is_taken(trouble) and listening.answers(host, port, path):
        return Finding(name=field, text=text("The dashboard is running on port {port}.", port=port))
    message, remedy = port_trouble(field, host, port, trouble)
    return Finding(name=field, level=Level.PROBLEM, text=message, remedy=remedy)


def port_trouble(field: str, host: str, port: int, trouble: OSError) -> tuple[Text, Text]:
    """What to tell about an address that cannot be listened on; `field` is its setting."""
    setting = PREFIX + field.upper()
    if not listening.is_taken(trouble):
        reason = trouble.strerror or str(trouble)
        message = text("{host}:{port} cannot be used: {reason}.", host=host, port=port, reason=reason)
        return message, text("Choose another address or port with {setting}.", setting=setting)
    holder = ports.holder_of(port)
    if holder is None:
        message = text("Port {port} is in use by another program.", port=port)
    else:
        message = text(
            "Port {port} is in use by {program} (process {pid}).", port=port, program=holder.name[:60], pid=holder.pid
        )
    return message, text("End that program, or choose another port with {setting}.", setting=setting)
