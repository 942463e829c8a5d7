"""Saving a configuration: check, back up, test, write, make the service anew, wait for it, and go back if it fails.

Each file is replaced whole, so a killed process leaves every one old or new; the record says which backup holds the old
ones before the first is written. Values of variables come in the operation's private input, never in its record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from ..adapters.auditlog import AuditLog
from ..adapters.backupfolder import BackupFolder
from ..adapters.stackconfig import Contents, StackConfig
from ..audit_events import by
from ..catalog import Definition
from ..config_plan import BACKUP, CHECK, RECREATE, RESTORE, TEST, WAIT, WRITE, files_of, judge
from ..envfile import parse
from ..errors import ChangedMeanwhile, HubError, InvalidChange, LeaseLost, ServiceDown
from ..masking import names_secret, scrub
from ..models import ConfigChange, HealthStatus, StepStatus, Text, text
from ..operations import OperationRun
from ..pending import Pending
from ..views_text import say
from .backup import BEFORE_SAVE, parts_of
from .comeback import Before, Comeback
from .nginx_test import NginxTest

_AUDITED = 500  # characters of an output or error in the audit log
_OUTPUT = 4000  # characters of what Compose said in the result


class ConfigureTools(NamedTuple):
    """What saving works with. `native`: whether a service runs without Docker."""

    files: StackConfig
    backups: BackupFolder
    pending: Pending
    audit: AuditLog
    comeback: Comeback
    nginx: NginxTest
    native: Callable[[str], bool]


class Configure:
    """Carries out what `ConfigurationDesk.save` has queued."""

    def __init__(self, tools: ConfigureTools) -> None:
        self._tools = tools

    def run(self, run: OperationRun) -> None:
        """One service. Its result tells what was reached: `saved`, `backup_id`, `files_updated`, `rolled_back`,
        `restart_success`, `restart_output`, `restart_error`, and `code` of the error when it was not saved."""
        _Save(self._tools, run).carry_out()


class _Save:
    """One save under way."""

    def __init__(self, tools: ConfigureTools, run: OperationRun) -> None:
        self._tools = tools
        self._run = run
        self._name = run.operation.services[0]
        self._private = tools.pending.get(run.operation.id)
        self._steps = {step.key for step in run.operation.steps}
        self._definition: Definition = tools.comeback.definition(self._name)
        self._files = files_of(self._name, self._definition)
        self._contents = Contents()
        self._new: dict[str, bytes] = {}
        self._secrets: set[str] = set()
        self._before = Before(False, HealthStatus.UNKNOWN)
        self._output: list[str] = []

    def carry_out(self) -> None:
        try:
            self._check()
            self._back_up()
            self._test()
            self._write()
        except LeaseLost:
            raise
        except HubError as error:
            self._run.result(saved=False, code=error.code)
            event = "config_validation_failed" if isinstance(error, InvalidChange) else "config_update_error"
            self._note(event, error=say(error.text)[:_AUDITED])
            raise
        if self._private.get("restart"):
            self._restart()

    # --- until the files are written

    def _check(self) -> None:
        with self._step(CHECK):
            wanted: Mapping[str, Any] = self._private
            self._contents = self._tools.files.read(self._files.all)
            if wanted["version"] is not None and wanted["version"] != self._contents.version:
                raise ChangedMeanwhile(self._definition.title, self._contents.version, "")
            change = ConfigChange(env_vars=wanted["env"], config_files=wanted["files"])
            stored = self._contents.texts()
            edit, errors = judge(self._files, stored, self._contents.problems, change)
            if errors:
                raise InvalidChange(errors)
            new = edit.contents(self._files, stored)
            self._new = {path: content.encode("utf-8", "surrogateescape") for path, content in new.items()}
            present = parse(stored.get(self._files.env, "")) if self._files.env else {}
            self._secrets = {*edit.env.values(), *(v for k, v in present.items() if names_secret(k) or k in edit.env)}
            if wanted["restart"]:
                self._before = self._tools.comeback.before(self._name)

    def _back_up(self) -> None:
        with self._step(BACKUP):
            parts = parts_of(self._files, self._contents)
            backup_id = self._tools.backups.save(self._name, BEFORE_SAVE, parts)
            self._run.result(backup_id=backup_id)

    def _test(self) -> None:
        if TEST not in self._steps:
            return
        candidates = {path: data for path, data in self._new.items() if path in self._files.config}
        with self._step(TEST) as remark:
            note = self._tools.nginx.run(self._definition, candidates, self._contents.files, self._secrets)
            if note is not None:
                remark(note, StepStatus.SKIPPED)

    def _write(self) -> None:
        done: list[str] = []
        with self._step(WRITE):
            if self._tools.files.read(self._files.all).version != self._contents.version:
                raise ChangedMeanwhile(self._definition.title, self._contents.version, "")
            try:
                for number, (path, data) in enumerate(self._new.items()):
                    self._run.progress(WRITE, number / len(self._new))  # raises once another process leads
                    self._tools.files.write(path, data, secret=path == self._files.env)
                    done.append(path)
                    self._run.result(files_updated=", ".join(done))
            except HubError as error:
                if not isinstance(error, LeaseLost):
                    self._put_back(done)
                raise
            self._run.result(saved=True, files_updated=", ".join(done))
        backup_id = self._run.operation.result["backup_id"]
        self._note("config_updated", backup_id=backup_id, files_updated=done)

    def _put_back(self, paths: list[str]) -> None:
        for path in paths:
            before = self._contents.files.get(path)
            if before is None:
                self._tools.files.remove(path)
            else:
                self._tools.files.write(path, before.data)

    # --- afterwards

    def _restart(self) -> None:
        if self._tools.native(self._name):
            reason = text("{service} runs without Docker; restart it where you installed it.", service=self._title)
            self._skip(reason, RECREATE, WAIT, RESTORE)
            self._run.result(restart_success=False, restart_output="", restart_error=say(reason))
            return
        failure = self._come_back(in_steps=True)
        output = "\n".join(self._output)[-_OUTPUT:]
        self._run.result(
            restart_success=failure is None,
            restart_output=output,
            restart_error=None if failure is None else say(failure.text),
        )
        told = output or ("" if failure is None else say(failure.text))
        self._note("service_restarted", success=failure is None, output=told[:_AUDITED])
        if failure is None:
            self._skip(None, RESTORE)
        elif self._before.worked:
            self._skip(None, WAIT)
            self._go_back()
        else:
            self._skip(text("It did not work before either, so the new configuration stays."), WAIT, RESTORE)

    def _come_back(self, *, in_steps: bool) -> HubError | None:
        """Make the service anew and wait until it works; why it does not."""
        comeback, since = self._tools.comeback, time.time()
        try:
            if in_steps:
                with self._step(RECREATE) as remark:
                    note = comeback.recreate(self._name, self._say)
                    if note is not None:
                        remark(note, StepStatus.DONE)
                with self._step(WAIT):
                    comeback.wait(self._name, since, self._before)
            else:
                comeback.recreate(self._name, self._say)
                comeback.wait(self._name, since, self._before)
        except LeaseLost:
            raise
        except HubError as error:
            return error
        return None

    def _go_back(self) -> None:
        """Put the old files back and have the service work again; ends in the error that tells of it."""
        backup_id = str(self._run.operation.result["backup_id"])
        try:
            with self._step(RESTORE):
                self._put_back(list(self._new))
                self._run.result(saved=False, rolled_back=True)
                failure = self._come_back(in_steps=False)
                if failure is not None:
                    raise failure
            outcome = text(
                "{service} did not come up with the new configuration. The old one is back, and {service} works again.",
                service=self._title,
            )
        except LeaseLost:
            raise
        except HubError:
            rolled_back = self._run.operation.result.get("rolled_back")
            outcome = (
                text(
                    "{service} did not come up with the new configuration. The old one is back, but {service} does not "
                    "work with it now either.",
                    service=self._title,
                )
                if rolled_back
                else text(
                    "{service} did not come up with the new configuration, and the old one could not be put back. "
                    "The old files are in the backup {backup}.",
                    service=self._title,
                    backup=backup_id,
                )
            )
        self._run.result(code=ServiceDown.code)
        self._note("config_update_error", error=say(outcome)[:_AUDITED], backup_id=backup_id)
        raise ServiceDown(outcome, remedy=text("The log of the service says why it did not come up."))

    # --- telling

    @property
    def _title(self) -> str:
        return self._definition.title

    @contextmanager
    def _step(self, key: str) -> Iterator[Callable[[Text, StepStatus], None]]:
        """A step from its begin to its end; the answer sets what came of it, where that is not just “done”."""
        remark: list[tuple[Text, StepStatus]] = []
        self._run.step(key, StepStatus.RUNNING)
        try:
            yield lambda note, status: remark.append((note, status))
        except LeaseLost:
            raise
        except HubError as error:
            if error.detail:
                error.detail = scrub(error.detail, self._secrets)
            self._run.step(key, StepStatus.FAILED, error)
            raise
        note, status = remark[0] if remark else (None, StepStatus.DONE)
        self._run.step(key, status, note=note)

    def _skip(self, note: Text | None, *keys: str) -> None:
        waiting = {step.key for step in self._run.operation.steps if step.status == StepStatus.WAITING}
        for key in keys:
            if key in waiting:
                self._run.step(key, StepStatus.SKIPPED, note=note)

    def _say(self, line: str) -> None:
        harmless = scrub(line, self._secrets)
        self._output.append(harmless)
        self._run.log(harmless)

    def _note(self, event: str, **details: Any) -> None:
        self._tools.audit.record(event, {"service": self._name, **details}, **by(self._run.operation.actor))
