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
LANGUAGE = "language"  # in the session and in the address
LANGUAGE_COOKIE = "hub-language"
LANGUAGE_NAMES = {"ru": "Русский", "en": "English"}
REFRESH = 1.0  # seconds between two drawings of what lives; a drawing reads memory only
_PAGE, _STAYED, _ADDRESS = "_page", "_stayed", "_address"  # in the session: where the reader is, and was before
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
    """The reader's language: their choice in the sidebar, the address's (`?language=ru`), the one this browser chose
    before, the setting, the browser's own; English otherwise."""
    return choose_language(
        st.session_state.get(LANGUAGE),
        st.query_params.get(LANGUAGE),
        st.context.cookies.get(LANGUAGE_COOKIE),
        hub().settings.language,
        st.context.locale,
    )


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


def note_page(path: str) -> None:
    """A page is about to be drawn: whether it is the one that was there before."""
    st.session_state[_STAYED] = st.session_state.get(_PAGE) == path
    st.session_state[_PAGE] = path


def note_address(parameter: str, value: str) -> None:
    """Have the address name what a page shows. A link from a page to itself changes what Streamlit draws, but not the
    address. On arrival from another page the address is right, and must not be written: Streamlit would make an entry
    in the history that has the old page's path."""
    changed = st.session_state.get(_ADDRESS) != value
    st.session_state[_ADDRESS] = value
    if value and changed and st.session_state.get(_STAYED):
        st.query_params[parameter] = value


def now() -> float:
    """The time for ages, epoch seconds."""
    return time.time()
