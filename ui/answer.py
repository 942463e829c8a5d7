"""The first lines of the Overview: is all well? The heading is the answer, one sentence says the rest."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from hubcore.models import Condition, OperationKind, ServiceState, Snapshot
from hubcore.texts import Translator

from .judge import Mood, Verdict, in_trouble, shown
from .markdown import SAFE_URL
from .widgets import head
from .words import CONDITIONS, Look, consequence

GONE = (Condition.BROKEN, Condition.ATTENTION)
Doing = Mapping[str, OperationKind]


def answer(verdict: Verdict, snapshot: Snapshot, words: Translator, now: float, doing: Doing) -> None:
    """The heading is the answer. `doing`: what is being done to which service."""
    title, sentence, look = _sentences(verdict, snapshot, words, now, doing)
    chat = snapshot.services.get("openwebui")
    url = chat.url if chat is not None and chat.condition == Condition.WORKS else None

    def buttons() -> None:
        if url and SAFE_URL.fullmatch(url):
            main = verdict.mood == Mood.WELL
            st.link_button(
                words.t("Open the chat"), url, icon=":material/open_in_new:", type="primary" if main else "secondary"
            )

    head(f"{look.sign} {title}", sentence, buttons)


def _sentences(
    verdict: Verdict, snapshot: Snapshot, words: Translator, now: float, doing: Doing
) -> tuple[str, str, Look]:
    if verdict.mood == Mood.AWAY:
        return words.t("Docker does not answer"), "", CONDITIONS[Condition.BROKEN]
    if verdict.mood == Mood.TROUBLE:
        return _trouble(verdict, snapshot, words)
    if verdict.mood == Mood.BUSY:
        title, sentence = _busy(snapshot, words, doing)
        return title, sentence, CONDITIONS[Condition.BUSY]
    if verdict.mood == Mood.STOPPED:
        title, sentence = _stopped(verdict, words)
        return title, sentence, CONDITIONS[Condition.STOPPED]
    if verdict.mood == Mood.UNSURE:
        number = verdict.count(Condition.UNKNOWN)
        title = words.n("{count} service could not be checked", "{count} services could not be checked", number)
        sentence = words.t("Nothing is known to be wrong, but not everything was checked.")
        return title, sentence, CONDITIONS[Condition.UNKNOWN]
    return words.t("Everything works"), _all_well(verdict, words, now), CONDITIONS[Condition.WORKS]


def _trouble(verdict: Verdict, snapshot: Snapshot, words: Translator) -> tuple[str, str, Look]:
    troubled = in_trouble(shown(snapshot))
    title = words.n(
        "{count} of {total} services needs attention",
        "{count} of {total} services need attention",
        verdict.count(*GONE),
        total=words.number(verdict.total),
    )
    return title, _first_consequence(troubled, verdict, words), CONDITIONS[troubled[0].condition]


def _busy(snapshot: Snapshot, words: Translator, doing: Doing) -> tuple[str, str]:
    """What is going on, by what was asked for; a service that starts by itself counts as being started."""
    busy = [service.name for service in shown(snapshot) if service.condition == Condition.BUSY]
    kinds = {doing.get(name, OperationKind.START) for name in busy}
    kind = kinds.pop() if len(kinds) == 1 else None
    number = len(busy)
    calm = words.t("Nothing is known to be wrong. This resolves by itself.")
    if kind == OperationKind.STOP:
        title = words.n("{count} service is being stopped", "{count} services are being stopped", number)
        return title, words.n("It stays stopped until you start it.", "They stay stopped until you start them.", number)
    if kind == OperationKind.RESTART:
        return words.n("{count} service is being restarted", "{count} services are being restarted", number), calm
    if kind == OperationKind.START:
        return words.n("{count} service is being started", "{count} services are being started", number), calm
    return words.n("{count} service is in progress", "{count} services are in progress", number), calm


def _stopped(verdict: Verdict, words: Translator) -> tuple[str, str]:
    number = verdict.count(Condition.STOPPED)
    if number == verdict.total:
        return words.t("All services are stopped"), words.t("Start them all with one button, or one by one.")
    total = words.number(verdict.total)
    title = words.n(
        "{count} of {total} services is stopped", "{count} of {total} services are stopped", number, total=total
    )
    unknown = verdict.count(Condition.UNKNOWN)
    if unknown:
        return title, words.n("{count} more could not be checked.", "{count} more could not be checked.", unknown)
    return title, words.t("Whatever runs is working.")


def _all_well(verdict: Verdict, words: Translator, now: float) -> str:
    if verdict.checked_at is None:
        return words.n("{count} service is running.", "All {count} services are running.", verdict.total)
    ago = words.ago(verdict.checked_at, now)
    if verdict.all_answered:
        return words.n(
            "The one service answered {ago}.", "All {count} services answered {ago}.", verdict.total, ago=ago
        )
    return words.n(
        "{count} service is running; checked {ago}.",
        "All {count} services are running; those with a check answered {ago}.",
        verdict.total,
        ago=ago,
    )


def _first_consequence(troubled: list[ServiceState], verdict: Verdict, words: Translator) -> str:
    found = consequence(troubled[0])
    if found is not None and troubled[0].condition == Condition.BROKEN:
        return words.text(found)
    if verdict.count(Condition.WORKS) == verdict.total - len(troubled) > 0:
        return words.t("The rest is working.")
    return _others(verdict, words)


def _others(verdict: Verdict, words: Translator) -> str:
    """What else is not working, beside those in trouble."""
    stopped, unknown = verdict.count(Condition.STOPPED), verdict.count(Condition.UNKNOWN)
    if stopped and unknown:
        first = words.n("{count} more is stopped", "{count} more are stopped", stopped)
        return f"{first}, {words.n('{count} could not be checked', '{count} could not be checked', unknown)}."
    if stopped:
        return words.n("{count} more is stopped", "{count} more are stopped", stopped) + "."
    if unknown:
        return words.n("{count} more could not be checked.", "{count} more could not be checked.", unknown)
    return ""
