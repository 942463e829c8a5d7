"""What the list of events on the Overview says of an ended operation. Pure."""

from __future__ import annotations

from .models import Event, Operation, OperationKind, OperationStatus, Text, text

_DONE = {
    OperationKind.START: text("Started: {services}."),
    OperationKind.STOP: text("Stopped: {services}."),
    OperationKind.RESTART: text("Restarted: {services}."),
    OperationKind.CONFIGURE: text("Configuration saved: {services}."),
    OperationKind.BACKUP: text("Backed up: {services}."),
    OperationKind.PULL_MODEL: text("Model downloaded: {subject}."),
    OperationKind.DELETE_MODEL: text("Model deleted: {subject}."),
}
_NOT_DONE = {
    OperationKind.START: text("Could not start everything: {services}."),
    OperationKind.STOP: text("Could not stop everything: {services}."),
    OperationKind.RESTART: text("Could not restart everything: {services}."),
    OperationKind.CONFIGURE: text("Configuration not saved: {services}."),
    OperationKind.BACKUP: text("Could not back up: {services}."),
    OperationKind.PULL_MODEL: text("Could not download the model {subject}."),
    OperationKind.DELETE_MODEL: text("Could not delete the model {subject}."),
}


def operation_event(operation: Operation) -> Event:
    """The event of an operation that has ended."""
    done = operation.status == OperationStatus.SUCCEEDED
    template = (_DONE if done else _NOT_DONE)[operation.kind].template
    names = [str(step.text.params.get("service", step.service)) for step in operation.steps if step.service]
    names = list(dict.fromkeys(names or operation.services))
    shown = ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
    return Event(
        at=operation.ended_at or operation.created_at,
        kind="operation",
        level="ok" if done else "bad",
        service=operation.services[0] if len(operation.services) == 1 else None,
        text=Text(template=template, params={"services": shown, "subject": (operation.subject or "")[:100]}),
    )
