"""Settings: the only place that reads the environment.

Every setting is a `DASHBOARD_*` variable; a `.env` file beside the program is read as well, and the real environment
beats it. `docs/settings.md` documents each field, and a test compares the two.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .errors import SettingsError
from .models import text

PREFIX = "DASHBOARD_"
PROGRAM_DIR = Path(__file__).resolve().parent.parent
LANGUAGES = ("en", "ru")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]


def default_state_dir() -> Path:
    """The platform's directory for a user's program state."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "hub-dashboard"


def is_loopback(host: str) -> bool:
    """Whether a bind address reaches this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Settings(BaseSettings):
    """All settings. Field `api_host` is the variable `DASHBOARD_API_HOST`, and so on."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    api_host: str = Field("127.0.0.1", description="Address the API listens on. Loopback only.")
    api_port: Port = Field(5002, description="Port of the API.")
    ui_host: str = Field("127.0.0.1", description="Address the dashboard listens on. Loopback only.")
    ui_port: Port = Field(8501, description="Port of the dashboard.")
    stack_dir: Path = Field(
        default_factory=Path.cwd, description="The stack's root: compose file, `env/`, `conf/`, `backups/`."
    )
    state_dir: Path = Field(
        default_factory=default_state_dir,
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
    litellm_api_key: str | None = Field(
        None, repr=False, description="Key for LiteLLM; without it `LITELLM_MASTER_KEY` of the service's env file."
    )
    edgetts_api_key: str | None = Field(
        None, repr=False, description="Key for Edge TTS; without it `API_KEY` of the service's env file."
    )
    health_check_timeout: Seconds = Field(5.0, description="Seconds a health check may take.")
    docker_operation_timeout: Seconds = Field(30.0, description="Seconds one operation of the Docker engine may take.")
    collect_interval: Seconds = Field(5.0, description="Seconds between two samples of figures.")
    probe_interval: Seconds = Field(10.0, description="Seconds between two health checks of a service.")
    cache_cleanup_interval: Seconds = Field(300.0, description="Seconds between purges of expired entries.")
    cache_system_metrics_ttl: Seconds = Field(10.0, description="Seconds the host's figures are good for.")
    cache_docker_stats_ttl: Seconds = Field(15.0, description="Seconds the list of containers is good for.")
    cache_service_health_ttl: Seconds = Field(30.0, description="Seconds a health check is good for.")
    cache_container_resources_ttl: Seconds = Field(20.0, description="Seconds a service's figures are good for.")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    debug_mode: bool = Field(False, description="More detail in the program's own log; log level DEBUG.")

    @field_validator("allowed_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip().rstrip("/").lower() for part in value.split(",") if part.strip())
        return value

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

    @field_validator("api_host", "ui_host")
    @classmethod
    def _loopback_only(cls, value: str) -> str:
        if not is_loopback(value):
            raise ValueError(
                "this version has no log-in yet and serves this machine only; use 127.0.0.1 and reach it from "
                "elsewhere through an SSH tunnel"
            )
        return value

    @field_validator("stack_dir", "state_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @property
    def compose_file_is_explicit(self) -> bool:
        """Whether the owner named the compose file, so that no other name is tried."""
        return "docker_compose_file" in self.model_fields_set


def environment() -> dict[str, str]:
    """The process's environment, for what follows Docker's own rules (variables of a compose file)."""
    return dict(os.environ)


def load_settings(env_file: Path | None = None) -> Settings:
    """Read the settings from the environment and `.env` beside the program.

    Raises SettingsError whose text is one line: the setting, its value, and what would be right.
    """
    source = env_file if env_file is not None else PROGRAM_DIR / ".env"
    try:
        return Settings(_env_file=source)
    except ValidationError as error:
        raise _explain(error) from error


def _explain(error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False)[0]
    name = PREFIX + str(first["loc"][0]).upper()
    secret = name.endswith("_KEY")
    value = "…" if secret else str(first["input"])[:80]
    reason = first["msg"].removeprefix("Value error, ").removeprefix("Input ").strip()
    return SettingsError(
        text("The setting {name} has the value “{value}”: {reason}.", name=name, value=value, reason=reason.rstrip("."))
    )
