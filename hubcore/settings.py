"""Settings: the only place that reads the environment.

Every setting is a `DASHBOARD_*` variable; a `.env` file beside the program is read as well, and the real environment
beats it. `docs/settings.md` documents each field, and a test compares the two.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .errors import SettingsError
from .models import text
from .origins import authority, host_name, is_loopback, origin_key

VERSION = "0.1.0"  # of the program; pyproject.toml says the same
PREFIX = "DASHBOARD_"
ENV_FILE = PREFIX + "ENV_FILE"
SUPERVISED = PREFIX + "SUPERVISED"  # set for the programs that the supervisor starts; not a setting
PROGRAM_DIR = Path(__file__).resolve().parent.parent
LANGUAGES = ("en", "ru")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Interval = Annotated[float, Field(ge=0.5, le=86400)]  # more often would keep the machine busy with nothing else


def default_state_dir(stack_dir: Path) -> Path:
    """A stack's own folder in the platform's directory for a user's program state. `stack_dir` is absolute.

    Raises SettingsError when this user has no home directory.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", stack_dir.name.lower()).strip("-")[:40] or "stack"
    return _platform_state_dir() / f"{slug}-{hashlib.sha256(os.fsencode(stack_dir)).hexdigest()[:8]}"


def _platform_state_dir() -> Path:
    try:
        return _user_state_dir() / "hub-dashboard"
    except RuntimeError as error:
        message = text("Nobody knows where your home directory is: set {name} to a folder.", name=PREFIX + "STATE_DIR")
        raise SettingsError(message) from error


def _user_state_dir() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")


def _current_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        name = PREFIX + "STACK_DIR"
        message = text("The directory in which this was started does not exist any more: set {name}.", name=name)
        raise SettingsError(message) from error


class Settings(BaseSettings):
    """All settings. Field `api_host` is the variable `DASHBOARD_API_HOST`, and so on."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    api_host: str = Field(
        "127.0.0.1", description="Address the API listens on. Any but loopback needs a token, see access.md."
    )
    api_port: Port = Field(5002, description="Port of the API.")
    ui_host: str = Field("127.0.0.1", description="Address the dashboard listens on. Loopback only.")
    ui_port: Port = Field(8501, description="Port of the dashboard.")
    stack_dir: Path = Field(
        default_factory=_current_directory, description="The stack's root: compose file, `env/`, `conf/`, `backups/`."
    )
    state_dir: Path = Field(
        default_factory=lambda others: default_state_dir(others.get("stack_dir", Path())),
        description="Where the dashboard keeps its store and history (mode 0700).",
    )
    docker_compose_file: str = Field(
        "compose.local.yml",
        description="Compose file, relative to the stack's root. Unless set, the usual names are tried as well.",
    )
    project: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9_-]*$",
        description="Name of the Compose project; without it, the compose file's.",
    )
    language: str | None = Field(None, description="`en` or `ru`; without it, the browser's.")
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Web pages that may use the API besides those of this machine, comma-separated; `null`: from disk.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Host names both ports answer to besides this machine's, comma-separated."
    )
    legacy_frontend_dir: Path | None = Field(
        None, description="Folder with the pages of an older dashboard; the API serves it at `/`, for reading only."
    )
    require_token: bool = Field(False, description="Whether the API needs a token from this machine as well.")
    litellm_api_key: str | None = Field(
        None, repr=False, description="Key for LiteLLM; without it `LITELLM_MASTER_KEY` of the service's env file."
    )
    edgetts_api_key: str | None = Field(
        None, repr=False, description="Key for Edge TTS; without it `API_KEY` of the service's env file."
    )
    health_check_timeout: Seconds = Field(5.0, description="Seconds a health check may take.")
    docker_operation_timeout: Seconds = Field(30.0, description="Seconds one operation of the Docker engine may take.")
    collect_interval: Interval = Field(5.0, description="Seconds between two samples of figures.")
    probe_interval: Interval = Field(10.0, description="Seconds between two health checks of a service.")
    cache_cleanup_interval: Interval = Field(300.0, description="Seconds between purges of expired entries.")
    cache_system_metrics_ttl: Interval = Field(10.0, description="Seconds the host's figures are good for.")
    cache_docker_stats_ttl: Interval = Field(15.0, description="Seconds the list of containers is good for.")
    cache_service_health_ttl: Interval = Field(30.0, description="Seconds a health check is good for.")
    cache_container_resources_ttl: Interval = Field(20.0, description="Seconds a service's figures are good for.")
    env_file: str | None = Field(
        None, description="Another file than `.env` beside the program; empty: none. Only the environment can name it."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    debug_mode: bool = Field(False, description="More detail in the program's own log; log level DEBUG.")

    @field_validator("allowed_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip().rstrip("/").lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_checked(host, host_name(authority(host)), "hub.example.org") for host in value)

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_checked(origin, origin_key(origin), "https://hub.example.org") for origin in value)

    @field_validator("api_host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        return _bare_host(value, "127.0.0.1, 0.0.0.0 or ::1")

    @field_validator("log_level", mode="before")
    @classmethod
    def _known_level(cls, value: Any) -> Any:
        level = str(value).strip().upper()
        if level not in LOG_LEVELS:
            raise ValueError("use one of " + ", ".join(LOG_LEVELS))
        return level

    @field_validator("language")
    @classmethod
    def _known_language(cls, value: str | None) -> str | None:
        if value is not None and value not in LANGUAGES:
            raise ValueError("use one of " + ", ".join(LANGUAGES))
        return value

    @field_validator("ui_host")
    @classmethod
    def _loopback_only(cls, value: str) -> str:
        value = _bare_host(value, "127.0.0.1 or ::1")
        if not is_loopback(value):
            raise ValueError(
                "the pages have no log-in yet and serve this machine only; use 127.0.0.1 and reach them from "
                "elsewhere through an SSH tunnel"
            )
        return value

    @field_validator("ui_port")
    @classmethod
    def _another_port(cls, value: int, info: ValidationInfo) -> int:
        if value == info.data.get("api_port"):
            raise ValueError(
                f"the API has that port (DASHBOARD_API_PORT); use another one, for example {value % 65535 + 1}"
            )
        return value

    @field_validator("stack_dir", "state_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return _resolved(value)

    @field_validator("legacy_frontend_dir")
    @classmethod
    def _folder_of_pages(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None:
            return None
        folder = _resolved(value)
        if not folder.is_dir():
            raise ValueError("there is no such folder")
        # Whoever reaches the port reads it without a token: secrets of the stack and the tokens must not be in it.
        for name in ("stack_dir", "state_dir"):
            if (other := info.data.get(name)) is not None and other.is_relative_to(folder):
                raise ValueError(f"{PREFIX}{name.upper()} is in it, and its secrets with it; use a folder of its own")
        return folder

    @property
    def compose_file_is_explicit(self) -> bool:
        """Whether the owner named the compose file, so that no other name is tried."""
        return "docker_compose_file" in self.model_fields_set


def _bare_host(value: str, example: str) -> str:
    """A host without a port, IPv6 without brackets."""
    found = host_name(authority(value.strip("[]"))) if value.count(":") != 1 else None
    return _checked(value, found, example)


def _resolved(path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except (RuntimeError, OSError) as error:  # no such user, a link that leads to itself, a name too long
        raise ValueError(f"this cannot be a folder ({error})") from error


def _checked(value: str, found: str | None, example: str) -> str:
    if found is None:
        raise ValueError(f"“{value[:80]}” cannot be one; write it like {example}")
    return found


def environment() -> dict[str, str]:
    """The process's environment, for what follows Docker's own rules (variables of a compose file)."""
    return dict(os.environ)


def env_file_path() -> Path | None:
    """The file with further settings: the one that DASHBOARD_ENV_FILE names, else `.env` beside the program.

    None when that variable is set and empty. Raises SettingsError when the file it names does not exist.
    """
    named = os.environ.get(ENV_FILE)
    if named is None:
        return PROGRAM_DIR / ".env"
    if not named.strip():
        return None
    try:
        path = PROGRAM_DIR / Path(named.strip()).expanduser()  # of all parts alike, wherever each of them was started
        found = path.is_file()
    except (RuntimeError, OSError, ValueError):  # no such user, a name too long
        found = False
    if not found:
        raise SettingsError(
            text("The setting {name} has the value “{value}”: there is no such file.", name=ENV_FILE, value=named[:200])
        )
    return path


def load_settings(env_file: Path | None = None) -> Settings:
    """Read the settings from the environment and from `env_file`; without one, from `env_file_path()`.

    Raises SettingsError whose text is one line: the setting, its value, and what would be right.
    """
    source = env_file if env_file is not None else env_file_path()
    try:
        return Settings(_env_file=source)
    except ValidationError as error:
        raise _explain(error) from error


def _explain(error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False)[0]
    name = PREFIX + str(first["loc"][0]).upper()
    secret = name.endswith("_KEY")
    given = first["input"]
    value = "…" if secret else (", ".join(given) if isinstance(given, tuple) else str(given))[:80]
    reason = first["msg"].removeprefix("Value error, ").removeprefix("Input ").strip()
    return SettingsError(
        text("The setting {name} has the value “{value}”: {reason}.", name=name, value=value, reason=reason.rstrip("."))
    )
