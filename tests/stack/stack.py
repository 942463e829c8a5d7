"""The demo stack under a name and ports of its own, for one test session."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import needs
from .waiting import free_ports, wait_until

DEMO = Path(__file__).resolve().parents[2] / "demo"
PREFIX = "hubtest"
LABEL = "com.docker.compose.project"


def docker(*arguments: str, timeout: float = 60.0) -> str:
    """Run the docker command; its output, or AssertionError with what it said."""
    return _run(["docker", *arguments], timeout=timeout)


def _run(command: list[str], *, timeout: float, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, cwd=cwd, env=env, stdin=subprocess.DEVNULL
    )
    assert result.returncode == 0, f"{' '.join(command)}: {result.stderr.strip() or result.stdout.strip()}"
    return result.stdout


@dataclass
class Stack:
    """A running copy of demo/. `directory` is the stack root, `ports` the host port of each service that has one."""

    directory: Path
    project: str
    ports: dict[str, int] = field(default_factory=dict)

    @classmethod
    def prepare(cls, directory: Path, *, interval: str = "2s") -> Stack:
        """Copy demo/ to `directory` (must not exist) with a unique project name, free ports and the images at hand.

        All of it is written into the copy, so that whoever runs Compose there, the dashboard too, gets the same.
        """
        project = f"{PREFIX}-{os.getpid()}-{secrets.token_hex(3)}"
        shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns(".env"))
        compose_file = directory / "compose.yml"
        original = compose_file.read_text(encoding="utf-8")
        compose_file.write_text(re.sub(r"(?m)^name: .*$", f"name: {project}", original), encoding="utf-8")
        names = re.findall(r"\$\{DEMO_([A-Z]+)_PORT:-", original)
        ports = {name.lower(): port for name, port in zip(names, free_ports(len(names)), strict=True)}
        variables = {k: v for k, v in needs.stack_environment().items() if k.startswith("DEMO_")}
        variables |= {f"DEMO_{name.upper()}_PORT": str(port) for name, port in ports.items()}
        variables["DEMO_CHECK_INTERVAL"] = interval
        (directory / ".env").write_text("".join(f"{k}={v}\n" for k, v in variables.items()), encoding="utf-8")
        return cls(directory, project, ports)

    @property
    def compose_file(self) -> Path:
        """The Compose file of the copy."""
        return self.directory / "compose.yml"

    def environment(self) -> dict[str, str]:
        """What the dashboard must be told to look after this stack."""
        told = {
            "DASHBOARD_STACK_DIR": str(self.directory),
            "DASHBOARD_DOCKER_COMPOSE_FILE": self.compose_file.name,
            "DASHBOARD_PROJECT": self.project,
        }
        config = needs.stack_environment().get("DOCKER_CONFIG")
        return told | ({"DOCKER_CONFIG": config} if config else {})

    def compose(self, *arguments: str, timeout: float = 180.0) -> str:
        """`docker compose ARGUMENTS` on this stack; its standard output."""
        return _run(
            ["docker", "compose", *arguments], timeout=timeout, cwd=self.directory, env=os.environ | self.environment()
        )

    docker = staticmethod(docker)

    def up(self, *services: str) -> None:
        """Create and start all services, or these with what they depend on, and wait until they are healthy."""
        self.compose("up", "--detach", "--wait", "--wait-timeout", "120", *services)

    restore = up  # after a test that stopped, killed or removed something

    def container(self, service: str) -> str:
        """The id of the service's container, running or not."""
        ids = docker(
            "ps", "-aq", "--no-trunc",
            "--filter", f"label={LABEL}={self.project}", "--filter", f"label=com.docker.compose.service={service}",
        ).split()  # fmt: skip
        assert len(ids) == 1, f"{service}: {len(ids)} containers"
        return ids[0]

    def state(self, service: str) -> tuple[str, str]:
        """Docker's state and health of the service's container; health is "" without a health check."""
        state = json.loads(docker("inspect", "--format", "{{json .State}}", self.container(service)))
        return state["Status"], state.get("Health", {}).get("Status", "")

    def wait_healthy(self, *services: str, deadline: float = 60.0) -> None:
        """Wait until these services (default: all with containers) run and none is starting or unhealthy."""
        names = services or tuple(self.compose("ps", "--all", "--services").split())
        wanted = (("running", "healthy"), ("running", ""))
        for name in names:
            wait_until(lambda name=name: self.state(name) in wanted, deadline, f"{name} healthy", interval=0.2)

    def fault(self, service: str, kind: str | None) -> None:
        """Make a stand-in misbehave: "hang" (accepts, never answers), "503" (any status), None (well again)."""
        command = f"echo {kind} > /tmp/fault" if kind else "rm -f /tmp/fault"
        docker("exec", self.container(service), "sh", "-c", command)

    def down(self) -> None:
        """Remove the stack with its volumes: everything that carries its label, nothing else."""
        remove_project(self.project)


def remove_project(project: str) -> None:
    """Remove containers, networks and volumes labelled with the Compose project."""
    label = f"label={LABEL}={project}"
    for found, remove in (
        (("ps", "-aq"), ("rm", "--force", "--volumes")),
        (("network", "ls", "-q"), ("network", "rm")),
        (("volume", "ls", "-q"), ("volume", "rm")),
    ):
        ids = docker(*found, "--filter", label).split()
        if ids:
            docker(*remove, *ids)


def remove_orphans() -> None:
    """Remove the stacks of test sessions that were killed: those named after a process that is no more."""
    names = set(docker("ps", "-a", "--format", '{{.Label "com.docker.compose.project"}}').split())
    for name in names:
        match = re.fullmatch(rf"{PREFIX}-(\d+)-[0-9a-f]+", name)
        if match and not _alive(int(match[1])):
            remove_project(name)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
