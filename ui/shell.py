"""The frame around the pages: navigation, logo, the age of the data, the language."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page as StreamlitPage

from hubcore.hub import Hub
from hubcore.models import EngineStatus
from hubcore.texts import Translator

from . import live, session, svg, theme
from .judge import Mood, judge

STATIC = Path(__file__).resolve().parent.parent / "static"
LANGUAGES = session.LANGUAGE_NAMES
STALE_AFTER = 30.0  # seconds without a new snapshot after which the data is called old
_ICONS = {Mood.WELL: "icon-ok.png", Mood.TROUBLE: "icon-bad.png", Mood.AWAY: "icon-bad.png"}

# Constant text, no data. Streamlit's page says lang="en"; screen readers and hyphenation need the true one. And when
# Docker adds or removes a network, browsers on the same machine drop what they are just loading (ERR_NETWORK_CHANGED):
# a part of Streamlit's page that did not arrive is asked for again by a reload, five times a minute at most.
_SCRIPTS = {
    code: f"""<script>
document.documentElement.lang = '{code}';
if (!window.__hubReload) {{
  window.__hubReload = 'watching';
  const again = () => {{
    const recent = JSON.parse(sessionStorage.getItem('hub-reloads') ?? '[]').filter((at) => Date.now() - at < 60000);
    if (window.__hubReload === 'soon' || recent.length >= 5) return;
    window.__hubReload = 'soon';
    setTimeout(() => {{
      sessionStorage.setItem('hub-reloads', JSON.stringify([...recent, Date.now()]));
      location.reload();
    }}, Math.max(0, 3000 - (Date.now() - Math.max(0, ...recent))));
  }};
  window.addEventListener('vite:preloadError', again);
  setInterval(() => {{
    const said = [...document.querySelectorAll('[data-testid="stAlertContentError"]')];
    if (said.some((box) => box.textContent.includes('dynamically imported module'))) again();
  }}, 2000);
}}
</script>"""
    for code in LANGUAGES
}


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


def frame() -> None:
    """Everything around a page's own content."""
    hub, words = session.hub(), session.words()
    live.forget()
    theme.apply_style()
    st.html(_SCRIPTS[words.language], unsafe_allow_javascript=True)
    colours = theme.palette()
    st.logo(svg.logo(colours), size="large", icon_image=svg.mark(colours))
    with st.sidebar:
        _age(hub, words)
        st.segmented_control(
            words.t("Language"),
            list(LANGUAGES),
            default=session.default_language(),
            required=True,
            format_func=LANGUAGES.__getitem__,
            key=session.LANGUAGE,
            bind="query-params",
            label_visibility="collapsed",
            width="stretch",
        )


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
