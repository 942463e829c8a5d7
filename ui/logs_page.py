"""The parts of the page Logs: which service, what to show of it, how many lines fit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from hubcore.errors import HubError
from hubcore.hub import Hub, LogTail
from hubcore.models import LogLine, ServiceState
from hubcore.texts import Translator

from . import live, logview
from .markdown import escape, plain
from .widgets import card

SHOWN = 500  # newest matching lines on the page
ALL, IMPORTANT, PROBLEMS = "all", "important", "problems"
_READABLE = ("live", "paused", "connecting", "ended")  # states of a follower that may have lines to show
_LEVELS = {ALL: ("info", "warning", "error"), IMPORTANT: ("warning", "error"), PROBLEMS: ("error",)}
FROZEN, _FOLLOWED = "_log_frozen", "_log_address"  # in the session
ADDRESS, CHOSEN, LEVEL = "service", "log_service", "log_level"  # in the address; the widgets


@dataclass(frozen=True)
class Choice:
    """What the reader wants to see."""

    service: str
    query: str
    level: str
    wrap: bool
    paused: bool


def pick(lines: Sequence[LogLine], query: str, level: str) -> list[LogLine]:
    """The lines that fit: the level, and the words anywhere in the line, upper or lower case."""
    wanted, words = _LEVELS[level], query.strip().lower()
    return [line for line in lines if line.level in wanted and words in line.text.lower()]


def tools(services: list[ServiceState], words: Translator) -> Choice:
    """Service, search, level, wrap, pause."""
    titles = {service.name: plain(service.title, 60) for service in services}
    names = list(titles)
    _follow_address(names)
    with card("cardtools"):
        with st.grid(2, min_column_width=240):
            service = st.selectbox(
                words.t("Service"),
                names,
                index=0 if st.session_state[CHOSEN] in names else None,  # with None it can be emptied
                placeholder=words.t("Choose a service"),
                format_func=lambda name: titles.get(name, name),
                key=CHOSEN,
                on_change=_note_choice,
            )
            query = st.text_input(
                words.t("Search"),
                icon=":material/search:",
                placeholder=words.t("Words in the line"),
                key="log_query",
                live=True,
            )
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            labels = {ALL: words.t("All"), IMPORTANT: words.t("Important"), PROBLEMS: words.t("Problems")}
            level = st.segmented_control(
                words.t("Level"),
                list(labels),
                default=ALL,
                required=True,
                format_func=labels.__getitem__,
                key=LEVEL,
                label_visibility="collapsed",
            )
            with st.container(horizontal=True, width="content", vertical_alignment="center"):
                wrap = st.toggle(words.t("Wrap lines"), value=True, key="log_wrap")
                paused = st.toggle(words.t("Pause"), key="log_paused")
    return Choice(service or "", query or "", level or ALL, wrap, paused)


def _follow_address(names: list[str]) -> None:
    """Show the service of the address whenever that has changed: on arrival, and after going back or forward."""
    asked = st.query_params.get(ADDRESS, "")
    if CHOSEN in st.session_state and asked == st.session_state.get(_FOLLOWED):
        return
    st.session_state[_FOLLOWED] = asked
    st.session_state[CHOSEN] = asked if asked in names else None if asked else names[0]


def _note_choice() -> None:
    """The reader has chosen: only then the address is written, so that going back leads to what was there before."""
    chosen = st.session_state[CHOSEN]
    if chosen is not None:
        st.session_state[_FOLLOWED] = st.query_params[ADDRESS] = chosen


def unknown(words: Translator) -> None:
    """The address names a service that has no log here."""
    name = escape(st.query_params.get(ADDRESS, ""), 60)
    with card("cardempty"):
        if name:
            st.markdown(words.t("There is no service named “{name}” with a log.", name=name))
        st.markdown(words.t("Choose one from the list."))


def current(hub: Hub, choice: Choice) -> tuple[list[LogLine], str, str]:
    """(lines, state, problem): the lines of the shared follower, or those that were there when it was paused."""
    frozen = st.session_state.get(FROZEN)
    if choice.paused and frozen is not None and frozen[0] == choice.service:
        return frozen[1], "paused", ""
    try:
        tail = hub.tail(choice.service)
    except HubError as error:
        return [], "failed", _said(error)
    tail.touch()
    live.also(hub, lambda: _seen(tail))
    lines = list(tail.lines())
    st.session_state[FROZEN] = (choice.service, lines) if choice.paused else None
    problem = tail.problem
    return lines, "paused" if choice.paused else tail.state, st.session_state["_words"][1].text(problem)


def _seen(tail: LogTail) -> tuple[int, str]:
    """What is worth drawing again; also tells the follower that somebody still reads."""
    tail.touch()
    return tail.version, tail.state


def _said(error: HubError) -> str:
    words: Translator = st.session_state["_words"][1]
    return " ".join(filter(None, (words.text(error.text), words.text(error.remedy))))


def summary(lines: list[LogLine], fitting: list[LogLine], choice: Choice, state: str, words: Translator) -> None:
    """How many lines fit, in words, and whether the log is followed."""
    if not lines and state not in _READABLE:
        return  # it is not known how many there are, and `show` says why
    if choice.level == PROBLEMS and not choice.query and not fitting:
        sentence = words.n("No problems in this {count} line.", "No problems in these {count} lines.", len(lines))
    elif choice.query or choice.level != ALL:
        found = words.n("{count} match", "{count} matches", len(fitting))
        total = words.n("in {count} line", "in {count} lines", len(lines))
        sentence = f"**{found}** :gray[{total}]"
    else:
        sentence = "**" + words.n("{count} line", "{count} lines", len(lines)) + "**"
    if len(fitting) > SHOWN:
        sentence += " :gray[· " + words.n("the newest {count} is shown", "the newest {count} are shown", SHOWN) + "]"
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            st.markdown(sentence, width="content")
            _first_problem(fitting, choice, words)
        _state(state, words)


def _first_problem(fitting: list[LogLine], choice: Choice, words: Translator) -> None:
    """When the first problem was; a press shows the problems alone, where it is on top."""
    first = next((line.at for line in fitting if line.level == "error" and line.at), None)
    if first is None:
        return
    label = words.t("first problem at {time}", time=words.clock(first, seconds=True))
    if choice.level == PROBLEMS:
        st.markdown(f":gray[{label}]", width="content")
    elif st.button(label, type="tertiary", key="first_problem", on_click=_show_problems):
        st.rerun()  # the choice of the level stands outside of the live part


def _show_problems() -> None:
    st.session_state[LEVEL] = PROBLEMS


def _state(state: str, words: Translator) -> None:
    if state == "live":
        st.badge(words.t("Live"), icon=":material/sensors:", color="green")
    elif state == "paused":
        st.badge(words.t("Paused"), icon=":material/pause:", color="gray")
    elif state == "connecting":
        st.badge(words.t("Connecting…"), icon=":material/progress_activity:", color="blue")
    elif state == "ended":
        st.badge(words.t("The log has ended"), icon=":material/stop_circle:", color="gray")
    else:
        st.badge(words.t("Cannot be read now"), icon=":material/warning:", color="orange")


def show(
    fitting: list[LogLine], choice: Choice, state: str, problem: str, words: Translator, *, explained: bool = False
) -> None:
    """The lines, or why there are none. `explained`: the page tells already why the log cannot be read."""
    if problem and not explained:
        with card("cardwarnlog"):
            st.markdown(f":orange[:material/warning:] {escape(problem, 600)}")
    if problem or state not in _READABLE:
        empty = words.t("The log cannot be read now.")
    elif choice.query or choice.level != ALL:
        empty = words.t("No line fits. Clear the search or choose “All”.")
    elif state == "connecting":
        empty = words.t("Reading the log…")
    else:
        empty = words.t("The service has written nothing yet.")
    logview.draw(
        fitting[-SHOWN:], words, service=choice.service, query=choice.query.strip(), wrap=choice.wrap, empty=empty
    )


def as_file(lines: Sequence[LogLine]) -> str:
    """The lines as a text file: time in UTC, then the text."""
    return "".join(f"{line.stamp} {logview.plain_line(line.text)}\n".lstrip() for line in lines)


def file_name(service: str, stamp: str) -> str:
    """A harmless file name; the service's name is untrusted."""
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', service)[:60].strip('-') or 'service'}-{stamp}.log"
