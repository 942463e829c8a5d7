"""A disk that is full: nothing is moved away, everybody says so, and all goes on when there is room."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubcore.adapters.store import Store
from hubcore.errors import StoreBusy
from tests.stack.hub import ROOT

NEWCOMER = (
    "import sys; from pathlib import Path\n"
    "from hubcore.adapters.store import Store; from hubcore.errors import HubError\n"
    "try: print(Store(Path(sys.argv[1])).increment('n'))\n"
    "except HubError as error: print(error)"
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a file system of one's own takes root on Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    return filler


def newcomer(store: Store) -> str:
    result = subprocess.run(
        [sys.executable, "-c", NEWCOMER, store.directory], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert result.stderr == ""
    return result.stdout


def test_the_store_stays_where_it_is(disk: Path) -> None:
    store = Store(disk / "store")
    store.put("n", 41)
    filler = fill(disk)
    for _ in range(3):
        assert "The disk is full" in newcomer(store)
        with pytest.raises(StoreBusy, match="The disk is full"), store.transaction():
            store.put("k", bytes(500_000))
    assert store.get_int("n") == 41
    assert sorted(path.name for path in disk.iterdir()) == ["filler", "store", "store.lock"]
    filler.unlink()
    assert newcomer(store) == "42\n"
    store.put("k", bytes(500_000))
    assert store.increment("n") == 43
