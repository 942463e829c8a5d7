"""How states, groups and means are called and drawn. Colour, shape and word always go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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

# What is being done to a service, within a sentence.
UNDER_WAY: dict[OperationKind, Text] = {
    OperationKind.START: text("being started"),
    OperationKind.STOP: text("being stopped"),
    OperationKind.RESTART: text("being restarted"),
}


def look_of(service: ServiceState, doing: Mapping[str, OperationKind]) -> Look:
    """How a service's state is called and drawn; while something is being done to it, what. `doing`: by name."""
    look = CONDITIONS[service.condition]
    under_way = UNDER_WAY.get(doing[service.name]) if service.name in doing else None
    if service.condition != Condition.BUSY or under_way is None:
        return look
    return replace(look, within=under_way)


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

OUTCOMES: dict[OperationStatus, Text] = {
    OperationStatus.QUEUED: text("waiting for its turn"),
    OperationStatus.RUNNING: text("under way"),
    OperationStatus.SUCCEEDED: text("done"),
    OperationStatus.FAILED: text("did not work"),
    OperationStatus.INTERRUPTED: text("interrupted"),
}

# What it means for the people who use the stack when a service of this kind does not work; the most harmful first.
CONSEQUENCES: dict[str, Text] = {
    "nginx": text("Nobody reaches the stack by its usual address."),
    "db": text("The chat does not open for anyone until the database is back. What is stored stays stored."),
    "openwebui": text("The chat page does not open. Chats and files are kept."),
    "auth": text("Nobody can sign in; whoever is signed in may be sent away."),
    "litellm": text("New messages get no answer. Earlier chats open."),
    "ollama": text("Local models give no answers. Earlier chats open."),
    "redis": text("People may have to sign in again, and pages may be slow."),
    "searxng": text("The chat answers without searching the web."),
    "docling": text("PDFs and large documents cannot be added to a chat."),
    "tika": text("Some kinds of files cannot be added to a chat."),
    "edgetts": text("Answers are not read aloud. Everything else goes on."),
    "mcposerver": text("Models answer without tools."),
    "watchtower": text("Updates are not looked for. Nothing else changes."),
}
# Without one of these the chat does not open at all: what else is missing in it is not worth a word then.
_CHAT_NEEDS = {"db", "openwebui"}
_WITHIN_THE_CHAT = {"litellm", "ollama", "redis", "searxng", "docling", "tika", "edgetts", "mcposerver"}
_HARM = {kind: place for place, kind in enumerate(CONSEQUENCES)}


def consequence(service: ServiceState) -> Text | None:
    """What it means for people that this service does not work, where that is known."""
    return CONSEQUENCES.get(service.kind)


def harmed(services: Sequence[ServiceState]) -> list[ServiceState]:
    """Those of several services whose absence is worth a word, the most harmful first, without contradictions."""
    kinds = {service.kind for service in services}
    covered = _WITHIN_THE_CHAT if kinds & _CHAT_NEEDS else set()
    found = [service for service in services if service.kind in CONSEQUENCES and service.kind not in covered]
    return sorted(found, key=lambda service: _HARM[service.kind])


# Causes that say no more than the state beside which they would stand.
_REPEATED = {
    "{service} was stopped.",
    "{service} is starting.",
    "Docker does not answer, so it is not known how {service} is.",
}


def worth_saying(cause: Text | None) -> bool:
    """Whether a cause tells more than the word for the state."""
    return cause is not None and cause.template not in _REPEATED
