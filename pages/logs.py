"""Logs: what one service writes, live, searched, filtered, to be downloaded."""

import time

import streamlit as st

from hubcore.hub import Hub
from hubcore.texts import Translator
from ui import logs_page, overview_page, session
from ui.judge import engine_away, shown
from ui.live import live
from ui.widgets import card, head


@live
def draw(hub: Hub, words: Translator, choice: logs_page.Choice) -> None:
    """The lines that fit; reads a buffer in memory."""
    snapshot = hub.snapshot()
    away = snapshot is not None and engine_away(snapshot)
    if snapshot is not None and away:
        overview_page.away(snapshot, words, session.now())
    lines, state, problem = logs_page.current(hub, choice)
    if away and not lines:
        state = "failed"  # it would try in vain, and the page tells why
    fitting = logs_page.pick(lines, choice.query, choice.level)
    logs_page.summary(lines, fitting, choice, state, words)
    logs_page.show(fitting, choice, state, problem, words, explained=away)
    st.download_button(
        words.t("Download these lines"),
        data=lambda: logs_page.as_file(fitting),
        file_name=logs_page.file_name(choice.service, time.strftime("%Y%m%d-%H%M")),
        mime="text/plain; charset=utf-8",
        icon=":material/download:",
        disabled=not fitting,
        on_click="ignore",
        key="log_download",
    )


hub, words = session.begin()
head(words.t("Logs"))
snapshot = hub.snapshot()
services = [s for s in shown(snapshot) if not s.native and s.container is not None] if snapshot is not None else []
if services:
    choice = logs_page.tools(services, words)
    if choice.service:
        draw(hub, words, choice)
    else:
        logs_page.unknown(words)
else:
    with card("cardempty"):
        st.markdown(words.t("There is no service with a log yet. The Overview shows how to connect your stack."))
        st.page_link("pages/overview.py", label=words.t("Overview"), icon=":material/home:")
