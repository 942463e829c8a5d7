"""What every page begins with: the one hub of the process, the reader's language, and the check that app.py ran."""

from __future__ import annotations

import gc
import time

import streamlit as st

from hubcore.hub import Hub
from hubcore.models import Actor
from hubcore.settings import load_settings
from hubcore.texts import Translator, choose_language

BOOTED = "booted"
LANGUAGE = "language"
LANGUAGE_NAMES = {"ru": "Русский", "en": "English"}
REFRESH = 1.0  # seconds between two drawings of what lives; a drawing reads memory only
ACTOR = Actor(name="local", via="page")


def open_hub() -> Hub:
    """A started hub from the settings. A candidate for collecting, so that the pages also work alone."""
    hub = Hub(load_settings())
    hub.start()
    return hub


@st.cache_resource(show_spinner=False, on_release=lambda hub: hub.close())
def _shared_hub() -> Hub:
    opened = open_hub()
    # Streamlit collects garbage after each rerun. What is imported by now need not be looked through every time;
    # server.py does the same with all imports, this is for app.py alone.
    gc.collect()
    gc.freeze()
    return opened


def hub() -> Hub:
    """The hub of this process: started once, shared by all sessions."""
    return _shared_hub()


def language() -> str:
    """The reader's language: their choice in the sidebar, the setting, the browser's; English otherwise.

    The choice lies in the address as well, under the language's own name; the frame is drawn before the sidebar's
    element has taken it from there.
    """
    chosen = st.session_state.get(LANGUAGE) or st.query_params.get(LANGUAGE)
    codes = {name: code for code, name in LANGUAGE_NAMES.items()}
    return choose_language(codes.get(chosen or "", chosen), default_language())


def default_language() -> str:
    """The language as long as the reader chose none."""
    return choose_language(hub().settings.language, st.context.locale)


def words() -> Translator:
    """The translator of this session, in the browser's time zone."""
    chosen, zone = language(), st.context.timezone
    kept = st.session_state.get("_words")
    if kept is None or kept[0] != (chosen, zone):
        kept = ((chosen, zone), Translator(chosen, zone))
        st.session_state["_words"] = kept
    translator: Translator = kept[1]
    return translator


def begin() -> tuple[Hub, Translator]:
    """First line of every page. A page that was opened without app.py sends the reader there."""
    if not st.session_state.get(BOOTED):
        st.switch_page("app.py")
    return hub(), words()


def now() -> float:
    """The time for ages, epoch seconds."""
    return time.time()
