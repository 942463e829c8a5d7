"""The parts of the page Services: filter, rows, and the choice of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from hubcore.hub import Hub
from hubcore.models import CONTROL_KINDS, Condition, OperationKind, ServiceState, Snapshot
from hubcore.texts import Translator

from . import control, judge, recent, session, svg, theme
from .judge import by_harm, shown, version_of
from .markdown import escape
from .widgets import age_of, card, numbered, service_link

TROUBLE = (Condition.BROKEN, Condition.ATTENTION)
ALL, ATTENTION, STOPPED = "all", "attention", "stopped"
EVERYTHING = "all_services"
_WIDTHS = (178, 150, 110)  # pixels: strip, figures, version


def sentence(snapshot: Snapshot, words: Translator) -> str:
    """How many parts the stack has, and how many of them work."""
    services = shown(snapshot)
    if not services:
        return ""
    counted = {condition: sum(s.condition == condition for s in services) for condition in Condition}
    parts = []
    if counted[Condition.WORKS]:
        parts.append(words.n("{count} works", "{count} work", counted[Condition.WORKS]))
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
        words.t(
            "The strip shows the last 24 hours. Pale: worked. Amber and red, the higher the longer: trouble. "
            "Dark: stopped. Dots: no data."
        )
    )
    with st.container(horizontal=True, vertical_alignment="center", key="columns", gap="small"):
        st.caption(words.t("Service"))
        for title, width in zip(_columns(words), _WIDTHS, strict=True):
            st.caption(title, width=width)
    key, doing = numbered(""), judge.doing(hub.operations(limit=10))
    worst = "bad" if any(s.condition == Condition.BROKEN for s in troubled) else "warn"
    for name, members in ((f"card{worst}trouble", troubled), ("cardrest", rest)):
        if members:
            with card(name), st.container(gap="xxsmall"):
                for service in members:
                    _row(hub, service, words, key, doing)


def _columns(words: Translator) -> tuple[str, str, str]:
    return words.t("Last 24 hours"), words.t("Processor · memory"), words.t("Version")


def _row(
    hub: Hub,
    service: ServiceState,
    words: Translator,
    key: Callable[[], str],
    doing: Mapping[str, OperationKind],
) -> None:
    number = key()
    with st.container(horizontal=True, vertical_alignment="center", key=f"row{number}", gap="small"):
        service_link(service, words, doing, strong=True, reason=True)
        picture = svg.strip(recent.conditions(hub, service.name), theme.palette())
        st.image(picture, alt=words.t("The last 24 hours"), width=_WIDTHS[0])
        st.markdown(f":gray[:small[{_figures(service, words)}]]", width=_WIDTHS[1])
        st.markdown(f":gray[:small[{escape(version_of(service.container), 24) or '—'}]]", width=_WIDTHS[2])


def _figures(service: ServiceState, words: Translator) -> str:
    """Processor and memory; how old that is when it is not of now."""
    if service.figures is None:
        return "—"
    said = f"{words.percent(service.figures.cpu_percent)} · {words.size(service.figures.memory_usage)}"
    return " · ".join(filter(None, (said, age_of(service.figures, words, session.now()))))


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
            for kind in CONTROL_KINDS:
                _several(kind, chosen, words)
            if not chosen:
                st.caption(words.t("Choose at least one."))


def everything(words: Translator) -> None:
    """Start, stop or restart all of them."""
    impossible = control.why_not(words)
    st.menu_button(
        words.t("All services"),
        list(CONTROL_KINDS),
        icon=":material/more_horiz:",
        format_func=lambda kind: f":material/{control.ICONS[kind]}: {control.label(kind, words)}…",
        key=EVERYTHING,
        on_click=_asked_for_all,
        disabled=impossible is not None,
        help=impossible,
    )


def _asked_for_all() -> None:
    control.ask(st.session_state[EVERYTHING], None)


def _several(kind: OperationKind, names: Sequence[str], words: Translator) -> None:
    asks, impossible = kind != OperationKind.START, control.why_not(words)
    st.button(
        control.label(kind, words) + ("…" if asks else ""),
        icon=f":material/{control.ICONS[kind]}:",
        key=f"several:{kind}",
        disabled=impossible is not None or not names,
        help=impossible,
        on_click=control.ask if asks else control.submit,
        args=(kind, names),
    )
