"""How states, groups and means are called and drawn. Colour, shape and word always go together."""

from __future__ import annotations

from dataclasses import dataclass

from hubcore.models import Condition, Means, OperationKind, OperationStatus, ServiceState, Text, text


@dataclass(frozen=True)
class Look:
    """A state's colour (Streamlit's name), shape (Material symbol) and words, alone and within a sentence."""

    colour: str
    icon: str
    word: Text
    within: Text

    @property
    def sign(self) -> str:
        """The shape for Markdown, in its colour."""
        return f":{self.colour}[:material/{self.icon}:]"


CONDITIONS: dict[Condition, Look] = {
    Condition.WORKS: Look("green", "check_circle", text("Working"), text("working")),
    Condition.ATTENTION: Look("orange", "warning", text("Needs attention"), text("needs attention")),
    Condition.BROKEN: Look("red", "dangerous", text("Not working"), text("not working")),
    Condition.STOPPED: Look("gray", "stop_circle", text("Stopped"), text("stopped")),
    Condition.UNKNOWN: Look("gray", "help", text("Unknown"), text("not known")),
    Condition.BUSY: Look("blue", "progress_activity", text("In progress"), text("in progress")),
}

GROUPS: dict[str, Text] = {
    "chat": text("Chat and models"),
    "data": text("Data"),
    "search": text("Search and documents"),
    "voice": text("Voice and tools"),
    "access": text("Access and upkeep"),
    "other": text("Other services"),
}

MEANS: dict[Means, Text] = {
    Means.HTTP: text("a web request"),
    Means.TCP: text("a connection to its port"),
    Means.REDIS: text("a Redis PING"),
    Means.POSTGRES: text("the readiness question of PostgreSQL"),
    Means.EXEC: text("a command inside the service"),
    Means.DOCKER: text("the service's own check, as Docker reports it"),
    Means.PROCESS: text("a look at the running program"),
    Means.NONE: text("nothing: it has no check"),
}

EVENT_SIGNS: dict[str, str] = {
    "ok": CONDITIONS[Condition.WORKS].sign,
    "attention": CONDITIONS[Condition.ATTENTION].sign,
    "bad": CONDITIONS[Condition.BROKEN].sign,
    "info": ":gray[:material/info:]",
}

DOING: dict[OperationKind, Text] = {
    OperationKind.START: text("Starting: {names}"),
    OperationKind.STOP: text("Stopping: {names}"),
    OperationKind.RESTART: text("Restarting: {names}"),
}

DONE: dict[OperationKind, Text] = {
    OperationKind.START: text("Started: {names}"),
    OperationKind.STOP: text("Stopped: {names}"),
    OperationKind.RESTART: text("Restarted: {names}"),
}

OUTCOMES: dict[OperationStatus, Text] = {
    OperationStatus.QUEUED: text("waiting for its turn"),
    OperationStatus.RUNNING: text("under way"),
    OperationStatus.SUCCEEDED: text("done"),
    OperationStatus.FAILED: text("did not work"),
    OperationStatus.INTERRUPTED: text("interrupted"),
}

# What it means for the people who use the stack when a service of this kind does not work.
CONSEQUENCES: dict[str, Text] = {
    "openwebui": text("The chat page does not open. Chats and files are kept."),
    "ollama": text("Local models give no answers. Earlier chats open."),
    "litellm": text("New messages get no answer. Earlier chats open."),
    "db": text("The chat does not open for anyone until the database is back. What is stored stays stored."),
    "redis": text("People may have to sign in again, and pages may be slow."),
    "nginx": text("Nobody reaches the stack by its usual address."),
    "auth": text("Nobody can sign in; whoever is signed in may be sent away."),
    "searxng": text("The chat answers without searching the web."),
    "docling": text("PDFs and large documents cannot be added to a chat."),
    "tika": text("Some kinds of files cannot be added to a chat."),
    "edgetts": text("Answers are not read aloud. Everything else goes on."),
    "mcposerver": text("Models answer without tools."),
    "watchtower": text("Updates are not looked for. Nothing else changes."),
}


def consequence(service: ServiceState) -> Text | None:
    """What it means for people that this service does not work, where that is known."""
    return CONSEQUENCES.get(service.kind)
