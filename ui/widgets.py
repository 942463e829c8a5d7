"""Building blocks all pages share: heads, cards, figures, rows, events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from types import MappingProxyType

import streamlit as st

from hubcore.hub import Hub
from hubcore.models import Condition, Event, Figures, OperationKind, ServiceState, Snapshot
from hubcore.series import HOST
from hubcore.texts import Translator

from . import recent, svg, theme
from .markdown import escape, told
from .words import EVENT_SIGNS, look_of, worth_saying

OLD_AFTER = 15.0  # seconds after which figures are not of now any more
NOTHING_DONE: Mapping[str, OperationKind] = MappingProxyType({})


def head(title: str, sentence: str = "", buttons: Callable[[], None] | None = None) -> None:
    """A page's first lines: the answer, its buttons, and one sentence more. `title` is Markdown."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="pagehead"):
        st.title(title, anchor=False, width="content")
        if buttons is not None:
            with st.container(horizontal=True, width="content", vertical_alignment="center"):
                buttons()
    if sentence:
        st.markdown(f":gray[{sentence}]")


def section(title: str, more: str = "") -> None:
    """The heading of a part of the page, with room above it."""
    st.space("small")
    st.subheader(title + (f" :gray[:small[{more}]]" if more else ""), anchor=False)


def card(key: str, height: str = "content") -> st.delta_generator.DeltaGenerator:
    """White paper with a hairline. Keys begin with `card`: `cardbad…` and `cardwarn…` have a coloured border."""
    return st.container(border=True, key=key, height=height)  # type: ignore[arg-type]


def figure(key: str, label: str, value: str, more: str, picture: str, alt: str) -> None:
    """A number against its limit, with its trend. All words are Markdown."""
    with card(f"cardfigure{key}", "stretch"):
        st.markdown(f":gray[:small[{label}]]")
        st.header(f"{value} :gray[:small[{more}]]" if more else value, anchor=False)
        with st.container(key=f"fill{key}"):
            st.image(picture, alt=alt, width="stretch")


def host_figures(hub: Hub, words: Translator, snapshot: Snapshot) -> None:
    """Processor, memory, disk space of this computer, and how many services work."""
    host, colours, t = snapshot.host, theme.palette(), words.t
    services = [service for service in snapshot.services.values() if service.defined]
    working = sum(service.condition == Condition.WORKS for service in services)
    with st.grid(4, min_column_width=150):
        if host is not None:
            mood = t("calm") if host.cpu_percent < 60 else t("busy") if host.cpu_percent < 85 else t("at its limit")
            lines = {name: recent.trend(hub, HOST, name) for name in ("cpu_percent", "memory_percent", "disk_percent")}
            alt = t("The last hour")
            picture = svg.trend(lines["cpu_percent"], colours)
            figure("cpu", t("Processor"), words.percent(host.cpu_percent), mood, picture, alt)
            of = t("of {size}", size=words.size(host.memory_total))
            figure(
                "memory",
                t("Memory"),
                words.size(host.memory_used),
                of,
                svg.trend(lines["memory_percent"], colours),
                alt,
            )
            picture = svg.trend(lines["disk_percent"], colours)
            figure("disk", t("Disk space"), words.size(host.disk_free), t("free"), picture, alt)
        if not services:
            return
        codes = [
            _CODES[service.condition] for service in sorted(services, key=lambda s: s.condition == Condition.WORKS)
        ]
        picture = svg.strip(codes, colours, bins=max(len(codes), 1))
        of = words.n("of {count} is working", "of {count} are working", len(services))
        figure("services", t("Services"), words.number(working), of, picture, t("One tick for each service"))


_CODES: dict[Condition, float | None] = {
    Condition.WORKS: svg.WORKS,
    Condition.ATTENTION: svg.ATTENTION,
    Condition.BROKEN: svg.BROKEN,
    Condition.STOPPED: svg.STOPPED,
    Condition.UNKNOWN: None,
    Condition.BUSY: None,
}


def service_link(
    service: ServiceState,
    words: Translator,
    doing: Mapping[str, OperationKind] = NOTHING_DONE,
    *,
    strong: bool = False,
    reason: bool = False,
) -> None:
    """A row that opens the service's page: sign, name, and what it does, what is being done to it, or what is wrong."""
    look, name = look_of(service, doing), escape(service.title, 60)
    name = f"**{name}**" if strong else name
    summary = words.text(service.summary) or (escape(service.description, 80) if service.description else "")
    if service.condition == Condition.WORKS:
        more = f":gray[:small[{summary}]]" if summary else ""
    else:
        more = f":{look.colour}[:small[{words.text(look.within)}]]"
        if reason and worth_saying(service.cause):
            more += f" :gray[:small[· {told(service.cause, words, 140)}]]"
    st.page_link(
        "pages/service.py", label=f"{look.sign} {name} {more}", query_params={"name": service.name}, width="stretch"
    )


def log_link(service: ServiceState, words: Translator) -> None:
    """To the service's log."""
    label = words.t("Log of {name}", name=escape(service.title, 60))
    st.page_link("pages/logs.py", label=label, icon=":material/subject:", query_params={"service": service.name})


def events(words: Translator, happened: Sequence[Event], now: float) -> None:
    """The newest events; says so when there are none."""
    section(words.t("Latest events"))
    with card("cardevents"):
        if not happened:
            st.markdown(
                ":gray[" + words.t("Nothing has happened yet. Starts, stops and trouble will be listed here.") + "]"
            )
            return
        lines = [
            f"{EVENT_SIGNS.get(event.level, EVENT_SIGNS['info'])} {escape(words.text(event.text))} "
            f":gray[:small[{words.moment(event.at, now)}]]"
            for event in happened
        ]
        st.markdown("  \n".join(lines))


def age_of(figures: Figures | None, words: Translator, now: float) -> str:
    """How old figures are; nothing for those that are of now."""
    old = figures is not None and now - figures.taken_at > OLD_AFTER
    return words.ago(figures.taken_at, now) if figures is not None and old else ""


def numbered(prefix: str) -> Callable[[], str]:
    """Names for containers of one kind: the keys of services are untrusted and stay out of the page's classes."""
    numbers = count()
    return lambda: f"{prefix}{next(numbers)}"
