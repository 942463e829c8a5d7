"""`python -m hubcore token …`: make, list and revoke API tokens, also while the dashboard runs.

A new token's text goes to standard output alone, so that it can be piped; all that is said about it goes to standard
error. Exit codes: 0 done, 1 not possible, 2 a setting or an argument is wrong.
"""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NamedTuple

import orjson
import typer

from .adapters.auditlog import AuditLog
from .adapters.tokenfile import TokenFile
from .audit_events import By
from .console import Voice, begin
from .errors import HubError, NotFound
from .models import text
from .roles import Role
from .statefolder import open_state
from .tokens import Issued, Token, issue, named, span

app = typer.Typer(help="API tokens: who may use the API, and how far.", no_args_is_help=True)


class _Desk(NamedTuple):
    voice: Voice
    file: TokenFile
    audit: AuditLog


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the token is for, for example “backup script”.")],
    role: Annotated[Role, typer.Option(help="viewer: look. operator: also start, stop, back up. admin: everything.")],
    expires: Annotated[str | None, typer.Option(help="90d, 12h, 30m, 2w; without it until it is revoked.")] = None,
) -> None:
    """Make a token and show it, this once."""
    with _desk() as desk:
        life = None if expires is None else span(expires)
        made: list[Issued] = []

        def add(known: tuple[Token, ...]) -> list[Token]:
            made[:] = [issue(name, role, time.time(), life=life, existing=known)]
            return [*known, made[0].token]

        desk.file.change(add)
        token, secret = made[0]
        details: dict[str, Any] = {"id": token.id, "name": token.name, "role": token.role.value}
        details["expires"] = _day(token.expires_at) if token.expires_at else "never"
        desk.audit.record("token_created", details, **_owner())
        sys.stdout.write(secret + "\n")
        sys.stdout.flush()
        desk.voice.note(text("This is the token “{name}”. Keep it now: it is not shown again.", name=token.name))


@app.command("list")
def list_tokens(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """All tokens, without their secrets."""
    with _desk() as desk:
        rows = [_row(desk.file, token) for token in desk.file.tokens()]
        if as_json:
            sys.stdout.write(orjson.dumps({"tokens": rows}).decode() + "\n")
        elif not rows:
            desk.voice.say(text("There are no tokens. `python -m hubcore token create NAME --role viewer` makes one."))
        else:
            columns = [text("Id"), text("Name"), text("Role"), text("Made"), text("Expires"), text("Last used")]
            shown = [
                (r["id"], r["name"], r["role"], _day(r["created_at"]), _end(r), _day(r["last_used_at"])) for r in rows
            ]
            desk.voice.table(columns, shown)


@app.command()
def revoke(name_or_id: Annotated[str, typer.Argument(metavar="NAME_OR_ID")]) -> None:
    """Make a token worthless, at once."""
    with _desk() as desk:
        gone: list[Token] = []

        def remove(known: tuple[Token, ...]) -> list[Token]:
            found = named(name_or_id, known)
            if found is None:
                raise NotFound(
                    text("There is no token “{name}”.", name=name_or_id[:80]),
                    remedy=text("`python -m hubcore token list` shows them all."),
                )
            gone[:] = [found]
            return [token for token in known if token.id != found.id]

        desk.file.change(remove)
        token = gone[0]
        desk.audit.record("token_revoked", {"id": token.id, "name": token.name, "role": token.role.value}, **_owner())
        desk.voice.say(text("The token “{name}” opens nothing any more.", name=token.name))


@contextmanager
def _desk() -> Iterator[_Desk]:
    """What the commands work with; an error is told, and ends the program with exit code 1."""
    settings, voice = begin()
    try:
        open_state(settings)
        yield _Desk(voice, TokenFile(settings.state_dir), AuditLog(settings.state_dir / "logs" / "security.log"))
    except HubError as error:
        voice.complain(error)
        raise typer.Exit(1) from error
    except OSError as error:
        reason = error.strerror or str(error)
        voice.complain(
            HubError(
                text("The state folder cannot be used for tokens: {reason}.", reason=reason),
                remedy=text("Make it writable for you, or choose another one with DASHBOARD_STATE_DIR."),
            )
        )
        raise typer.Exit(1) from error


def _owner() -> By:
    """The system's user. Not what the environment says, where the system itself can tell."""
    try:
        import pwd

        user = pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        user = getpass.getuser()
    return By(user=user, address="", via="cli")


def _row(file: TokenFile, token: Token) -> dict[str, Any]:
    row = {name: getattr(token, name) for name in ("id", "name", "created_at", "expires_at")}
    expired = token.expired(time.time())
    return row | {"role": token.role.value, "expired": expired, "last_used_at": file.last_used(token.id)}


def _day(at: float | None) -> str:
    return "–" if at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _end(row: dict[str, Any]) -> str:
    return _day(row["expires_at"]) + (" !" if row["expired"] else "")
