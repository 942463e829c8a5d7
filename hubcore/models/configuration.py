"""The configuration of a service: what is stored, what is to be saved, and copies of it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .base import Model, Text


class ConfigFile(Model):
    """One configuration file. `kind`: yaml, json or text; `parsed` when `is_parsed`: what YAML or JSON says."""

    content: str
    kind: str = "text"
    is_parsed: bool = False
    parsed: Any = None


class Configuration(Model):
    """What is stored for a service; secrets of variables are masked. Paths are relative to the stack's root."""

    service: str
    version: str  # another one as soon as any of the files is another one
    env_file: str | None = None
    env_vars: dict[str, str] = Field(default_factory=dict)
    config_files: dict[str, ConfigFile] = Field(default_factory=dict)  # only those that can be read
    allowed: tuple[str, ...] = ()  # all configuration files the service may have
    problems: tuple[Text, ...] = ()  # why something that exists is not shown


class ConfigChange(Model):
    """What is to be saved. Variables are merged into the env file, files get a whole new content.

    `version`: the configuration it is based on, None to save whatever is there now. `problems`: what was wrong with the
    request it was read from; it cannot be saved then.
    """

    env_vars: dict[str, str] = Field(default_factory=dict)
    config_files: dict[str, str] = Field(default_factory=dict)
    restart: bool = False
    version: str | None = None
    problems: tuple[Text, ...] = ()


class ConfigVerdict(Model):
    """Whether a change can be saved: all reasons against it, and what to know beforehand."""

    errors: tuple[Text, ...] = ()
    warnings: tuple[Text, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether nothing stands against it."""
        return not self.errors


class BackupEntry(Model):
    """One backup in the list. `date` (YYYYMMDD) and `time` (HHMMSS) are local and part of the id."""

    id: str
    service: str
    date: str
    time: str
    files: tuple[str, ...] = ()
    created: float = 0.0
    reason: str = ""  # before_save, by_hand; "" for those of older programs
