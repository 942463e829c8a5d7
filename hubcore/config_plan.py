"""Which files a service has, what a change to them comes down to, and the steps of saving it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .catalog import Definition
from .config_rules import Edit, Files, check
from .errors import HubError
from .models import ConfigChange, ServiceState, Snapshot, Step, Text, text
from .presets import PRESETS
from .stackpaths import env_path

CHECK, BACKUP, TEST, WRITE, RECREATE, WAIT, RESTORE = "check", "backup", "test", "write", "recreate", "wait", "restore"


def files_of(service: str, state: ServiceState | Definition | None) -> Files:
    """Which files a service has; `state` None: one of the known ones of which nothing was seen yet."""
    if state is not None:
        return Files(state.env_path, state.config_files)
    preset = PRESETS[service]
    return Files(env_path(None, preset.env_file).path, preset.config_files)


def judge(
    files: Files, stored: Mapping[str, str], problems: Mapping[str, HubError], change: ConfigChange
) -> tuple[Edit, tuple[Text, ...]]:
    """What a change comes down to, and every reason against it. `problems`: why files that exist cannot be used."""
    edit, errors = check(files, stored, change)
    touched = [path for path in problems if path in edit.files or (path == files.env and change.env_vars)]
    return edit, errors + tuple(problems[path].text for path in touched)


def save_steps(state: ServiceState, edit: Edit, *, restart: bool) -> Sequence[Step]:
    """The steps of saving, in order."""
    words = {
        CHECK: text("Check the change to {service}", service=state.title),
        BACKUP: text("Back up the present configuration"),
        TEST: text("Have nginx test the configuration"),
        WRITE: text("Write the files"),
        RECREATE: text("Make {service} anew", service=state.title),
        WAIT: text("Wait until {service} works", service=state.title),
        RESTORE: text("Put the old configuration back"),
    }
    left_out = set() if restart else {RECREATE, WAIT, RESTORE}
    if state.kind != "nginx" or not edit.files:
        left_out.add(TEST)
    return [
        # the list of events names the services of the steps: one step with each name is enough
        Step(service=state.name if value.params else None, key=key, text=value)
        for key, value in words.items()
        if key not in left_out
    ]


def restart_notes(state: ServiceState, snapshot: Snapshot) -> list[Text]:
    """What to know of a restart beforehand."""
    if state.native:
        return [text("{service} runs without Docker; restart it where you installed it.", service=state.title)]
    made_by_compose = state.container is None or state.container.project is not None
    if snapshot.stack.compose_file is None or not made_by_compose:
        return [
            text(
                "{service} does not come from the compose file: it is only restarted, and changed variables act when "
                "its container is made anew.",
                service=state.title,
            )
        ]
    return []
