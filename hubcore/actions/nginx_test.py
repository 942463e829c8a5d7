"""Has nginx itself test a configuration before it acts: in a throw-away container like the service's own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping

from ..adapters.engine import Blueprint, Engine
from ..adapters.files_beneath import PlainFile
from ..adapters.stackconfig import StackConfig
from ..catalog import Definition
from ..errors import HubError, InvalidChange, LeaseLost
from ..masking import scrub
from ..models import Text, text
from ..mounts import Pair, outward, targets
from ..nginx_check import checking_command, complaint

log = logging.getLogger(__name__)

SECONDS = 20.0


class NginxTest:
    """`owner` marks the throw-away containers of this dashboard, so that its next leader can tidy up."""

    def __init__(self, engine: Engine, files: StackConfig, *, owner: str) -> None:
        self._engine = engine
        self._files = files
        self._owner = owner
        self._one = threading.Lock()  # whoever tidies up must not meet a container that is in use

    def tidy_up(self) -> None:
        """Remove the throw-away containers that a killed leader left, if the engine answers."""
        with self._one:
            try:
                self._engine.sweep_trials(self._owner)
            except HubError as error:
                log.info("Throw-away containers were not looked for: %s", error)

    def run(
        self,
        definition: Definition,
        new: Mapping[str, bytes],
        present: Mapping[str, PlainFile],
        secrets: Iterable[str],
    ) -> Text | None:
        """Test files as they are going to be (path → content). None: nginx finds them good; else why it was not asked.

        Raises InvalidChange with nginx's words when it refuses them. `secrets` are kept out of those words.
        """
        if not definition.containers:
            return text("Not tested: the container has not been created yet.")
        if not self._engine.is_local:
            return text("Not tested: Docker runs on another machine.")
        if any(path not in present for path in new):
            return text("Not tested: a file is a new one.")
        try:
            with self._one:
                return self._ask(definition, new, present, secrets)
        except (InvalidChange, LeaseLost):
            raise
        except HubError as error:
            return error.text

    def _ask(
        self,
        definition: Definition,
        new: Mapping[str, bytes],
        present: Mapping[str, PlainFile],
        secrets: Iterable[str],
    ) -> Text | None:
        plan = self._engine.blueprint(definition.containers[0].id)
        command = checking_command(plan.command)
        if command is None:
            return text("Not tested: the container does not start nginx in a way the dashboard knows.")
        own = self._own_mounts()
        seen = {path: self._targets(path, plan, own) for path in new}
        if not all(seen.values()):
            return text("Not tested: not every changed file is mounted into the container.")
        with self._files.staged(new, present) as copies:
            overlays: dict[str, str] = {}
            for path, copy in copies.items():
                outside = str(copy) if own is None else outward(str(copy), own)
                overlays |= {target: outside for target in seen[path] if outside is not None}
            found = self._engine.trial(plan, command, overlays, owner=self._owner, seconds=SECONDS)
            if found.exit_code == 0:
                return None
        words = complaint(found.output)
        named = any(target in words for target in overlays)
        # If it is not these files, nginx says the same of the present ones.
        if not named and self._engine.trial(plan, command, {}, owner=self._owner, seconds=SECONDS).exit_code != 0:
            return text("Not tested: nginx finds fault with the present configuration as well.")
        shown = scrub(words, secrets)[:300]
        raise InvalidChange([text("nginx refuses this configuration: {words}", words=shown)])

    def _own_mounts(self) -> list[Pair] | None:
        """What is mounted into the container this program runs in; None outside of one."""
        own_id = self._engine.own_container_id()
        return _pairs(self._engine.blueprint(own_id)) if own_id is not None else None

    def _targets(self, path: str, plan: Blueprint, own: list[Pair] | None) -> list[str]:
        here = str(self._files.place(path))
        outside = here if own is None else outward(here, own)
        return targets(outside, _pairs(plan)) if outside is not None else []


def _pairs(plan: Blueprint) -> list[Pair]:
    return [(mount.source, mount.target) for mount in plan.mounts if mount.kind == "bind"]
