"""Finding and running Compose, with small scripts in its place: what goes in, what comes out, and its bad days."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import psutil
import pytest

from hubcore.adapters import compose as module
from hubcore.adapters.compose import Compose
from hubcore.errors import BadRequest, ComposeFailed, ComposeUnavailable
from tests.stack.waiting import wait_until

V2 = 'if [ "$1" = compose ]; then shift; else exit 125; fi\nif [ "$1" = version ]; then echo 2.26.1-4; exit; fi\n'
V1 = 'if [ "$1" = version ]; then echo 1.29.2; exit; fi\n'
NO_PLUGIN = "echo \"docker: 'compose' is not a docker command.\" >&2; exit 1\n"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first on PATH; without scripts in it, no Compose is installed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "env", "cat", "sleep", "printf"):
        found = next(p for p in map(Path, ("/bin", "/usr/bin")) if (p / tool).exists()) / tool
        (folder / tool).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def members(group: int) -> list[int]:
    """The processes of a group that still run; a zombie waits for whoever started it, and runs no more."""
    found = []
    for process in psutil.process_iter(["pid", "status"]):
        try:
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except ProcessLookupError:
            continue
    return found


def install(programs: Path, name: str, script: str) -> None:
    path = programs / name
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)


@pytest.fixture
def compose(stack_dir: Path) -> Compose:
    (stack_dir / "compose.yml").write_text("services:\n  a:\n    image: ${IMAGE:-x}\n    command: $$HOME $OTHER_NAME\n")
    return Compose(stack_dir, Path("compose.yml"), "demo", 20.0)


def test_v2_is_taken_before_v1(programs: Path, compose: Compose) -> None:
    install(programs, "docker", V2)
    install(programs, "docker-compose", V1)
    found = compose.available()
    assert found is not None
    assert (found.version, found.generation) == ("2.26.1-4", 2)
    assert found.command == (str(programs / "docker"), "compose")


def test_v1_is_taken_without_the_plugin(programs: Path, compose: Compose) -> None:
    install(programs, "docker", NO_PLUGIN)
    install(programs, "docker-compose", V1)
    found = compose.available()
    assert found is not None
    assert (found.version, found.generation) == ("1.29.2", 1)


def test_neither_is_there(programs: Path, compose: Compose) -> None:
    install(programs, "docker", NO_PLUGIN)
    assert compose.available() is None
    with pytest.raises(ComposeUnavailable) as caught:
        compose.up(["a"])
    assert caught.value.remedy is not None


def test_the_answer_is_kept_and_asked_for_again(
    programs: Path, compose: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compose.available() is None
    install(programs, "docker", V2)
    assert compose.available() is None
    monkeypatch.setattr(module, "MISSING_FOR", 0.0)
    assert compose.available() is not None


def test_a_hanging_program_is_no_compose(programs: Path, compose: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "VERSION_TIMEOUT", 0.2)
    install(programs, "docker", "exec sleep 30")
    assert compose.available() is None


def test_call_lines_and_environment(
    programs: Path, compose: Compose, stack_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(programs, "docker", V2 + 'echo "$PWD $@"; echo; printf "one\\rtwo\\033[31m red\\007\\n" >&2; env')
    monkeypatch.setenv("OTHER_NAME", "named in the compose file")
    monkeypatch.setenv("SOME_SECRET", "of the shell")
    monkeypatch.setenv("DASHBOARD_LITELLM_API_KEY", "hidden")
    monkeypatch.setenv("DOCKER_HOST", "unix:///elsewhere")
    monkeypatch.setenv("COMPOSE_FILE", "/wrong.yml")
    monkeypatch.setenv("COMPOSE_PROFILES", "extra")
    heard: list[str] = []
    result = compose.up(["a", "b.c-d_e"], on_line=heard.append)
    expected = f"-f {stack_dir}/compose.yml --project-directory {stack_dir} -p demo up -d --no-recreate a b.c-d_e"
    assert heard[0] == f"{stack_dir} {expected}"
    assert heard[1:3] == ["", "two red"]
    assert tuple(heard[-len(result.lines) :]) == result.lines
    variables = dict(line.split("=", 1) for line in heard[3:] if "=" in line)
    assert variables["OTHER_NAME"] == "named in the compose file"
    assert variables["DOCKER_HOST"] == "unix:///elsewhere"
    assert variables["COMPOSE_PROFILES"] == "extra"
    assert not {"SOME_SECRET", "DASHBOARD_LITELLM_API_KEY", "COMPOSE_FILE", "DASHBOARD_STATE_DIR"} & variables.keys()


def test_making_a_service_anew(programs: Path, compose: Compose) -> None:
    install(programs, "docker", V2 + 'echo "$@"')
    heard: list[str] = []
    compose.recreate("a", on_line=heard.append)
    compose.recreate("a", replicas=3, on_line=heard.append)
    begin = "up -d --no-deps --force-recreate"
    assert [line[line.index("up -d") :] for line in heard] == [f"{begin} a", f"{begin} --scale=a=3 a"]
    with pytest.raises(BadRequest):
        compose.recreate("--help")


def test_failure_carries_the_last_lines(programs: Path, compose: Compose) -> None:
    install(programs, "docker", V2 + 'i=0; while [ $i -lt 100 ]; do echo "line $i"; i=$((i+1)); done; exit 17')
    with pytest.raises(ComposeFailed, match="could not create a") as caught:
        compose.up(["a"])
    assert caught.value.detail is not None
    lines = caught.value.detail.splitlines()
    assert lines[-1] == "line 99"
    assert len(lines) == module.KEPT_LINES


@pytest.mark.parametrize("name", ["-x", "--help", "a b", "", "$(id)", "a/../b"])
def test_impossible_names_are_refused_before_anything_runs(programs: Path, compose: Compose, name: str) -> None:
    with pytest.raises(BadRequest):
        compose.up([name])


def test_no_compose_file(programs: Path, stack_dir: Path) -> None:
    install(programs, "docker", V2)
    with pytest.raises(ComposeFailed, match="no compose file"):
        Compose(stack_dir, None, "demo").up(["a"])


@pytest.mark.parametrize("script", ["sleep 60", "trap '' TERM; while :; do sleep 1; done", "sleep 60 & exit 0"])
def test_the_deadline_ends_it_and_what_it_started(
    programs: Path, compose: Compose, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE", 0.3)
    install(programs, "docker", V2 + f'echo "$$"; {script}')
    heard: list[str] = []
    begun = time.monotonic()
    with pytest.raises(ComposeFailed, match="took longer than"):
        compose.up(["a"], timeout=0.5, on_line=heard.append)
    assert time.monotonic() - begun < 5
    wait_until(lambda: not members(int(heard[0])), 5, "nothing of it runs any more")


def test_close_ends_what_runs(programs: Path, compose: Compose) -> None:
    install(programs, "docker", V2 + "echo begun; sleep 60")
    heard: list[str] = []
    errors: list[ComposeFailed] = []

    def run() -> None:
        try:
            compose.up(["a"], on_line=heard.append)
        except ComposeFailed as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: heard, 5, "Compose has begun")
    compose.close()
    thread.join(5)
    assert not thread.is_alive()
    assert errors
