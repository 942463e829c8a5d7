"""The desk for configurations: shows them, judges changes, and hands what is to be saved over to the leader.

Files are read here and now, in the process that asks; only the leader writes. Values of variables travel in an
operation's private input, never in its record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .adapters.auditlog import AuditLog
from .adapters.backupfolder import BackupFolder
from .adapters.stackconfig import Contents, StackConfig
from .audit_events import by
from .config_content import Unreadable, kind_of, parsed
from .config_diff import difference
from .config_plan import files_of, judge, restart_notes, save_steps
from .config_rules import Edit, Files, notes, shown_variables
from .errors import ChangedMeanwhile, InvalidChange, NotReady, OperationActive, ServiceProtected, UnknownService
from .models import (
    Actor,
    BackupEntry,
    ConfigChange,
    ConfigFile,
    Configuration,
    ConfigVerdict,
    Operation,
    OperationKind,
    ServiceState,
    Snapshot,
    Step,
    Text,
    text,
)
from .mounts import pairs_of, targets
from .presets import PRESETS
from .submission import Submission
from .views_text import say

_REASONS = 500  # characters of the reasons in the audit log


class ConfigurationDesk:
    """What pages and routes may do with configurations. Every method may be called from any thread."""

    def __init__(
        self,
        files: StackConfig,
        backups: BackupFolder,
        *,
        snapshot: Callable[[], Snapshot | None],
        submission: Submission,
        audit: AuditLog,
    ) -> None:
        self._files = files
        self._backups = backups
        self._snapshot = snapshot
        self._submission = submission
        self._audit = audit

    def read(self, service: str) -> Configuration:
        """What is stored for a service; secrets of variables masked. Raises UnknownService."""
        state = self._state(service)
        files = files_of(service, state)
        contents = self._files.read(files.all)
        texts = contents.texts()
        return Configuration(
            service=service,
            version=contents.version,
            env_file=files.env,
            env_vars=shown_variables(texts.get(files.env, "")) if files.env else {},
            config_files={path: shown for path in files.config if (shown := _shown(path, contents)) is not None},
            allowed=files.config,
            problems=tuple(error.text for error in contents.problems.values()) + _unshown(files, contents),
        )

    def validate(self, service: str, change: ConfigChange) -> ConfigVerdict:
        """Whether a change can be saved, with all reasons; nothing is written. Raises UnknownService."""
        state = self._state(service)
        files = files_of(service, state)
        contents = self._files.read(files.all)
        edit, errors = judge(files, contents.texts(), contents.problems, change)
        if state is not None and state.protected:
            errors = (*errors, _protected(service).text)
        warnings = [*notes(files, contents.texts(), change, edit), *self._effects(state, change, edit)]
        return ConfigVerdict(errors=errors, warnings=tuple(warnings))

    def save(self, service: str, change: ConfigChange, actor: Actor) -> Operation:
        """Queue a change and return the operation's record.

        Raises UnknownService, ServiceProtected, InvalidChange with all reasons, ChangedMeanwhile with the difference,
        OperationActive, NotReady.
        """
        state = self._state(service)
        if state is None:
            raise _not_ready()
        if state.protected:
            raise _protected(service)
        files = files_of(service, state)
        contents = self._files.read(files.all)
        edit, errors = judge(files, contents.texts(), contents.problems, change)
        if errors:
            reasons = " ".join(say(error) for error in errors)[:_REASONS]
            self._note("config_validation_failed", actor, service=service, error=reasons)
            raise InvalidChange(errors)
        if change.version is not None and change.version != contents.version:
            raise _changed(state, files, contents, edit)
        self._note(
            "config_update_attempt",
            actor,
            service=service,
            has_env_vars=bool(change.env_vars),
            config_files=sorted(change.config_files)[:50],
            restart_requested=change.restart,
        )
        private = {
            "env": dict(edit.env),
            "files": dict(edit.files),
            "restart": change.restart,
            "version": change.version,
        }
        steps = save_steps(state, edit, restart=change.restart)
        return self._submit(OperationKind.CONFIGURE, state, steps, actor, private)

    def conflict(self, service: str, change: ConfigChange) -> ChangedMeanwhile:
        """The error for a change that came too late, as the files are now. Raises UnknownService."""
        state = self._state(service)
        files = files_of(service, state)
        contents = self._files.read(files.all)
        edit, _ = judge(files, contents.texts(), contents.problems, change)
        return _changed(state, files, contents, edit)

    def backup(self, service: str, actor: Actor) -> Operation:
        """Queue a backup of a service's configuration and return the operation's record.

        Raises UnknownService, OperationActive, NotReady.
        """
        state = self._state(service)
        if state is None:
            raise _not_ready()
        step = Step(service=service, key="backup", text=text("Back up {service}", service=state.title))
        return self._submit(OperationKind.BACKUP, state, [step], actor)

    def backups(self) -> list[BackupEntry]:
        """All backups, newest first. Raises FileRefused."""
        return self._backups.entries()

    def _submit(
        self,
        kind: OperationKind,
        state: ServiceState,
        steps: Sequence[Step],
        actor: Actor,
        private: Mapping[str, Any] | None = None,
    ) -> Operation:
        try:
            return self._submission.submit(kind, [state.name], steps, actor, private=private)
        except OperationActive as error:
            raise OperationActive(state.title, error.operation_id) from None

    def _state(self, service: str) -> ServiceState | None:
        """The state of a service; None for one of the 13 known ones before anything was published."""
        snapshot = self._snapshot()
        state = snapshot.services.get(service) if snapshot is not None else None
        if state is None and service not in PRESETS:
            raise UnknownService(service)
        return state

    def _note(self, event: str, actor: Actor, **details: Any) -> None:
        self._audit.record(event, details, **by(actor))

    def _effects(self, state: ServiceState | None, change: ConfigChange, edit: Edit) -> list[Text]:
        """Why a change may not have the effect that is expected of it."""
        snapshot = self._snapshot()
        if state is None or snapshot is None:
            return []
        found: list[Text] = []
        if edit.env and not state.env_used:
            found.append(
                text(
                    "The compose file does not hand {file} to {service}, so the change may have no effect.",
                    file=state.env_path or "",
                    service=state.title,
                )
            )
        if state.container is not None:
            hidden = [path for path in edit.files if self._is_hidden(path, state, snapshot)]
            found += [
                text(
                    "{file} is not mounted into the container of {service}, so the change may have no effect.",
                    file=path,
                    service=state.title,
                )
                for path in hidden
            ]
        if change.restart:
            found += restart_notes(state, snapshot)
        return found

    def _is_hidden(self, path: str, state: ServiceState, snapshot: Snapshot) -> bool:
        """Whether a file is surely not seen in the container; of an engine with other paths nobody knows."""
        root = str(self._files.stack_dir).rstrip("/") + "/"
        containers = [s.container for s in snapshot.services.values() if s.container is not None]
        comparable = any(mount.startswith(root) for c in containers for mount in c.mounts)
        mounts = pairs_of(state.container.mounts) if state.container is not None else []
        return comparable and not targets(str(self._files.place(path)), mounts)


def _shown(path: str, contents: Contents) -> ConfigFile | None:
    """A configuration file as it may be shown; None for one that is missing or no text."""
    file = contents.files.get(path)
    try:
        content = file.data.decode("utf-8") if file is not None else None
    except UnicodeDecodeError:
        content = None
    if content is None:
        return None
    kind = kind_of(path)
    shown = content or "\n"  # clients take an empty text for a missing one
    if kind == "text":
        return ConfigFile(content=shown)
    try:
        return ConfigFile(content=shown, kind=kind, is_parsed=True, parsed=parsed(kind, content))
    except Unreadable:
        return ConfigFile(content=shown)


def _unshown(files: Files, contents: Contents) -> tuple[Text, ...]:
    binary = [path for path in files.config if path in contents.files and _shown(path, contents) is None]
    return tuple(text("{file} is not text in UTF-8, so it is not shown.", file=path) for path in binary)


def _changed(state: ServiceState | None, files: Files, contents: Contents, edit: Edit) -> ChangedMeanwhile:
    present = contents.texts()
    wanted = {**present, **edit.contents(files, present)}
    title = state.title if state is not None else ""
    return ChangedMeanwhile(title, contents.version, difference(present, wanted, files.env))


def _protected(service: str) -> ServiceProtected:
    return ServiceProtected(
        text("{service} belongs to the dashboard itself and is not changed from here.", service=service),
        remedy=text("Change its files on the machine itself."),
    )


def _not_ready() -> NotReady:
    return NotReady(
        text("The dashboard has only just started and does not know the services yet."),
        remedy=text("Try again in a few seconds."),
    )
