"""The frame around the pages: navigation, logo, the age of the data, the language."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page as StreamlitPage

from hubcore.hub import Hub
from hubcore.models import EngineStatus
from hubcore.texts import Translator

from . import browser, live, session, svg, theme
from .judge import Mood, judge
from .markdown import escape, plain

STATIC = Path(__file__).resolve().parent.parent / "static"
LANGUAGES = session.LANGUAGE_NAMES
STALE_AFTER = 30.0  # seconds without a new snapshot after which the data is called old
_ICONS = {Mood.WELL: "icon-ok.png", Mood.TROUBLE: "icon-bad.png", Mood.AWAY: "icon-bad.png"}
CHOSE_LANGUAGE = "_chose_language"


def configure() -> None:
    """Page settings; the tab's icon is a local picture, for Streamlit would fetch a symbol's from outside."""
    icon = STATIC / _ICONS.get(judge(session.hub().snapshot()).mood, "icon-idle.png")
    st.set_page_config(page_icon=str(icon), layout="wide", initial_sidebar_state=240)
    st.session_state[session.BOOTED] = True


def pages() -> dict[str, list[StreamlitPage]]:
    """The navigation: what exists, by section. The page of one service is reached from its row."""
    t = session.words().t
    return {
        t("Today"): [
            st.Page("pages/overview.py", title=t("Overview"), icon=":material/home:", default=True),
        ],
        t("Look closer"): [
            st.Page("pages/services.py", title=t("Services"), icon=":material/widgets:"),
            st.Page("pages/load.py", title=t("Load"), icon=":material/monitoring:"),
            st.Page("pages/logs.py", title=t("Logs"), icon=":material/subject:"),
            st.Page("pages/service.py", title=t("Service"), visibility="hidden"),
        ],
    }


def frame(page: StreamlitPage) -> None:
    """Everything around a page's own content."""
    hub, words = session.hub(), session.words()
    live.forget()
    session.note_page(page.url_path)
    tab(page.title)
    theme.apply_style()
    st.html(browser.SCRIPTS[words.language], unsafe_allow_javascript=True)
    if session.LANGUAGE not in st.session_state:
        st.session_state[CHOSE_LANGUAGE] = st.query_params.get(session.LANGUAGE) in LANGUAGES
        st.session_state[session.LANGUAGE] = words.language
    if st.session_state.get(CHOSE_LANGUAGE):
        st.html(browser.REMEMBER[words.language], unsafe_allow_javascript=True)
    colours = theme.palette()
    st.logo(svg.logo(colours), size="large", icon_image=svg.mark(colours))
    with st.sidebar:
        _age(hub, words)
        _language(words)
        _stack(hub, words)


def tab(title: str) -> None:
    """The name of the browser's tab; untrusted, for it is shown as it is."""
    st.set_page_config(page_title=f"{plain(title, 60)} · Hub")


def _language(words: Translator) -> None:
    """The switch; what it is set to is kept by the browser, see `browser.REMEMBER`."""
    st.segmented_control(
        words.t("Language"),
        list(LANGUAGES),
        required=True,
        format_func=LANGUAGES.__getitem__,
        key=session.LANGUAGE,
        on_change=lambda: st.session_state.update({CHOSE_LANGUAGE: True}),
        label_visibility="collapsed",
        width="stretch",
    )


@st.fragment(run_every=10.0)
def _stack(hub: Hub, words: Translator) -> None:
    """Which stack this is, for those who have several."""
    snapshot = hub.snapshot()
    if snapshot is None or not snapshot.stack.project:
        return
    stack = snapshot.stack
    said = words.t("Stack: {name}", name=escape(stack.project, 40))
    if stack.compose_file is None:
        said += "  \n" + words.t("(no compose file found in {folder})", folder=escape(stack.directory, 120))
    st.caption(said)


@st.fragment(run_every=session.REFRESH)
def _age(hub: Hub, words: Translator) -> None:
    """How old the values are. It looks for news as well, and has the page drawn again when there is any."""
    live.draw_if_due(hub)
    snapshot = hub.snapshot()
    if snapshot is None:
        st.caption(":gray[:material/hourglass_empty:] " + words.t("Collecting the first values…"))
        return
    now = session.now()
    age = words.ago(snapshot.published_at, now)
    fresh = now - snapshot.published_at < STALE_AFTER and snapshot.engine.status == EngineStatus.CONNECTED
    sign = ":green[:material/sensors:] " if fresh else ":orange[:material/sensors_off:] "
    st.caption(sign + words.t("Updated {ago}", ago=age))
