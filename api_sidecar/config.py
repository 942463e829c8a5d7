"""Configuration: reading, validating and saving it, backups of it and their list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hubcore.config_plan import RECREATE, WAIT
from hubcore.config_request import read_change
from hubcore.errors import ChangedMeanwhile, FileRefused, HubError, InvalidChange, ServiceDown
from hubcore.models import ConfigChange, ConfigFile, Operation, OperationStatus, ServiceState, Text, text
from hubcore.presets import DEFAULT_CONTAINER, PRESETS
from hubcore.roles import Role
from hubcore.views_text import clean, plain

from .call import Answer, Call, json_answer
from .errors import spoken
from .operation_json import error_of, succeeded
from .registry import known_service
from .route import Route
from .schemas import config as docs
from .slots import Slots

if TYPE_CHECKING:
    from hubcore.hub import Hub

BODY_LIMIT = 2 * 1024 * 1024  # bytes: several files of 100 000 characters, escaped
BODIES = 4  # bodies of that size that may be read at once
READERS = 16  # readers of files at once, each in a thread
WAITS = 8  # saves and backups that may wait for their operation at once, each in a thread
LONGEST_WAIT = 900.0  # seconds; then the answer says that the operation goes on


class Config:
    """Handlers; files are read in the thread that asks, everything else is an operation."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        later = text("Wait until they have ended, then try again.")
        self.bodies = Slots(BODIES, text("Too many requests arrive at once."), later)
        self.readers = Slots(READERS, text("Too many files are being read at once."), later)
        self.waits = Slots(WAITS, text("Too many commands are under way at once."), later)

    def routes(self) -> list[Route]:
        """The addresses answered here."""
        service = "/api/service/<name>"
        return [
            Route("GET", f"{service}/config", self.read, Role.ADMIN, docs.CONFIG),
            Route("POST", f"{service}/config", self.save, Role.ADMIN, docs.SAVE),
            Route("POST", f"{service}/validate", self.validate, Role.ADMIN, docs.VALIDATE),
            Route("POST", f"{service}/backup", self.backup, Role.OPERATOR, docs.BACKUP),
            Route("GET", "/api/backups", self.backups, Role.VIEWER, docs.BACKUPS),
        ]

    def read(self, call: Call, name: str) -> Answer:
        """GET /api/service/{name}/config"""
        state = known_service(self._hub, name)
        with self.readers.hold():
            found = self._hub.configuration.read(name)
        body = {
            "env_vars": found.env_vars,
            "config_files": {path: _file(file) for path, file in found.config_files.items()},
            "service_info": _info(name, state),
            "version": found.version,
            "env_file": found.env_file,
            "problems": [spoken(call, problem) for problem in found.problems],
        }
        return json_answer(body, headers={"ETag": f'"{found.version}"', "Cache-Control": "no-store"})

    def save(self, call: Call, name: str) -> Answer:
        """POST /api/service/{name}/config"""
        known_service(self._hub, name)  # an unknown service is 404 whatever the body holds
        change = self._change(call)
        with self.waits.hold():  # taken before anything happens: a refused command has changed nothing
            warnings = self._hub.configuration.validate(name, change).warnings
            submitted = self._hub.configuration.save(name, change, call.actor)
            ended = self._hub.wait_operation(submitted.id, LONGEST_WAIT)
        code = ended.result.get("code")
        if code == ChangedMeanwhile.code:
            raise self._hub.configuration.conflict(name, change)
        if code == InvalidChange.code and ended.problem is not None:
            raise InvalidChange([ended.problem])
        if code is not None and code != ServiceDown.code:
            raise _failure(ended)
        return json_answer(_saved(call, ended, change, warnings))

    def validate(self, call: Call, name: str) -> Answer:
        """POST /api/service/{name}/validate"""
        known_service(self._hub, name)
        change = self._change(call)
        with self.readers.hold():
            verdict = self._hub.configuration.validate(name, change)
        body = {"valid": verdict.valid, "errors": _all(call, verdict.errors), "warnings": _all(call, verdict.warnings)}
        return json_answer(body)

    def backup(self, call: Call, name: str) -> Answer:
        """POST /api/service/{name}/backup"""
        known_service(self._hub, name)
        call.json_object(self.bodies)
        with self.waits.hold():
            submitted = self._hub.configuration.backup(name, call.actor)
            ended = self._hub.wait_operation(submitted.id, LONGEST_WAIT)
        backup_id = ended.result.get("backup_id")
        if not succeeded(ended) or not isinstance(backup_id, str):
            raise _failure(ended)
        message = spoken(call, text("The backup {backup} was made.", backup=backup_id))
        return json_answer({"success": True, "backup_id": backup_id, "message": message, "operation_id": ended.id})

    def backups(self, call: Call) -> Answer:
        """GET /api/backups"""
        with self.readers.hold():
            found = self._hub.configuration.backups()
        lines = [
            {
                "id": plain(entry.id),
                "service": plain(entry.service),
                "date": entry.date,
                "time": entry.time,
                "files": [plain(name) for name in entry.files],
                "created": entry.created,
                "reason": plain(entry.reason),
            }
            for entry in found
        ]
        return json_answer({"backups": lines})

    def _change(self, call: Call) -> ConfigChange:
        based_on = (call.header("If-Match") or "").strip().removeprefix("W/").strip('"')
        body = call.json_object(self.bodies, BODY_LIMIT)
        return read_change(body, version=based_on if based_on not in ("", "*") else None)


def _file(file: ConfigFile) -> dict[str, Any]:
    entry: dict[str, Any] = {"content": file.content, "type": file.kind}
    return entry | ({"parsed": file.parsed} if file.is_parsed else {})


def _info(name: str, state: ServiceState | None) -> dict[str, Any]:
    if state is None:
        preset = PRESETS[name]
        return {
            "container_name": DEFAULT_CONTAINER.format(service=name),
            "port": preset.port,
            "description": preset.description,
            "category": preset.category,
        }
    return {
        "container_name": plain(state.container_name),
        "port": state.port,
        "description": plain(state.description) or plain(name),
        "category": state.category,
    }


def _saved(call: Call, ended: Operation, change: ConfigChange, warnings: Sequence[Text]) -> dict[str, Any]:
    """The answer to a save that was carried out, or is still under way; `success` means that it is stored."""
    result = ended.result
    saved = result.get("saved") is True
    files = str(result.get("files_updated") or "")
    works = result.get("restart_success") is True
    body: dict[str, Any] = {
        "success": saved,
        "backup_id": result.get("backup_id"),
        "operation_id": ended.id,
        "files_updated": [plain(path) for path in files.split(", ") if path] if saved else [],
        "warnings": _all(call, warnings),
        "error": None if saved else error_of(ended, call.translator),
        "rolled_back": result.get("rolled_back") is True,
    }
    if change.restart:
        body["restart_success"] = works
        body["restart_output"] = clean(str(result.get("restart_output") or ""))
        body["restart_error"] = None if works else _restart_error(call, ended)
    body["message"] = body["error"] or spoken(call, _message(change, works=works))
    if not saved and isinstance(result.get("code"), str):
        body["code"] = result["code"]
    return body


def _message(change: ConfigChange, *, works: bool) -> Text:
    if not change.restart:
        return text("Saved. It acts when the service is made anew: save again with a restart, or start it anew.")
    if works:
        return text("Saved, and the service works with it.")
    return text("Saved, but the service does not work.")


def _restart_error(call: Call, ended: Operation) -> str | None:
    """Why the service does not work with the new files, in the client's language."""
    for step in ended.steps:
        if step.key in (RECREATE, WAIT) and (step.problem or step.note) is not None:
            return spoken(call, step.problem or step.note or step.text)
    told = ended.result.get("restart_error")
    return plain(told, 2000) if isinstance(told, str) else error_of(ended, call.translator)


def _failure(ended: Operation) -> HubError:
    """The error for an operation that did not do what it was for."""
    problem = ended.problem or text("This did not work. The log of the service may say why.")
    if ended.status == OperationStatus.INTERRUPTED or ended.result.get("code") != FileRefused.code:
        return HubError(problem, remedy=ended.remedy)
    return FileRefused(problem, remedy=ended.remedy)


def _all(call: Call, sentences: Sequence[Text]) -> list[str]:
    return [spoken(call, sentence) for sentence in sentences]
