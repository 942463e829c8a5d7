"""`kill -9` of the leader between any two steps of a save: every file is old or new, and the record tells it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import orjson
import pytest

from hubcore.hub import Hub
from hubcore.models import Actor, ConfigChange, Operation, OperationStatus, StepStatus
from hubcore.settings import load_settings
from tests.stack import needs
from tests.stack.small import small_stack
from tests.stack.stack import Stack
from tests.stack.waiting import wait_until

from .killed_leader import POINTS

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
NGINX, SITE = "conf/nginx/nginx.conf", "conf/nginx/conf.d/default.conf"
GOING_BACK = "old file"
# how many steps are done at each point; the next one was under way
DONE = {
    "before the check": 0,
    "before the backup": 1,
    "in the middle of the backup": 1,
    "before the backup has its name": 1,
    "after the backup": 1,
    "before the test": 2,
    "in the middle of the test": 2,
    "after the test": 2,
    "before the first file": 3,
    "before the first file has its name": 3,
    "after the first file": 3,
    "after the last file": 3,
    "before it is made anew": 4,
    "after it was made anew": 4,
}
WITHOUT_BACKUP = ("before the check", "before the backup", "in the middle of the backup",
                  "before the backup has its name", "after the backup")  # fmt: skip


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    missing = needs.stack()
    if missing:
        pytest.skip(missing)
    made = small_stack(tmp_path_factory.mktemp("killed") / "stack", "nginx")
    yield made
    made.down()


def leader(stack: Stack, point: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.faults.killed_leader", point]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | stack.environment(), stdin=subprocess.DEVNULL)


def leftovers(stack: Stack) -> list[str]:
    found = [str(p) for p in stack.directory.rglob(".hub-*")]
    return found + stack.docker("ps", "-aq", "--filter", "label=dashboard.trial").split()


@pytest.mark.timeout(400)
def test_every_file_is_old_or_new_and_the_record_tells(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    hub = Hub(load_settings())
    hub.start(collect=False)
    old = {path: (stack.directory / path).read_bytes() for path in (NGINX, SITE)}
    running: list[subprocess.Popen[bytes]] = []
    killed: Operation | None = None
    before = ""
    try:
        for point in POINTS:
            running.append(leader(stack, point))
            wait_until(partial(_works, hub), 60, f"nginx works; next: {point}")
            if killed is not None:
                _check_record(hub, killed.id, before)
                assert leftovers(stack) == []
            going_back = GOING_BACK in point
            new = {
                NGINX: old[NGINX].replace(b"256;", b"257;"),
                # nginx finds nothing wrong with another port, but nobody asks there
                SITE: old[SITE].replace(b"listen 80;", b"listen 81;") if going_back else old[SITE] + b"# new\n",
            }
            contents = {path: data.decode() for path, data in new.items()}
            change = ConfigChange(config_files=contents, restart=True)
            killed, before = hub.configuration.save("nginx", change, Actor(name="test")), point
            assert running[-1].wait(60) == -signal.SIGKILL, point
            now = {path: (stack.directory / path).read_bytes() for path in (NGINX, SITE)}
            assert all(now[path] in (old[path], new[path]) for path in now), point
            changed = [path for path in now if now[path] == new[path]]
            assert len(changed) == _expected(point), (point, changed)
            for path, data in old.items():
                (stack.directory / path).write_bytes(data)
            stack.compose("up", "--detach", "--force-recreate", "--wait", "nginx")
        running.append(leader(stack, "after the last old file"))
        assert killed is not None
        wait_until(lambda: hub.operation(killed.id).status.ended, 30, "the last record is marked")
        _check_record(hub, killed.id, before)
        wait_until(lambda: leftovers(stack) == [], 20, "everything is tidied up")
    finally:
        for process in running:
            process.kill()
            process.wait(5)
        hub.close()


def _works(hub: Hub) -> bool:
    snapshot = hub.snapshot()
    active = [op for op in hub.operations() if not op.status.ended]
    return snapshot is not None and not active and snapshot.services["nginx"].condition == "works"


def _expected(point: str) -> int:
    """How many files are new at a point."""
    if point == "after the last old file":
        return 0
    if point in ("after the first file", "after the first old file"):
        return 1
    return 2 if point in ("after the last file", "before the first old file") or "anew" in point else 0


def _check_record(hub: Hub, operation_id: str, point: str) -> None:
    record = hub.operation(operation_id)
    assert record.status == OperationStatus.INTERRUPTED, point
    statuses = [step.status for step in record.steps]
    if point in DONE:
        done = DONE[point]
        assert statuses[:done] == [StepStatus.DONE] * done, (point, statuses)
        assert statuses[done] == StepStatus.FAILED, (point, statuses)
        assert set(statuses[done + 1 :]) <= {StepStatus.WAITING}, (point, statuses)
    else:
        assert statuses[-1] == StepStatus.FAILED, (point, statuses)
    backup_id = record.result.get("backup_id")
    assert (backup_id is None) == (point in WITHOUT_BACKUP), point
    if backup_id is not None:
        assert record.remedy is not None and str(backup_id) in record.remedy.english()
        folder = hub.settings.stack_dir / "backups" / str(backup_id)
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
        assert b"256;" in (folder / "nginx.conf").read_bytes() and len(manifest["files"]) == 2
    listed = {entry.id for entry in hub.configuration.backups()}
    assert all((hub.settings.stack_dir / "backups" / i / "manifest.json").exists() for i in listed)
