"""The answer of the audit log."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class SecurityEntry(BaseModel):
    """One entry of the audit log."""

    timestamp: str = Field(description="ISO 8601, local time with its offset from UTC.")
    event_type: str = Field(description="What happened, for example `command_requested` or `config_updated`.")
    details: dict[str, Any] = Field(description="By the kind of event; never a token or the value of a variable.")
    user_ip: str = Field(description="Address of the client; empty for the dashboard's own pages and the command line.")
    user: str = Field(description="Name of the token, or `local`; for the command line the system's user.")
    via: str = Field(description="Through which door: api, page, cli, schedule, audit.")


class SecurityLog(BaseModel):
    """The newest entries of the audit log, newest first."""

    logs: list[SecurityEntry]
