"""Drawing again when there is news, and no more often.

A page draws itself at once when something happened (a state, an operation, an event), and every few seconds for figures
and ages. A small part in the sidebar looks for news once a second: that costs a few values from memory, while drawing a
page of fourteen services costs hundreds of messages to the browser (12 % of a core for one reader at one drawing a
second, measured).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

from hubcore.hub import Hub

KEY = "live"
PERIOD = 5.0  # seconds after which figures and ages are drawn again
_DRAWN = "_drawn"  # in the session: what was known at the last drawing, and when that was
_MORE = "_more_news"  # in the session: what else the page wants to be drawn for


def live(draw: Callable[..., None]) -> Callable[..., None]:
    """Decorator of the part of a page that changes by itself. Its first argument is the hub."""

    @st.fragment(key=KEY)
    @wraps(draw)
    def drawn(hub: Hub, *args: Any) -> None:
        st.session_state[_DRAWN] = (_all_news(hub), time.monotonic())
        draw(hub, *args)

    return drawn


def forget() -> None:
    """A page is about to be drawn: whether it has a live part is not known yet."""
    st.session_state.pop(_DRAWN, None)
    st.session_state.pop(_MORE, None)


def also(hub: Hub, more: Callable[[], object]) -> None:
    """Draw the live part also whenever the value of `more` has changed; to be called in it before it reads that."""
    st.session_state[_MORE] = more
    st.session_state[_DRAWN] = (_all_news(hub), time.monotonic())


def _all_news(hub: Hub) -> tuple[object, ...]:
    more = st.session_state.get(_MORE)
    return (*news(hub), more() if more is not None else None)


def news(hub: Hub) -> tuple[object, ...]:
    """What is worth drawing at once: it differs whenever that has changed."""
    snapshot = hub.snapshot()
    operations = tuple(
        (operation.id, operation.status, tuple(step.status for step in operation.steps))
        for operation in hub.operations(limit=10)
    )
    if snapshot is None:
        return (operations,)
    states = tuple(
        (service.name, service.condition, service.cause and service.cause.template, service.operation_id)
        for service in snapshot.services.values()
    )
    newest = snapshot.events[0].at if snapshot.events else 0.0
    return (
        operations,
        snapshot.engine.status,
        snapshot.engine.last_seen is None,
        snapshot.stack.problem,
        snapshot.history_problem,
        snapshot.audit_problem,
        newest,
        states,
    )


def draw_if_due(hub: Hub) -> None:
    """Have the live part drawn again if there is news, or when its figures are some seconds old."""
    drawn = st.session_state.get(_DRAWN)
    context = get_script_run_ctx()
    if drawn is None or context is None or context.script_requests is None or not context.fragment_ids_this_run:
        return  # no live part, or the whole page is being drawn anyway
    if drawn[0] == _all_news(hub) and time.monotonic() - drawn[1] < PERIOD:
        return
    # `st.rerun("live")` says the same, but Streamlit takes it from a widget's callback only.
    context.script_requests.request_rerun(
        RerunData(
            query_string=context.query_string,
            page_script_hash=context.page_script_hash,
            fragment_id_queue=list(context.fragment_storage.resolve_target(KEY)),
            is_auto_rerun=True,
            cached_message_hashes=context.cached_message_hashes,
            context_info=context.context_info,
        )
    )
