"""The parts of the Overview below its answer: the problems, what is stopped, the services by group."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

import streamlit as st

from hubcore.hub import Hub
from hubcore.models import Condition, OperationKind, ServiceState, Snapshot
from hubcore.texts import Translator

from . import control
from .judge import by_harm, in_trouble, shown
from .markdown import escape, told
from .widgets import NOTHING_DONE, card, log_link, numbered, section, service_link
from .words import CONDITIONS, GROUPS, consequence

STOPPED_SHOWN = 8  # services in the list of stopped ones; of the rest the number


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
            st.markdown(told(engine.reason, words))
        st.markdown(told(engine.remedy, words) or words.t("Start Docker; this page notices by itself."))
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
            st.badge(_how_long(service.since, words, now), color="red" if broken else "orange")
    means = consequence(service)
    with st.grid(2, min_column_width=260):
        with st.container(gap="xsmall"):
            st.caption(words.t("Why"))
            st.markdown(told(service.cause, words, 400) or words.t("The reason is not known yet; the log may tell."))
        with st.container(gap="xsmall"):
            if means is not None and broken:
                st.caption(words.t("What it means for you"))
                st.markdown(words.text(means))
            elif service.remedy is not None:
                st.caption(words.t("What to do"))
                st.markdown(told(service.remedy, words, 400))
    if broken and means is not None and service.remedy is not None:
        with st.container(gap="xsmall"):
            st.caption(words.t("What to do"))
            st.markdown(told(service.remedy, words, 400))
    if not buttons:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if control.allowed(service):
            kind = OperationKind.RESTART if control.is_up(service) else OperationKind.START
            control.button(kind, service, words, primary=primary)
        log_link(service, words)


def _how_long(since: float, words: Translator, now: float) -> str:
    return words.t("{since}, for {time}", since=words.since(since, now), time=words.duration(max(now - since, 1)))


def own_trouble(snapshot: Snapshot, words: Translator) -> None:
    """What keeps the dashboard itself from its work: a compose file it cannot read, a log it cannot write."""
    if snapshot.services and snapshot.stack.compose_file is not None and snapshot.stack.problem is not None:
        with card("cardwarncompose"):
            st.markdown(":material/draft: " + told(snapshot.stack.problem, words))
            st.caption(
                words.t("What is shown is its last readable version. Mend the file; this page notices by itself.")
            )
    if snapshot.history_problem is not None:
        with card("cardwarnhistory"):
            st.markdown(":material/show_chart: " + told(snapshot.history_problem, words))
    if snapshot.audit_problem is not None:
        with card("cardwarnaudit"):
            st.markdown(":material/policy: " + told(snapshot.audit_problem, words))


def groups(snapshot: Snapshot, words: Translator, doing: Mapping[str, OperationKind] = NOTHING_DONE) -> None:
    """All services in cards by what they are for; each row opens the service's page."""
    section(words.t("Services"))
    with st.grid(3, min_column_width=270):
        for group, members in groupby(shown(snapshot), key=lambda s: s.group if s.group in GROUPS else "other"):
            with card(f"cardgroup{group}", "stretch"), st.container(gap="xxsmall", key=f"list{group}"):
                st.markdown(f":gray[:small[{words.text(GROUPS[group])}]]")
                for service in members:
                    service_link(service, words, doing)


def stopped(snapshot: Snapshot, words: Translator, *, primary: bool) -> None:
    """What is stopped, with the button that starts it, and one for all of them."""
    services = [s for s in by_harm(shown(snapshot)) if s.condition == Condition.STOPPED and control.allowed(s)]
    if not services:
        return
    names = [service.name for service in services if service.operation_id is None]
    with card("cardstopped"), st.container(key="liststopped"):
        if len(names) > 1:
            st.button(
                words.n("Start the {count} stopped service", "Start the {count} stopped services", len(names)),
                icon=":material/play_arrow:",
                type="primary" if primary else "secondary",
                key="start_stopped",
                on_click=control.submit,
                args=(OperationKind.START, names),
            )
        for service in services[:STOPPED_SHOWN]:
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                service_link(service, words)
                paused = control.is_up(service)
                control.button(OperationKind.RESTART if paused else OperationKind.START, service, words)
        if len(services) > STOPPED_SHOWN:
            more = words.n("and {count} more", "and {count} more", len(services) - STOPPED_SHOWN)
            st.page_link("pages/services.py", label=f":gray[{more}]")
