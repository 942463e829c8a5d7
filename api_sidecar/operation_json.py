"""An operation as the API tells it: its record, and the `output` and `error` of the synchronous commands. Pure."""

from __future__ import annotations

from typing import Any

from hubcore.models import Operation, OperationStatus, Step, StepStatus, Text, text
from hubcore.texts import Translator
from hubcore.views_text import plain

STEP_WORDS: dict[StepStatus, Text] = {
    StepStatus.WAITING: text("not begun"),
    StepStatus.RUNNING: text("under way"),
    StepStatus.DONE: text("done"),
    StepStatus.SKIPPED: text("not needed"),
    StepStatus.FAILED: text("failed"),
}


def succeeded(operation: Operation) -> bool:
    """Whether everything that was asked for has happened."""
    return operation.status == OperationStatus.SUCCEEDED


def output_of(operation: Operation, translator: Translator) -> str:
    """The steps, one a line with their outcome, then what the engine or Compose said."""
    return "\n".join([*(_step_line(step, translator) for step in operation.steps), *map(_harmless, operation.log)])


def error_of(operation: Operation, translator: Translator) -> str | None:
    """Why it did not succeed and what to do next; None for a success."""
    if succeeded(operation):
        return None
    problems = [operation.problem] if operation.problem else [step.problem for step in operation.steps if step.problem]
    sentences = [*problems, operation.remedy] if problems else [_generic(operation)]
    return _harmless(" ".join(translator.text(sentence) for sentence in sentences if sentence is not None))


def step_result(operation: Operation, service: str, translator: Translator) -> dict[str, Any]:
    """How an operation on several services went with one of them: `success`, `output`, `error` (null for a success)."""
    steps = [step for step in operation.steps if step.service == service]
    done = bool(steps) and all(step.status in (StepStatus.DONE, StepStatus.SKIPPED) for step in steps)
    problems = [translator.text(step.problem) for step in steps if step.problem is not None]
    error = None if done else _harmless(" ".join(problems)) or error_of(operation, translator)
    output = "\n".join(_step_line(step, translator) for step in steps)
    return {"success": done, "output": output, "error": error or (None if done else _harmless(output))}


def _generic(operation: Operation) -> Text:
    if not operation.status.ended:
        return text("This is still under way. Its progress is at /api/operations/{id}.", id=operation.id)
    if operation.status == OperationStatus.INTERRUPTED:
        return text("The dashboard was stopped while it was doing this. Look at the services, then try again.")
    return text("This did not work. The log of the service may say why.")


def operation_json(operation: Operation, translator: Translator) -> dict[str, Any]:
    """The whole record as JSON-ready data; `success` is null until the operation has ended."""
    return {
        "id": operation.id,
        "kind": operation.kind.value,
        "scope": operation.scope,
        "services": [plain(name) for name in operation.services],
        "subject": plain(operation.subject) if operation.subject else None,
        "status": operation.status.value,
        "progress": round(operation.progress, 3),
        "success": succeeded(operation) if operation.status.ended else None,
        "error": error_of(operation, translator) if operation.status.ended else None,
        "output": output_of(operation, translator),
        "created_at": operation.created_at,
        "started_at": operation.started_at,
        "ended_at": operation.ended_at,
        "actor": {"name": plain(operation.actor.name), "via": plain(operation.actor.via)},
        "steps": [_step_json(step, translator) for step in operation.steps],
    }


def _step_json(step: Step, translator: Translator) -> dict[str, Any]:
    return {
        "service": plain(step.service) if step.service else None,
        "text": _harmless(translator.text(step.text)),
        "status": step.status.value,
        "problem": _harmless(translator.text(step.problem)) if step.problem else None,
        "note": _harmless(translator.text(step.note)) if step.note else None,
        "share": step.share,
        "started_at": step.started_at,
        "ended_at": step.ended_at,
    }


def _step_line(step: Step, translator: Translator) -> str:
    words = f"{translator.text(step.text)}: {translator.text(STEP_WORDS[step.status])}"
    if step.problem is not None:
        words = f"{words} ({translator.text(step.problem)})"
    return _harmless(words)


def _harmless(words: str) -> str:
    # Clients put error and output into pages as HTML without escaping.
    return plain(words, 2000)
