"""Builds the engine's adapter and the collector from the settings; used by the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from .adapters.auditlog import AuditLog
from .adapters.backupfolder import BackupFolder
from .adapters.cgroups import CgroupSampler
from .adapters.engine import Engine
from .adapters.history import History
from .adapters.host import HostSampler
from .adapters.stackconfig import StackConfig
from .adapters.stackfile import StackFiles
from .adapters.store import Store
from .adapters.upstream_http import UpstreamHttp
from .collector import Collector, Parts
from .configuration import ConfigurationDesk
from .databases import Databases
from .lease import Lease
from .models import Operation, Snapshot
from .pending import Pending
from .settings import Settings, environment
from .submission import Submission
from .targets import Key, Reach
from .upstreams import Asking, Upstreams


def make_engine(settings: Settings) -> Engine:
    """The Docker engine that the environment names."""
    return Engine(operation_timeout=settings.docker_operation_timeout)


def make_files(settings: Settings) -> StackFiles:
    """The stack's folder."""
    return StackFiles(
        settings.stack_dir,
        settings.docker_compose_file,
        explicit=settings.compose_file_is_explicit,
        environment=environment(),
    )


def make_key(settings: Settings, files: StackFiles) -> Key:
    """Finds the key of a service: in a setting, else in its env file."""
    return lambda setting, env_file, variable: (
        (setting and getattr(settings, setting)) or (env_file and files.variable(env_file, variable)) or None
    )


def make_upstreams(
    settings: Settings,
    engine: Engine,
    *,
    snapshot: Callable[[], Snapshot | None],
    operations: Callable[[], Iterable[Operation]],
    submission: Submission,
) -> Upstreams:
    """The desk for what only the services themselves know."""
    key = make_key(settings, make_files(settings))
    asking = Asking(UpstreamHttp(), lambda: Reach(engine.host, engine.is_local), key)
    return Upstreams(
        asking, Databases(engine.exec, key), snapshot=snapshot, operations=operations, submission=submission
    )


def make_configuration(
    settings: Settings, snapshot: Callable[[], Snapshot | None], submission: Submission, audit: AuditLog
) -> ConfigurationDesk:
    """The desk for configurations and their backups."""
    files, backups = StackConfig(settings.stack_dir), BackupFolder(settings.stack_dir)
    return ConfigurationDesk(files, backups, snapshot=snapshot, submission=submission, audit=audit)


class Kept(NamedTuple):
    """What a process keeps from one term of leadership to the next."""

    store: Store
    pending: Pending
    history: History
    audit: AuditLog


def make_collector(settings: Settings, kept: Kept, lease: Lease, known: Snapshot | None) -> Collector:
    """What a leader runs, for one term. `known`: what was published last."""
    files = make_files(settings)
    parts = Parts(
        store=kept.store,
        pending=kept.pending,
        audit=kept.audit,
        engine=make_engine(settings),
        files=files,
        history=kept.history,
        host=HostSampler(),
        cgroups=CgroupSampler(),
        key=make_key(settings, files),
    )
    return Collector(settings, parts, lease, known)
