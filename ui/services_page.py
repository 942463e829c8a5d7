"""The parts of the page Services: filter, rows, and the choice of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from hubcore.hub import Hub
from hubcore.models import Condition, OperationKind, ServiceState, Snapshot
from hubcore.texts import Translator

from . import control, recent, svg, theme
from .judge import by_harm, shown, version_of
from .markdown import escape
from .widgets import card, numbered, service_link

TROUBLE = (Condition.BROKEN, Condition.ATTENTION)
ALL, ATTENTION, STOPPED = "all", "attention", "stopped"


def sentence(snapshot: Snapshot, words: Translator) -> str:
    """How many parts the stack has, and how many of them work."""
    services = shown(snapshot)
    counted = {condition: sum(s.condition == condition for s in services) for condition in Condition}
    parts = [words.n("{count} works", "{count} work", counted[Condition.WORKS])]
    trouble = counted[Condition.BROKEN] + counted[Condition.ATTENTION]
    if trouble:
        parts.append(words.n("{count} needs attention", "{count} need attention", trouble))
    if counted[Condition.STOPPED]:
        parts.append(words.n("{count} is stopped", "{count} are stopped", counted[Condition.STOPPED]))
    if counted[Condition.BUSY]:
        parts.append(words.n("{count} is in progress", "{count} are in progress", counted[Condition.BUSY]))
    if counted[Condition.UNKNOWN]:
        parts.append(words.n("{count} is not known", "{count} are not known", counted[Condition.UNKNOWN]))
    first = words.n("The {count} part of your stack.", "The {count} parts of your stack.", len(services))
    return f"{first} {', '.join(parts)}."


def matches(service: ServiceState, query: str, chosen: str) -> bool:
    """Whether a service passes the search and the filter."""
    if chosen == ATTENTION and service.condition not in TROUBLE:
        return False
    if chosen == STOPPED and service.condition != Condition.STOPPED:
        return False
    image = service.container.image if service.container else ""
    return query.strip().lower() in f"{service.title} {service.name} {image}".lower()


def filters(snapshot: Snapshot, words: Translator) -> tuple[str, str]:
    """Search and filter, with counts. Returns (query, filter)."""
    services = shown(snapshot)
    numbers = {name: sum(matches(s, "", name) for s in services) for name in (ALL, ATTENTION, STOPPED)}
    names = {ALL: words.t("All"), ATTENTION: words.t("Attention"), STOPPED: words.t("Stopped services")}
    with st.container(horizontal=True, vertical_alignment="center"):
        query = st.text_input(
            words.t("Find a service"),
            placeholder=words.t("Find a service"),
            icon=":material/search:",
            label_visibility="collapsed",
            key="services_query",
            width=280,
            live=True,
        )
        chosen = st.segmented_control(
            words.t("Show"),
            [ALL, ATTENTION, STOPPED],
            default=ALL,
            required=True,
            format_func=lambda name: f"{names[name]} · {numbers[name]}",
            label_visibility="collapsed",
            key="services_filter",
        )
    return query or "", chosen or ALL


def rows(hub: Hub, snapshot: Snapshot, words: Translator, query: str, chosen: str) -> None:
    """Those in trouble in a card of their own on top, then the rest."""
    services = [service for service in shown(snapshot) if matches(service, query, chosen)]
    troubled = by_harm(s for s in services if s.condition in TROUBLE)
    rest = [service for service in services if service not in troubled]
    if not services:
        with card("cardempty"):
            st.markdown(":gray[" + words.t("No service fits. Clear the search or show all.") + "]")
        return
    st.caption(
        words.t("The strip shows the last 24 hours: low: worked, higher: trouble, full height: down.")
        + " "
        + words.t("Then processor, memory, version.")
    )
    key = numbered("")
    worst = "bad" if any(s.condition == Condition.BROKEN for s in troubled) else "warn"
    for name, members in ((f"card{worst}trouble", troubled), ("cardrest", rest)):
        if members:
            with card(name), st.container(gap="xxsmall"):
                for service in members:
                    _row(hub, service, words, key)


def _row(hub: Hub, service: ServiceState, words: Translator, key: Callable[[], str]) -> None:
    number = key()
    with st.container(horizontal=True, vertical_alignment="center", key=f"row{number}", gap="small"):
        service_link(service, words, strong=True, reason=True)
        picture = svg.strip(recent.conditions(hub, service.name), theme.palette())
        st.image(picture, alt=words.t("The last 24 hours"), width=178)
        st.markdown(f":gray[:small[{_figures(service, words)}]]", width=130)
        image = service.container.image if service.container else ""
        st.markdown(f":gray[:small[{escape(version_of(image), 24) or '—'}]]", width=110)


def _figures(service: ServiceState, words: Translator) -> str:
    if service.figures is None:
        return "—"
    return f"{words.percent(service.figures.cpu_percent)} · {words.size(service.figures.memory_usage)}"


def choose(snapshot: Snapshot, words: Translator) -> None:
    """Select several: a list to tick, and what to do with them."""
    services = {service.name: service for service in shown(snapshot) if control.allowed(service)}
    with card("cardchoose"):
        chosen = st.pills(
            words.t("Choose services"),
            list(services),
            selection_mode="multi",
            format_func=lambda name: escape(services[name].title, 40),
            key=control.CHOSEN,
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            for kind in OperationKind:
                _several(kind, chosen, words, "several")
            if not chosen:
                st.caption(words.t("Choose at least one."))


def everything(words: Translator) -> None:
    """Start, stop or restart all of them."""
    with st.popover(words.t("All services"), icon=":material/more_horiz:"):
        for kind in OperationKind:
            _several(kind, None, words, "all")


def _several(kind: OperationKind, names: Sequence[str] | None, words: Translator, scope: str) -> None:
    asks = scope == "all" or kind != OperationKind.START
    st.button(
        control.label(kind, words) + ("…" if asks else ""),
        icon=f":material/{control.ICONS[kind]}:",
        key=f"{scope}:{kind}",
        disabled=names is not None and not names,
        on_click=control.ask if asks else control.submit,
        args=(kind, names),
        width="stretch" if scope == "all" else "content",
    )
