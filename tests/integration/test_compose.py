"""Compose creating real containers."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubcore.adapters.compose import Compose
from hubcore.errors import ComposeFailed
from tests.stack import needs
from tests.stack.stack import PREFIX, docker, remove_project

pytestmark = pytest.mark.stack

FILE = """
services:
  one:
    image: {image}
    init: true
    command: [sleep, "3600"]
    depends_on: [two]
    environment: {{GREETING: "${{HUB_TEST_GREETING:-none}}"}}
  two:
    image: {image}
    init: true
    command: [sleep, "3600"]
  three:
    image: {image}
    init: true
    command: [sleep, "3600"]
  broken:
    image: hub-test-there-is-no-such-image
    pull_policy: never
"""


@pytest.fixture
def compose(stack_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Compose]:
    variables = needs.stack_environment()
    if "DOCKER_CONFIG" in variables:
        monkeypatch.setenv("DOCKER_CONFIG", variables["DOCKER_CONFIG"])
    (stack_dir / "compose.yml").write_text(FILE.format(image=variables.get("DEMO_BUSYBOX_IMAGE", "busybox:1.36")))
    project = f"{PREFIX}-{os.getpid()}-{secrets.token_hex(3)}"
    yield Compose(stack_dir, Path("compose.yml"), project, 60)
    remove_project(project)


def containers(compose: Compose) -> dict[str, str]:
    """Service → id of its container."""
    label = "com.docker.compose"
    listed = docker(
        "ps", "-a", "--no-trunc", "--filter", f"label={label}.project={compose.project}",
        "--format", f'{{{{.Label "{label}.service"}}}} {{{{.ID}}}}',
    )  # fmt: skip
    return dict(line.split() for line in listed.splitlines())


def test_create_makes_containers_with_one_call_and_starts_none(compose: Compose) -> None:
    compose.create(["one", "three"])
    made = containers(compose)
    assert made.keys() == {"one", "two", "three"}
    states = {docker("inspect", "--format", "{{.State.Status}}", container).strip() for container in made.values()}
    assert states == {"created"}
    compose.up(["one"])
    assert containers(compose) == made


def test_up_creates_what_is_missing_and_leaves_the_rest(compose: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    found = compose.available()
    assert found is not None
    assert found.generation == 2
    compose.up(["two"])
    first = containers(compose)
    assert first.keys() == {"two"}
    monkeypatch.setenv("HUB_TEST_GREETING", "hello")
    heard: list[str] = []
    result = compose.up(["one"], on_line=heard.append)
    second = containers(compose)
    assert second.keys() == {"one", "two"}
    assert second["two"] == first["two"]
    assert any("one" in line and "Started" in line for line in heard)
    assert "\x1b" not in "".join(heard)
    assert result.duration < 60
    assert docker("exec", second["one"], "sh", "-c", "echo $GREETING").strip() == "hello"
    monkeypatch.delenv("HUB_TEST_GREETING")
    compose.up(["one"])  # the definition is another one now, but a container that exists stays
    assert containers(compose) == second


def test_failure_in_the_words_of_compose(compose: Compose) -> None:
    with pytest.raises(ComposeFailed) as caught:
        compose.up(["broken"])
    assert "hub-test-there-is-no-such-image" in (caught.value.detail or "")
    assert "broken" not in containers(compose)
