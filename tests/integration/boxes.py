"""Small containers for tests of the adapters: one command in BusyBox, removed afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

from hubcore.adapters.engine import Engine
from hubcore.models import Container
from tests.stack import needs
from tests.stack.stack import LABEL, PREFIX, docker, remove_project

Box = Callable[..., Container]


def image() -> str:
    """BusyBox as the demo stack uses it."""
    return needs.stack_environment().get("DEMO_BUSYBOX_IMAGE", "busybox:1.36")


def boxes(engine: Engine) -> Iterator[Box]:
    """For a fixture: `box("sh", "-c", "…", options=("--tty",))` starts a container and returns its inspection."""
    project = f"{PREFIX}-boxes-{secrets.token_hex(4)}"

    def box(*command: str, options: tuple[str, ...] = (), service: str = "box") -> Container:
        labels = (f"{LABEL}={project}", f"com.docker.compose.service={service}")
        arguments = [part for label in labels for part in ("--label", label)]
        container_id = docker("run", "--detach", "--init", *arguments, *options, image(), *command).strip()
        return engine.inspect(container_id)

    yield box
    remove_project(project)
