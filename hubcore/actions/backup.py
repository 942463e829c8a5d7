"""Backing up the configuration of a service: its env file and its configuration files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..adapters.backupfolder import BackupFolder, Part
from ..adapters.stackconfig import Contents, StackConfig
from ..catalog import Definition
from ..config_plan import BACKUP, files_of
from ..config_rules import Files
from ..errors import HubError, LeaseLost, UnknownService
from ..models import StepStatus
from ..operations import OperationRun

BY_HAND, BEFORE_SAVE = "by_hand", "before_save"


class Backup:
    """Carries out backups. `definitions` gives the services as observed now."""

    def __init__(
        self, files: StackConfig, backups: BackupFolder, definitions: Callable[[], Mapping[str, Definition]]
    ) -> None:
        self._files = files
        self._backups = backups
        self._definitions = definitions

    def run(self, run: OperationRun) -> None:
        """One service; a file that exists and cannot be read fails the backup: half of it must not look like all."""
        name = run.operation.services[0]
        run.step(BACKUP, StepStatus.RUNNING)
        try:
            definition = self._definitions().get(name)
            if definition is None:
                raise UnknownService(name)
            files = files_of(name, definition)
            contents = self._files.read(files.all)
            for problem in contents.problems.values():
                raise problem
            backup_id = self._backups.save(name, BY_HAND, parts_of(files, contents))
        except LeaseLost:
            raise
        except HubError as error:
            run.step(BACKUP, StepStatus.FAILED, error)
            raise
        run.result(backup_id=backup_id, files=len(contents.files))
        run.step(BACKUP, StepStatus.DONE)


def parts_of(files: Files, contents: Contents) -> list[Part]:
    """What goes into a backup: every file that could be read."""
    return [(path, "env" if path == files.env else "config", file) for path, file in contents.files.items()]
