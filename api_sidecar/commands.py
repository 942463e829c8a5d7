"""The POST routes: each becomes an operation, and the answer waits until it has ended, as clients expect."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hubcore.errors import BadRequest, NoContainer
from hubcore.models import Actor, Operation, OperationKind, text
from hubcore.views_text import plain

from .call import Answer, Call, json_answer
from .errors import spoken
from .operation_json import error_of, output_of, succeeded
from .registry import known_service
from .slots import Slots

if TYPE_CHECKING:
    from hubcore.hub import Hub

log = logging.getLogger(__name__)

ACTIONS = {kind.value: kind for kind in (OperationKind.START, OperationKind.STOP, OperationKind.RESTART)}
WAITS = 16  # commands that may wait for their operation at once, each in a thread
BODIES = 8  # request bodies that may be read at once, each in a thread
LONGEST_WAIT = 900.0  # seconds; then the answer says that the operation goes on


class Commands:
    """Handlers that change something."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        later = text("Wait until they have ended, then try again.")
        self.waits = Slots(WAITS, text("Too many commands are under way at once."), later)
        self.bodies = Slots(BODIES, text("Too many requests arrive at once."), later)

    def clear_cache(self, call: Call) -> Answer:
        """POST /api/cache/clear"""
        call.json_object(self.bodies)
        count = self._hub.clear_cache()
        words = text("{count} cached value was dropped.", "{count} cached values were dropped.", count=count)
        return json_answer({"success": True, "message": spoken(call, words), "cleared": count})

    def start_all(self, call: Call) -> Answer:
        """POST /api/services/start-all"""
        return self._all(call, OperationKind.START)

    def stop_all(self, call: Call) -> Answer:
        """POST /api/services/stop-all"""
        return self._all(call, OperationKind.STOP)

    def restart_all(self, call: Call) -> Answer:
        """POST /api/services/restart-all"""
        return self._all(call, OperationKind.RESTART)

    def control(self, call: Call, name: str) -> Answer:
        """POST /api/service/{name}/control with `{"action": "start" | "stop" | "restart"}`"""
        known_service(self._hub, name)  # an unknown service is 404 whatever the body holds
        action = call.json_object(self.bodies).get("action")
        if not isinstance(action, str) or action not in ACTIONS:
            raise BadRequest(text("“action” must be one of {allowed}.", allowed=", ".join(ACTIONS)))
        return self._run(call, ACTIONS[action], [name], {"action": action, "service": plain(name)})

    def _all(self, call: Call, kind: OperationKind) -> Answer:
        call.json_object(self.bodies)
        return self._run(call, kind, None, {"action": kind.value})

    def _run(self, call: Call, kind: OperationKind, services: Sequence[str] | None, extra: dict[str, Any]) -> Answer:
        with self.waits.hold():  # taken before anything happens: a refused command has changed nothing
            try:
                submitted = self._hub.submit(kind, services, Actor(name="local", via="api"))
            except (BadRequest, NoContainer) as error:
                # Understood, but not possible here and now: clients look at `success`, not at the status code.
                refusal = {"success": False, "output": "", "error": spoken(call, error.text, error.remedy)}
                return json_answer({**refusal, "code": error.code, **extra})
            ended = self._hub.wait_operation(submitted.id, self._patience(submitted))
        if not ended.status.ended:
            log.warning("Operation %s is still %s; its client was told so.", ended.id, ended.status)
        body = {
            "success": succeeded(ended),
            "output": output_of(ended, call.translator),
            "error": error_of(ended, call.translator),
            "operation_id": ended.id,
        }
        return json_answer(body | extra)

    def _patience(self, operation: Operation) -> float:
        """Seconds to wait: what its steps may take, with a margin for queueing and for creating containers."""
        per_step: float = 2 * self._hub.settings.docker_operation_timeout
        return min(60.0 + per_step * max(len(operation.steps), 1), LONGEST_WAIT)
