"""Load: how busy this computer and the services are, now and over time."""

import streamlit as st

from hubcore.hub import Hub
from hubcore.texts import Translator
from ui import live, load_page, overview_page, session
from ui.judge import engine_away
from ui.widgets import head


def draw(hub: Hub, words: Translator, period: str) -> None:
    """The judgement and the charts, from memory and the history."""
    snapshot = hub.snapshot()
    if snapshot is None or not load_page.is_measured(snapshot):
        st.markdown(words.t("Collecting the first values. This takes a few seconds and resolves by itself."))
        return
    st.markdown(f":gray[{load_page.sentence(snapshot, words)}]")
    if engine_away(snapshot):
        overview_page.away(snapshot, words, session.now())
    overview_page.own_trouble(snapshot, words)
    load_page.host_charts(hub, snapshot, words, period)
    load_page.comparison(hub, snapshot, words, period)


hub, words = session.begin()
head(words.t("Load"))
period, running = load_page.controls(words)
st.fragment(run_every=live.PERIOD if running else None)(draw)(hub, words, period)
