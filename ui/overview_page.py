"""The parts of the Overview: the answer, the problems, the services by group."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from hubcore.hub import Hub
from hubcore.models import Condition, OperationKind, ServiceState, Snapshot
from hubcore.texts import Translator

from . import control
from .judge import Mood, Verdict, by_harm, in_trouble, shown
from .markdown import SAFE_URL, escape
from .widgets import card, head, log_link, numbered, section, service_link
from .words import CONDITIONS, GROUPS, Look, consequence

GONE = (Condition.BROKEN, Condition.ATTENTION)


def answer(verdict: Verdict, snapshot: Snapshot, words: Translator, now: float) -> None:
    """The heading is the answer."""
    title, sentence, look = _sentences(verdict, snapshot, words, now)
    chat = snapshot.services.get("openwebui")
    url = chat.url if chat is not None and chat.condition == Condition.WORKS else None

    def buttons() -> None:
        if url and SAFE_URL.fullmatch(url):
            main = verdict.mood == Mood.WELL
            st.link_button(
                words.t("Open the chat"), url, icon=":material/open_in_new:", type="primary" if main else "secondary"
            )

    head(f"{look.sign} {title}", sentence, buttons)


def _sentences(verdict: Verdict, snapshot: Snapshot, words: Translator, now: float) -> tuple[str, str, Look]:
    total = words.number(verdict.total)
    if verdict.mood == Mood.AWAY:
        return words.t("Docker does not answer"), "", CONDITIONS[Condition.BROKEN]
    if verdict.mood == Mood.TROUBLE:
        troubled = in_trouble(shown(snapshot))
        title = words.n(
            "{count} of {total} services needs attention",
            "{count} of {total} services need attention",
            verdict.count(*GONE),
            total=total,
        )
        return title, _first_consequence(troubled, words), CONDITIONS[troubled[0].condition]
    if verdict.mood == Mood.BUSY:
        number = verdict.count(Condition.BUSY)
        title = words.n("{count} service is being started", "{count} services are being started", number)
        return title, words.t("Nothing is known to be wrong. This resolves by itself."), CONDITIONS[Condition.BUSY]
    if verdict.mood == Mood.STOPPED:
        number = verdict.count(Condition.STOPPED)
        title = words.n(
            "{count} of {total} services is stopped", "{count} of {total} services are stopped", number, total=total
        )
        if number == verdict.total:
            title = words.t("All services are stopped")
            return title, words.t("Start them all with one button, or one by one."), CONDITIONS[Condition.STOPPED]
        return title, words.t("Whatever runs is working."), CONDITIONS[Condition.STOPPED]
    if verdict.mood == Mood.UNSURE:
        number = verdict.count(Condition.UNKNOWN)
        title = words.n("{count} service could not be checked", "{count} services could not be checked", number)
        return (
            title,
            words.t("Nothing is known to be wrong, but not everything was checked."),
            CONDITIONS[Condition.UNKNOWN],
        )
    return words.t("Everything works"), _all_well(verdict, words, now), CONDITIONS[Condition.WORKS]


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


def _first_consequence(troubled: list[ServiceState], words: Translator) -> str:
    found = consequence(troubled[0])
    if found is not None and troubled[0].condition == Condition.BROKEN:
        return words.text(found)
    return words.t("The rest is working.") if len(troubled) == 1 else ""


def away(snapshot: Snapshot, words: Translator, now: float) -> None:
    """Docker is away: since when, how old the values are, and what to do."""
    engine = snapshot.engine
    seen = engine.last_seen or snapshot.published_at
    with card("cardbadengine"):
        st.markdown(
            words.t("Docker has not answered {since}.", since=words.since(engine.since or seen, now))
            + " "
            + words.t("These are the last known values, {age} old.", age=words.duration(max(now - seen, 1)))
        )
        if engine.reason is not None:
            st.markdown(escape(words.text(engine.reason)))
        st.markdown(
            escape(words.text(engine.remedy))
            if engine.remedy
            else words.t("Start Docker; this page notices by itself.")
        )
        if engine.detail:
            with st.expander(words.t("What Docker's address answered"), type="compact"):
                st.code(engine.detail[:600], language=None, wrap_lines=True)


def problems(hub: Hub, snapshot: Snapshot, words: Translator, now: float) -> None:
    """One card for each service in trouble, the worst first; only the worst has the filled button."""
    troubled = in_trouble(shown(snapshot))
    name_of = numbered("")
    for service in troubled:
        tone = "cardbad" if service.condition == Condition.BROKEN else "cardwarn"
        with card(f"{tone}problem{name_of()}"):
            problem(service, words, now, primary=service is troubled[0])


def problem(
    service: ServiceState, words: Translator, now: float, *, primary: bool = False, buttons: bool = True
) -> None:
    """What, since when, why, what it means for people, and the button that helps."""
    look, name = CONDITIONS[service.condition], escape(service.title, 60)
    broken = service.condition == Condition.BROKEN
    title = words.t("{name} is not working", name=name) if broken else words.t("{name} needs attention", name=name)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(f"{look.sign} {title}", anchor=False, width="content")
        if service.since is not None:
            label = words.since(service.since, now) + " · " + words.duration(max(now - service.since, 1))
            st.badge(label, color="red" if broken else "orange")
    means = consequence(service)
    with st.grid(2, min_column_width=260):
        with st.container(gap="xsmall"):
            st.caption(words.t("Why"))
            st.markdown(
                escape(words.text(service.cause), 400) or words.t("The reason is not known yet; the log may tell.")
            )
        with st.container(gap="xsmall"):
            if means is not None and broken:
                st.caption(words.t("What it means for you"))
                st.markdown(words.text(means))
            elif service.remedy is not None:
                st.caption(words.t("What to do"))
                st.markdown(escape(words.text(service.remedy), 400))
    if broken and means is not None and service.remedy is not None:
        with st.container(gap="xsmall"):
            st.caption(words.t("What to do"))
            st.markdown(escape(words.text(service.remedy), 400))
    if not buttons:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if control.allowed(service):
            kind = OperationKind.RESTART if control.is_up(service) else OperationKind.START
            control.button(kind, service, words, primary=primary)
        log_link(service, words)


def groups(snapshot: Snapshot, words: Translator) -> None:
    """All services in cards by what they are for; each row opens the service's page."""
    section(words.t("Services"))
    with st.grid(3, min_column_width=270):
        for group, members in groupby(shown(snapshot), key=lambda s: s.group if s.group in GROUPS else "other"):
            with card(f"cardgroup{group}", "stretch"), st.container(gap="xxsmall", key=f"list{group}"):
                st.markdown(f":gray[:small[{words.text(GROUPS[group])}]]")
                for service in members:
                    service_link(service, words)


def stopped(snapshot: Snapshot, words: Translator, *, primary: bool) -> None:
    """What is stopped, with the button that starts it, and one for all of them."""
    services = [s for s in by_harm(shown(snapshot)) if s.condition == Condition.STOPPED and control.allowed(s)]
    if not services:
        return
    names = [service.name for service in services if service.operation_id is None]
    with card("cardstopped"), st.container(key="liststopped"):
        if len(names) > 1:
            st.button(
                words.n("Start {count} stopped service", "Start all {count} stopped services", len(names)),
                icon=":material/play_arrow:",
                type="primary" if primary else "secondary",
                key="start_stopped",
                on_click=control.submit,
                args=(OperationKind.START, names),
            )
        for service in services[:8]:
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                service_link(service, words)
                paused = control.is_up(service)
                control.button(OperationKind.RESTART if paused else OperationKind.START, service, words)
