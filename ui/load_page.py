"""The parts of the page Load: period, this computer, the comparison of services."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from hubcore.hub import Hub
from hubcore.models import Condition, Event, Series, ServiceState, Snapshot, Text, text
from hubcore.series import HOST
from hubcore.texts import NBSP, Translator

from . import charts, recent, theme
from .figures import Line, Mark
from .judge import shown
from .markdown import escape, plain
from .widgets import card

POINTS = 360
MARKED = 12  # newest moments of trouble that are drawn
PERIODS: dict[str, tuple[float, Text]] = {
    "15m": (900.0, text("15 min")),
    "1h": (3600.0, text("1 hour")),
    "6h": (6 * 3600.0, text("6 hours")),
    "24h": (86400.0, text("24 hours")),
    "7d": (7 * 86400.0, text("7 days")),
    "30d": (30 * 86400.0, text("30 days")),
}
THRESHOLDS = {"cpu_percent": 85.0, "memory_percent": 90.0, "disk_percent": 90.0}
KIB, MIB, GIB = 1024.0, 1024.0**2, 1024.0**3


@dataclass(frozen=True)
class Metric:
    """What the comparison can show. `column` as `Hub.series` names it."""

    column: str
    title: Text
    heading: Text
    unit: str  # percent, bytes, rate


METRICS: dict[str, Metric] = {
    "memory": Metric("memory_usage", text("Memory"), text("Memory of services"), "bytes"),
    "cpu": Metric("cpu_percent", text("Processor"), text("Processor time of services"), "percent"),
    "received": Metric("network_rx_rate", text("Received"), text("Received by services"), "rate"),
    "sent": Metric("network_tx_rate", text("Sent"), text("Sent by services"), "rate"),
}


def controls(words: Translator) -> tuple[str, bool]:
    """Period and whether to refresh."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        period = st.segmented_control(
            words.t("Period"),
            list(PERIODS),
            default="1h",
            required=True,
            format_func=lambda name: words.text(PERIODS[name][1]).replace(" ", NBSP),
            key="load_period",
            persist_state="session",
            wrap=True,
            label_visibility="collapsed",
        )
        running = st.toggle(words.t("Refresh"), value=True, key="load_refresh")
    return period or "1h", running


def sentence(snapshot: Snapshot, words: Translator) -> str:
    """One sentence of judgement on how this computer is loaded."""
    host = snapshot.host
    if host is None:
        return words.t("Nothing has been measured yet.")
    tight = []
    if host.cpu_percent >= THRESHOLDS["cpu_percent"]:
        tight.append(words.t("The processor is at its limit."))
    if host.memory_percent >= THRESHOLDS["memory_percent"]:
        tight.append(words.t("Memory is running out."))
    if host.disk_percent >= THRESHOLDS["disk_percent"]:
        tight.append(words.t("The disk is nearly full."))
    return " ".join(tight) or words.t("There is room to spare: processor, memory and disk.")


def keep_for(span: float) -> float:
    """Seconds after which a series of that length is read again: about one point later."""
    return min(max(span / POINTS, 2.0), 120.0)


def host_charts(hub: Hub, snapshot: Snapshot, words: Translator, period: str) -> None:
    """Processor, memory and disk of this computer."""
    span, colours = PERIODS[period][0], theme.palette()
    start, end, found = recent.series(hub, HOST, tuple(THRESHOLDS), span, POINTS, keep_for(span))
    titles = {
        "cpu_percent": words.t("Processor"), "memory_percent": words.t("Memory"), "disk_percent": words.t("Disk")
    }  # fmt: skip
    with st.grid(3, min_column_width=280):
        for name, title in titles.items():
            with card(f"cardchart{name}"):
                value = getattr(snapshot.host, name) if snapshot.host is not None else None
                st.subheader(f"{title} :gray[:small[{words.percent(value)} {words.t('now')}]]", anchor=False)
                limit = THRESHOLDS[name]
                threshold = Mark(words.t("threshold {value}", value=words.percent(limit)), value=limit)
                charts.draw(
                    f"chart_{name}",
                    [_line(found, name, title, 1.0, filled=True)],
                    colours,
                    words,
                    period=(start, end),
                    revision=period,
                    label=title,
                    suffix=words.percent(0)[1:],
                    top=104.0,
                    marks=[threshold, *_events(snapshot, start, colours)],
                )


def comparison(hub: Hub, snapshot: Snapshot, words: Translator, period: str) -> None:
    """One figure of the chosen services against each other."""
    services = {service.name: service for service in shown(snapshot) if service.figures is not None}
    with card("cardcompare"):
        metric = _metric(words)
        st.subheader(words.text(metric.heading), anchor=False)
        if not services:
            st.markdown(":gray[" + words.t("No service has been measured yet.") + "]")
            return
        chosen = st.pills(
            words.t("Services"),
            list(services),
            selection_mode="multi",
            default=_largest(list(services.values())),
            format_func=lambda name: escape(services[name].title, 40),
            key="load_services",
            label_visibility="collapsed",
        )
        if not chosen:
            st.caption(words.t("Choose at least one service."))
            return
        _compare(hub, snapshot, words, period, metric, [services[name] for name in chosen if name in services])
        st.caption(words.t("Red dotted lines: a service was in trouble."))
        with st.container(key="mousehint"):  # not drawn where there is no mouse
            hint = words.t("Drag across a part to enlarge it; a double click brings everything back.")
            st.caption(f":material/drag_pan: {hint}")


def _metric(words: Translator) -> Metric:
    name = st.segmented_control(
        words.t("What to compare"),
        list(METRICS),
        default="memory",
        required=True,
        format_func=lambda key: words.text(METRICS[key].title),
        key="load_metric",
        persist_state="session",
        label_visibility="collapsed",
    )
    return METRICS[name or "memory"]


def _largest(services: list[ServiceState]) -> list[str]:
    ordered = sorted(services, key=lambda s: -(s.figures.memory_usage if s.figures else 0))
    return [service.name for service in ordered[:3]]


def _compare(
    hub: Hub, snapshot: Snapshot, words: Translator, period: str, metric: Metric, services: list[ServiceState]
) -> None:
    span, colours = PERIODS[period][0], theme.palette()
    found = {s.name: recent.series(hub, s.name, (metric.column,), span, POINTS, keep_for(span)) for s in services}
    highest = max(
        (value for _, _, one in found.values() for value in one.values.get(metric.column, ()) if value), default=0.0
    )
    scale, suffix = _scale(metric, highest, words)
    start, end = min(one[0] for one in found.values()), max(one[1] for one in found.values())
    lines = [_line(found[s.name][2], metric.column, plain(s.title, 24), scale) for s in services[:12]]
    heading = words.text(metric.heading)
    charts.draw(
        "chart_services",
        lines,
        colours,
        words,
        period=(start, end),
        revision=f"{period}:{metric.column}",
        label=heading,
        suffix=suffix,
        height=320,
        marks=_events(snapshot, start, colours),
        names=True,
    )


def _scale(metric: Metric, highest: float, words: Translator) -> tuple[float, str]:
    """What to divide by, and the unit written behind the numbers."""
    if metric.unit == "percent":
        return 1.0, words.percent(0)[1:]
    unit = next((size for size in (GIB, MIB, KIB) if highest >= size), 1.0)
    name = words.size(unit * 2).split("\u00a0")[1]
    return unit, "\u00a0" + (words.t("{size}/s", size=name) if metric.unit == "rate" else name)


def _line(found: Series, column: str, name: str, scale: float, *, filled: bool = False) -> Line:
    def scaled(values: list[float | None]) -> list[float | None]:
        return [None if value is None else value / scale for value in values]

    return Line(
        name,
        found.times,
        scaled(found.values.get(column, [])),
        scaled(found.lows.get(column, [])),
        scaled(found.highs.get(column, [])),
        filled=filled,
    )


def _events(snapshot: Snapshot, start: float, colours: theme.Palette) -> list[Mark]:
    troubles: list[Event] = [e for e in snapshot.events if e.at >= start and e.level in ("bad", "attention")]
    return [Mark(at=event.at, colour=colours.broken) for event in troubles[:MARKED]]


def is_measured(snapshot: Snapshot | None) -> bool:
    """Whether there is anything to draw."""
    return snapshot is not None and (
        snapshot.host is not None or any(s.condition != Condition.UNKNOWN for s in snapshot.services.values())
    )
