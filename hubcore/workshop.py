"""What a leader can do to the stack: one action for each kind of operation, built from the adapters."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping
from typing import NamedTuple

from .actions.backup import Backup
from .actions.comeback import Comeback
from .actions.configure import Configure, ConfigureTools
from .actions.control import Control
from .actions.models import Models
from .actions.nginx_test import NginxTest
from .adapters.auditlog import AuditLog
from .adapters.backupfolder import BackupFolder
from .adapters.compose import Compose
from .adapters.engine import Engine
from .adapters.stackconfig import StackConfig
from .adapters.stackfile import StackFiles
from .adapters.upstream_http import UpstreamHttp
from .adapters.upstream_ollama import Ollama
from .catalog import build
from .collect_engine import EngineWatcher
from .config_plan import files_of
from .executor import Action
from .models import CONTROL_KINDS, OperationKind
from .pending import Pending
from .places import Place, place_of, service_of
from .settings import Settings
from .targets import Key, Reach
from .world import World

log = logging.getLogger(__name__)


class Tools(NamedTuple):
    """What the actions work with."""

    settings: Settings
    engine: Engine
    files: StackFiles
    pending: Pending
    audit: AuditLog
    world: World
    watcher: EngineWatcher
    key: Key


class Workshop:
    """The actions of one term of a leader."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._compose: Compose | None = None
        self._control = Control(
            tools.engine,
            compose=self.compose,
            definitions=tools.world.definitions,
            state=tools.world.state,
            inspect=tools.watcher.inspect,
            refresh=tools.watcher.refresh,
            timeout=tools.settings.docker_operation_timeout,
        )
        self._comeback = Comeback(
            tools.engine,
            compose=self.compose,
            definitions=tools.world.definitions,
            state=tools.world.state,
            refresh=tools.watcher.refresh,
            timeout=tools.settings.docker_operation_timeout,
        )
        self._config = StackConfig(tools.files.stack_dir)
        self._backups = BackupFolder(tools.files.stack_dir)
        self._nginx = NginxTest(tools.engine, self._config, owner=_owner(tools.settings))
        self._http = UpstreamHttp()
        self._models = Models(Ollama(self._http), self._ollama)

    def actions(self) -> Mapping[OperationKind, Action]:
        """What carries out an operation, by its kind."""
        return {
            **dict.fromkeys(CONTROL_KINDS, self._control.run),
            OperationKind.CONFIGURE: Configure(self._configure_tools()).run,
            OperationKind.BACKUP: Backup(self._config, self._backups, self._tools.world.definitions).run,
            OperationKind.PULL_MODEL: self._models.pull,
            OperationKind.DELETE_MODEL: self._models.delete,
        }

    def compose(self) -> Compose | None:
        """Compose for the stack as it is now; None without a compose file.

        A file that cannot be read is Compose's to complain of: it says what is wrong, and where.
        """
        files = self._tools.files
        stack = files.load()
        project = self._tools.settings.project or stack.project
        if stack.path is None or not project:
            return None
        paths = tuple(files.stack_dir / path for path in (stack.path, *stack.more_paths))
        known = self._compose
        if known is None or ((known.compose_file, *known.overrides), known.project) != (paths, project):
            self._compose = Compose(files.stack_dir, paths[0], project, overrides=paths[1:])
        return self._compose

    def tidy_up(self) -> None:
        """Remove what a killed leader left half-written; its throw-away containers go as soon as the engine answers."""
        files = self._tools.files.load()
        paths = [path for d in build(files, files.project, ()).values() for path in files_of(d.name, d).all]
        swept = self._config.sweep(paths) + self._backups.sweep()
        if swept:
            log.info("Removed %d unfinished files of an earlier leader.", swept)
        threading.Thread(target=self._nginx.tidy_up, name="tidy-up", daemon=True).start()

    def _configure_tools(self) -> ConfigureTools:
        tools = self._tools
        return ConfigureTools(
            files=self._config,
            backups=self._backups,
            pending=tools.pending,
            audit=tools.audit,
            comeback=self._comeback,
            nginx=self._nginx,
            native=lambda name: name in tools.world.natives() and not tools.world.definitions()[name].containers,
        )

    def _ollama(self) -> Place:
        engine, world = self._tools.engine, self._tools.world
        services = {name: state for name in world.definitions() if (state := world.state(name)) is not None}
        return place_of(service_of("ollama", services), Reach(engine.host, engine.is_local), self._tools.key)

    def interrupt(self) -> None:
        """Cut short what may take hours; the next leader marks it as interrupted."""
        self._comeback.close()
        self._models.interrupt()
        self._http.close()

    def close(self) -> None:
        """End waits and programs that are still running."""
        self.interrupt()
        self._control.close()
        if self._compose is not None:
            self._compose.close()


def _owner(settings: Settings) -> str:
    """Whose throw-away containers are ours: another dashboard may use the same engine."""
    return hashlib.sha256(str(settings.state_dir).encode("utf-8", "surrogateescape")).hexdigest()[:16]
