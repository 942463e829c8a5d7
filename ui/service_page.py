"""The parts of the page of one service: state, the last 24 hours, figures, facts, its health check."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from hubcore.hub import Hub
from hubcore.models import Condition, Health, HealthStatus, OperationKind, Port, ServiceState, Snapshot
from hubcore.texts import Translator

from . import control, recent, svg, theme
from .judge import version_of
from .markdown import SAFE_URL, escape, plain, told
from .overview_page import problem
from .widgets import age_of, card, figure, log_link, section
from .words import CONDITIONS, MEANS, UNDER_WAY, look_of, worth_saying

# Figures with a trend, and what the top of its picture is at least.
_TRENDS = {"cpu_percent": 100.0, "memory_percent": 100.0, "response_ms": 200.0, "network_rx_rate": 10240.0}
EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def top(service: ServiceState, words: Translator, doing: Mapping[str, OperationKind]) -> None:
    """Name, state, buttons, what it does. `doing`: what is being done to which service."""
    look = look_of(service, doing)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="pagehead"):
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            st.title(escape(service.title, 60), anchor=False, width="content")
            colour = look.colour
            word = look.within if look.within in UNDER_WAY.values() else look.word
            st.badge(words.text(word), icon=f":material/{look.icon}:", color=colour)  # type: ignore[arg-type]
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
    elif worth_saying(service.cause):
        with card("cardreason"):
            st.markdown(told(service.cause, words, 400))
            if service.remedy is not None:
                st.markdown(told(service.remedy, words, 400))
    if service.native:
        st.caption(words.t("It runs without Docker. Start and stop it where you installed it."))
    elif service.protected:
        st.caption(words.t("The dashboard itself needs it, so it cannot be stopped from here."))


def day(hub: Hub, service: ServiceState, words: Translator, now: float) -> None:
    """The last 24 hours, in a picture and in words."""
    codes = recent.conditions(hub, service.name)
    known = sum(code is not None for code in codes)
    share = recent.share_working(hub, service.name)
    more = "" if share is None else words.t("worked {share} of the time observed", share=words.percent(share, 1))
    section(words.t("Last 24 hours"), more)
    with card("cardday"):
        with st.container(key="fillday"):
            st.image(svg.timeline(codes or [None], theme.palette()), alt=words.t("The last 24 hours"), width="stretch")
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.caption(words.moment(now - recent.DAY, now), width="content")
            st.caption(words.t("now"), width="content")
        if known < len(codes) * 0.9:
            st.caption(words.t("Low grey marks: no data for that time."))


def figures(hub: Hub, service: ServiceState, words: Translator, now: float) -> None:
    """Processor, memory, time of the answer, traffic; with their age where they are not of now."""
    colours, found, alt = theme.palette(), service.figures, words.t("The last hour")
    age = age_of(found, words, now)
    lines = {name: recent.trend(hub, service.name, name) for name in _TRENDS}
    tops = {
        name: max([least, *(value for value in lines[name] if value is not None)]) for name, least in _TRENDS.items()
    }
    pictures = {name: svg.trend(lines[name], colours, top=tops[name]) for name in _TRENDS}
    cpu, took = found.cpu_percent if found else None, service.health.duration
    received = next((value for value in reversed(lines["network_rx_rate"]) if value is not None), None)
    limit = words.size(found.memory_limit) if found and found.memory_limit else ""
    with st.grid(4, min_column_width=150):
        more = age or (words.t("of one core") if cpu is not None else "")
        figure("cpu", words.t("Processor"), words.percent(cpu), more, pictures["cpu_percent"], alt)
        more = age or (words.t("of {size}", size=limit) if limit else "")
        value = words.size(found.memory_usage if found else None)
        figure("memory", words.t("Memory"), value, more, pictures["memory_percent"], alt)
        value = words.duration(took) if took is not None else "—"
        figure("answer", words.t("Time to answer"), value, "", pictures["response_ms"], alt)
        value = words.rate(received if found else None)
        figure("network", words.t("Received (network)"), value, age, pictures["network_rx_rate"], alt)


def facts(service: ServiceState, snapshot: Snapshot, words: Translator, now: float) -> None:
    """Plain facts in two columns; technical words second."""
    section(words.t("About this service"))
    with card("cardfacts"), st.grid(2, min_column_width=260):
        container = service.container
        _fact(words.t("Address"), lambda: _addresses(service, words))
        image = escape(container.image, 200) if container and container.image else "—"
        version = version_of(container)
        _fact(words.t("Version"), f"{escape(version, 40)} :gray[:small[{image}]]" if version else f":small[{image}]")
        _fact(words.t("Running for"), _uptime(service, words, now))
        _fact(words.t("Restarts by Docker"), words.number(container.restart_count) if container else "—")
        _fact(words.t("Depends on"), _names("from", service.depends_on, snapshot, words))
        _fact(words.t("Needed by"), _names("to", service.needed_by, snapshot, words))


def check(service: ServiceState, words: Translator, now: float) -> None:
    """How its health is found out, and what came of it last."""
    health = service.health
    section(words.t("Health check"))
    with card("cardcheck"), st.grid(2, min_column_width=260):
        waiting = not (service.native or service.stale or control.is_up(service))
        means = words.t("It is checked as soon as it runs.") if waiting else words.text(MEANS[health.means])
        _fact(words.t("How it is checked"), means)
        _fact(words.t("Where"), f":small[{escape(health.target, 200)}]" if health.target else "—")
        _fact(
            words.t("Last time"), words.t("not checked while it is stopped") if waiting else _when(health, words, now)
        )
        if waiting:
            outcome = words.text(CONDITIONS[service.condition].word)
        elif health.status == HealthStatus.ASSUMED_HEALTHY:
            outcome = words.t("It runs; there is nothing that could be asked whether it works.")
        else:
            outcome = told(health.reason, words, 400) or words.text(CONDITIONS[service.condition].word)
        _fact(words.t("Outcome"), outcome)
    if health.detail:
        with st.expander(words.t("What it answered"), type="compact"):
            st.code(plain(health.detail, 2000), language=None, wrap_lines=True)


def _when(health: Health, words: Translator, now: float) -> str:
    if not health.checked_at:
        return words.t("not yet")
    took = health.duration
    more = "" if took is None else " · " + words.t("took {time}", time=words.duration(took))
    return words.ago(health.checked_at, now) + more


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
