"""The POST routes: each becomes an operation, and the answer waits until it has ended, as clients expect."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hubcore.errors import BadRequest, NoContainer, UnknownService
from hubcore.models import Operation, OperationKind, text
from hubcore.presets import PRESETS
from hubcore.roles import Role
from hubcore.views_text import plain

from .call import Answer, Call, json_answer
from .errors import spoken
from .operation_json import error_of, output_of, step_result, succeeded
from .registry import known_service
from .route import Route
from .schemas import docs, upstream_docs
from .schemas.operations import ControlBody
from .schemas.upstream import MultiControlBody
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

    def routes(self) -> list[Route]:
        """The addresses answered here."""
        operator = Role.OPERATOR
        return [
            Route("POST", "/api/cache/clear", self.clear_cache, operator, docs.CLEAR_CACHE),
            Route("POST", "/api/services/start-all", self.start_all, operator, docs.START_ALL),
            Route("POST", "/api/services/stop-all", self.stop_all, operator, docs.STOP_ALL),
            Route("POST", "/api/services/restart-all", self.restart_all, operator, docs.RESTART_ALL),
            Route("POST", "/api/service/<name>/control", self.control, operator, docs.CONTROL),
            Route("POST", "/api/services/control", self.control_several, operator, upstream_docs.MULTI_CONTROL),
            Route("POST", "/api/docker/<action>", self.docker, operator, upstream_docs.DOCKER),
        ]

    def clear_cache(self, call: Call) -> Answer:
        """POST /api/cache/clear"""
        call.json_object(self.bodies)
        count = self._hub.clear_cache(call.actor)
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
        action = call.body(ControlBody, self.bodies).action
        return self._run(call, ACTIONS[action], [name], {"action": action, "service": plain(name)})

    def docker(self, call: Call, action: str) -> Answer:
        """POST /api/docker/{action}: the older name of start-all, stop-all and restart-all"""
        if action not in ACTIONS:
            raise BadRequest(text("“{field}” must be one of {allowed}.", field="action", allowed=", ".join(ACTIONS)))
        return self._all(call, ACTIONS[action])

    def control_several(self, call: Call) -> Answer:
        """POST /api/services/control with `{"action": …, "services": […]}`"""
        asked = call.body(MultiControlBody, self.bodies)
        kind, names = ACTIONS[asked.action], list(dict.fromkeys(asked.services))
        results: dict[str, dict[str, Any]] = {}
        possible: list[str] = []
        for name in names:
            refusal = self._hub.refusal(kind, name)
            if refusal is None:
                possible.append(name)
            else:
                told = spoken(call, refusal.text, refusal.remedy)
                unknown = isinstance(refusal, UnknownService) and name not in PRESETS
                results[name] = {"error": told} if unknown else {"success": False, "output": "", "error": told}
        body: dict[str, Any] = {"action": asked.action}
        if possible:
            with self.waits.hold():
                submitted = self._hub.submit(kind, possible, call.actor)
                ended = self._hub.wait_operation(submitted.id, self._patience(submitted))
            body["operation_id"] = ended.id
            results |= {name: step_result(ended, name, call.translator) for name in possible}
        return json_answer({**body, "results": {plain(name): results[name] for name in names}})

    def _all(self, call: Call, kind: OperationKind) -> Answer:
        call.json_object(self.bodies)
        return self._run(call, kind, None, {"action": kind.value})

    def _run(self, call: Call, kind: OperationKind, services: Sequence[str] | None, extra: dict[str, Any]) -> Answer:
        with self.waits.hold():  # taken before anything happens: a refused command has changed nothing
            try:
                submitted = self._hub.submit(kind, services, call.actor)
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
