"""The parts of the page of one service: state, the last 24 hours, figures, facts, its health check."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from hubcore.hub import Hub
from hubcore.models import Condition, HealthStatus, OperationKind, Port, ServiceState, Snapshot
from hubcore.texts import Translator

from . import control, recent, svg, theme
from .judge import version_of
from .markdown import SAFE_URL, escape, plain
from .overview_page import problem
from .widgets import card, figure, log_link, section
from .words import CONDITIONS, MEANS

EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def top(service: ServiceState, words: Translator) -> None:
    """Name, state, buttons, what it does."""
    look = CONDITIONS[service.condition]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="pagehead"):
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            st.title(escape(service.title, 60), anchor=False, width="content")
            colour = look.colour
            st.badge(words.text(look.word), icon=f":material/{look.icon}:", color=colour)  # type: ignore[arg-type]
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            _buttons(service, words)
    summary = words.text(service.summary) or escape(service.description, 200)
    if summary:
        st.markdown(f":gray[{summary}]")


def _buttons(service: ServiceState, words: Translator) -> None:
    if control.allowed(service):
        up = control.is_up(service)
        for kind in (OperationKind.RESTART, OperationKind.STOP) if up else (OperationKind.START,):
            control.button(kind, service, words, primary=kind == OperationKind.START)
    log_link(service, words)


def trouble(service: ServiceState, words: Translator, now: float) -> None:
    """Why it is not well, or why it cannot be controlled from here."""
    if service.condition in (Condition.BROKEN, Condition.ATTENTION):
        tone = "cardbad" if service.condition == Condition.BROKEN else "cardwarn"
        with card(f"{tone}reason"):
            problem(service, words, now, buttons=False)
    elif service.cause is not None:
        with card("cardreason"):
            st.markdown(escape(words.text(service.cause), 400))
            if service.remedy is not None:
                st.markdown(escape(words.text(service.remedy), 400))
    if service.native:
        st.caption(words.t("It runs without Docker. Start and stop it where you installed it."))
    elif service.protected:
        st.caption(words.t("The dashboard itself needs it, so it cannot be stopped from here."))


def day(hub: Hub, service: ServiceState, words: Translator, now: float) -> None:
    """The last 24 hours, in a picture and in words."""
    codes = recent.conditions(hub, service.name)
    known = sum(code is not None for code in codes)
    share = recent.share_working(hub, service.name)
    more = "" if share is None else words.t("worked {share} of the time", share=words.percent(share, 1))
    section(words.t("Last 24 hours"), more)
    with card("cardday"):
        with st.container(key="fillday"):
            st.image(svg.timeline(codes or [None], theme.palette()), alt=words.t("The last 24 hours"), width="stretch")
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.caption(words.moment(now - recent.DAY, now), width="content")
            st.caption(words.t("now"), width="content")
        if known < len(codes) * 0.9:
            st.caption(words.t("Stubs: times from which nothing is known."))


def figures(hub: Hub, service: ServiceState, words: Translator) -> None:
    """Processor, memory, restarts, time of the answer."""
    colours, found, alt = theme.palette(), service.figures, words.t("The last hour")
    with st.grid(4, min_column_width=150):
        cpu = recent.trend(hub, service.name, "cpu_percent")
        top_of = max([100.0, *(value for value in cpu if value is not None)])
        value = words.percent(found.cpu_percent if found else None)
        figure("cpu", words.t("Processor"), value, words.t("of one core"), svg.trend(cpu, colours, top=top_of), alt)
        memory = recent.trend(hub, service.name, "memory_percent")
        of = words.t("of {size}", size=words.size(found.memory_limit)) if found and found.memory_limit else ""
        value = words.size(found.memory_usage if found else None)
        figure("memory", words.t("Memory"), value, of, svg.trend(memory, colours), alt)
        answer = recent.trend(hub, service.name, "response_ms")
        slow = max([200.0, *(value for value in answer if value is not None)])
        took = service.health.duration
        value = words.duration(took) if took is not None else "—"
        figure("answer", words.t("Time to answer"), value, "", svg.trend(answer, colours, top=slow), alt)
        traffic = recent.trend(hub, service.name, "network_rx_rate")
        most = max([10240.0, *(value for value in traffic if value is not None)])
        newest = next((value for value in reversed(traffic) if value is not None), None) if found else None
        figure("network", words.t("Received"), words.rate(newest), "", svg.trend(traffic, colours, top=most), alt)


def facts(service: ServiceState, snapshot: Snapshot, words: Translator, now: float) -> None:
    """Plain facts in two columns; technical words second."""
    section(words.t("About this service"))
    with card("cardfacts"), st.grid(2, min_column_width=260):
        container = service.container
        _fact(words.t("Address"), lambda: _addresses(service, words))
        image = escape(container.image, 200) if container and container.image else "—"
        version = version_of(container.image) if container else ""
        _fact(words.t("Version"), f"{escape(version, 40)} :gray[:small[{image}]]" if version else f":small[{image}]")
        _fact(words.t("Running since"), _uptime(service, words, now))
        _fact(words.t("Restarts by Docker"), words.number(container.restart_count) if container else "—")
        _fact(words.t("Depends on"), _names("from", service.depends_on, snapshot, words))
        _fact(words.t("Needed by"), _names("to", service.needed_by, snapshot, words))


def check(service: ServiceState, words: Translator, now: float) -> None:
    """How its health is found out, and what came of it last."""
    health = service.health
    section(words.t("Health check"))
    with card("cardcheck"), st.grid(2, min_column_width=260):
        waiting = not service.native and not control.is_up(service)
        means = words.t("It is checked as soon as it runs.") if waiting else words.text(MEANS[health.means])
        _fact(words.t("How it is checked"), means)
        _fact(words.t("Where"), f":small[{escape(health.target, 200)}]" if health.target else "—")
        when = words.ago(health.checked_at, now) if health.checked_at else words.t("not yet")
        took = (
            " · " + words.t("took {time}", time=words.duration(health.duration)) if health.duration is not None else ""
        )
        _fact(words.t("Last time"), when + took)
        if health.status == HealthStatus.ASSUMED_HEALTHY:
            outcome = words.t("It runs; there is nothing that could be asked whether it works.")
        else:
            outcome = escape(words.text(health.reason), 400) or words.text(CONDITIONS[service.condition].word)
        _fact(words.t("Outcome"), outcome)
    if health.detail:
        with st.expander(words.t("What it answered"), type="compact"):
            st.code(plain(health.detail, 2000), language=None, wrap_lines=True)


def _fact(title: str, value: str | Callable[[], None]) -> None:
    with st.container(gap="xxsmall"):
        st.markdown(f"**{title}**")
        if callable(value):
            value()
        else:
            st.markdown(value)


def _addresses(service: ServiceState, words: Translator) -> None:
    published = [port for port in service.ports if port.host_port]
    if service.url and SAFE_URL.fullmatch(service.url):
        st.markdown(f":material/open_in_new: [{escape(service.url, 100)}]({service.url})")
    elif not published and service.port is None:
        st.markdown(words.t("only inside the stack"))
    lines = [_port(port, words) for port in published] or (
        [str(service.port)] if service.port and not service.url else []
    )
    if lines:
        st.markdown(":gray[:small[" + " · ".join(lines) + "]]")


def _port(port: Port, words: Translator) -> str:
    host = port.host_ip or ""
    where = words.t("from everywhere") if host in EVERYWHERE else escape(host, 60)
    return words.t("port {port} ({where})", port=port.host_port, where=where)


def _uptime(service: ServiceState, words: Translator, now: float) -> str:
    container = service.container
    if container is None or container.started_at is None:
        return words.t("It has not been created yet.") if container is None and not service.native else "—"
    if not control.is_up(service):
        return words.t("not running")
    return f"{words.duration(now - container.started_at)} :gray[:small[{words.since(container.started_at, now)}]]"


def _names(key: str, names: tuple[str, ...], snapshot: Snapshot, words: Translator) -> Callable[[], None] | str:
    known = [snapshot.services[name] for name in names if name in snapshot.services]
    if not known:
        return ":gray[" + words.t("no other service") + "]"

    def draw() -> None:
        with st.container(horizontal=True, gap="small", key=f"links{key}"):
            for service in known:
                label = f"{CONDITIONS[service.condition].sign} {escape(service.title, 60)}"
                st.page_link("pages/service.py", label=label, query_params={"name": service.name})

    return draw
