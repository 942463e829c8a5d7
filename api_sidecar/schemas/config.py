"""Configuration and its backups."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from hubcore.config_content import LONGEST
from hubcore.config_rules import LONGEST_KEY, LONGEST_VALUE

from ..route import Doc
from .base import AnswerModel, BodyModel, Epoch, Said

TAG = "Configuration"
_BASED = "The `version` it is based on, as reading gave it; also as `If-Match`. Another one by now: 409."


class ConfigFileEntry(AnswerModel):
    """One configuration file. An empty one has the content of one line break."""

    content: str
    type: Literal["yaml", "json", "text"] = Field(description="`text` also for YAML and JSON that does not parse.")
    parsed: Any = Field(None, description="What YAML or JSON says; absent for `text`.")


class ServiceInfo(AnswerModel):
    """What there is to know of the service."""

    container_name: str
    port: int | None
    description: Said
    category: str


class ServiceConfig(AnswerModel):
    """The stored configuration. Secrets are `********`; a mask that is sent back leaves the stored value alone."""

    env_vars: dict[str, str]
    config_files: dict[str, ConfigFileEntry] = Field(description="By path; only those that exist and can be read.")
    service_info: ServiceInfo
    version: Said = Field(description="Another one as soon as any of the files is another one; also the `ETag`.")
    env_file: str | None = Field(description="Path of the env file relative to the stack's root.")
    problems: list[str] = Field(description="Why a file that exists is not shown.")


class FileContent(BodyModel):
    """A file's whole new content."""

    content: str = Field(max_length=LONGEST)


Content = Annotated[str, Field(max_length=LONGEST)]


class ConfigBody(BodyModel):
    """What to save. Variables are merged into the env file, nothing is ever deleted."""

    env_vars: dict[str, str] = Field(
        default_factory=dict,
        description=f"Names up to {LONGEST_KEY}, values up to {LONGEST_VALUE} characters; no line breaks.",
        examples=[{"LOG_LEVEL": "debug"}],
    )
    config_files: dict[str, Content | FileContent] = Field(
        default_factory=dict, description="Whole new contents by path; only the paths of this service."
    )
    restart_service: bool | None = Field(False, description="Make the service anew, so that the change acts.")
    version: str | None = Field(None, description=_BASED)


class ValidateBody(BodyModel):
    """As for saving. What does not fit is told in the answer."""

    model_config = ConfigDict(extra="allow")

    env_vars: Any = Field(None, examples=[{"LOG_LEVEL": "debug"}])
    config_files: Any = None
    restart_service: Any = None


class Saved(AnswerModel):
    """How saving ended. `success`: the new configuration is stored. False after a return to the old one."""

    success: bool
    backup_id: str | None = Field(description="The backup with the files as they were before.")
    message: Said
    error: Said | None
    operation_id: Said
    files_updated: list[str]
    warnings: list[str]
    restart_success: bool | None = Field(None, description="Only with `restart_service`: it works with the new files.")
    restart_output: str | None = None
    restart_error: str | None = None
    rolled_back: bool = Field(False, description="The old files are back, as the service did not come up.")
    code: str | None = None


class Verdict(AnswerModel):
    """Whether it could be saved: all reasons against it, and what to know beforehand."""

    valid: bool
    errors: list[Said]
    warnings: list[Said]


class BackedUp(AnswerModel):
    """A backup was made."""

    success: Literal[True]
    backup_id: Said
    message: Said
    operation_id: Said


class BackupLine(AnswerModel):
    """One backup. `date` and `time` are local, and part of the id."""

    id: Said
    service: Said
    date: str = Field(pattern="^[0-9]{8}$")
    time: str = Field(pattern="^[0-9]{6}$")
    files: list[str]
    created: Epoch
    reason: str = Field(description="`before_save`, `by_hand`, or empty for one of an older program.")


class Backups(AnswerModel):
    """All backups, newest first."""

    backups: list[BackupLine]


CONFIG = Doc("The stored configuration of a service", TAG, answer=ServiceConfig)
SAVE = Doc(
    "Save a configuration",
    TAG,
    answer=Saved,
    body=ConfigBody,
    errors=(409,),
    about=(
        "Validates all of it, backs up, has nginx test its files, writes, and with `restart_service` makes the service "
        "anew and waits until it works; if it does not and did before, the old files come back. A failed validation is "
        f"400 with `errors` and writes nothing. {_BASED}"
    ),
)
VALIDATE = Doc(
    "Try whether a configuration could be saved",
    TAG,
    answer=Verdict,
    body=ValidateBody,
    about="Nothing is written. 200 also when it is not valid.",
)
BACKUP = Doc("Back up the configuration of a service", TAG, answer=BackedUp, errors=(409,))
BACKUPS = Doc("All backups", TAG, answer=Backups)
