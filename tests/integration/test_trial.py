"""Throw-away containers on the real engine: like another one, with files laid over its own, and always removed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubcore.adapters.engine import Engine
from hubcore.errors import EngineRefused, EngineTimeout
from tests.stack.stack import docker

from .boxes import Box, image


@pytest.fixture
def owner() -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    yield name
    assert not left(name), "a trial was left over"


def left(owner: str) -> str:
    return docker("ps", "-aq", "--filter", f"label=dashboard.trial={owner}").strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mounted"
    made.mkdir()
    (made / "a").write_text("old a")
    (made / "b").write_text("old b")
    (tmp_path / "single").write_text("old single")
    (tmp_path / "new").write_text("new")
    return made


def test_files_are_laid_over_those_of_the_container(engine: Engine, box: Box, owner: str, folder: Path) -> None:
    single, new = folder.parent / "single", folder.parent / "new"
    options = (
        "--volume",
        f"{folder}:/data:ro",
        "--volume",
        f"{single}:/single",
        "--user",
        "1000",
        "--workdir",
        "/data",
    )
    plan = engine.blueprint(box("sleep", "60", options=options).id)
    assert plan.command[-2:] == ("sleep", "60")
    found = engine.trial(
        plan, ["sh", "-c", "cat a b /single; id -u; pwd; echo x > /single; exit 3"],
        {"/data/a": str(new), "/single": str(new)}, owner=owner, seconds=20,
    )  # fmt: skip
    assert found.exit_code == 3
    words = found.output.decode()
    assert "newold bnew1000\n/data\n" in words and "Read-only" in words
    assert (folder / "a").read_text() == "old a" and single.read_text() == "old single" and new.read_text() == "new"


def test_it_is_in_the_networks_of_the_container_and_publishes_nothing(engine: Engine, box: Box, owner: str) -> None:
    network = f"hubtest-{secrets.token_hex(4)}"
    docker("network", "create", network)
    try:
        other = box("sleep", "60", options=("--network", network, "--network-alias", "other-box", "--publish", "80"))
        plan = engine.blueprint(other.id)
        found = engine.trial(plan, ["nslookup", "other-box"], {}, owner=owner, seconds=20)
        assert found.exit_code == 0, found.output
    finally:
        docker("rm", "--force", other.id)
        docker("network", "rm", network)


def test_one_that_does_not_end_is_ended(engine: Engine, box: Box, owner: str) -> None:
    plan = engine.blueprint(box("sleep", "60").id)
    with pytest.raises(EngineTimeout):
        engine.trial(plan, ["sleep", "60"], {}, owner=owner, seconds=1)


def test_one_that_cannot_be_made(engine: Engine, box: Box, owner: str, tmp_path: Path) -> None:
    plan = engine.blueprint(box("sleep", "60").id)
    with pytest.raises(EngineRefused):
        engine.trial(plan, ["nosuchprogram"], {}, owner=owner, seconds=10)
    with pytest.raises(EngineRefused):
        engine.trial(plan, ["true"], {"/x": str(tmp_path / "nothing")}, owner=owner, seconds=10)


def test_what_was_left_is_swept_away_by_its_owner_only(engine: Engine, owner: str) -> None:
    docker("create", "--label", f"dashboard.trial={owner}", image(), "true")
    assert engine.sweep_trials("another") == 0
    assert left(owner)
    assert engine.sweep_trials(owner) == 1
