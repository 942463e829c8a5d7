"""Start, stop, restart: buttons, and the question before it hurts. How far it has come: `progress.py`."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hubcore.errors import HubError, OperationActive, UnknownOperation
from hubcore.hub import Hub
from hubcore.models import Condition, OperationKind, ServiceState, Text
from hubcore.texts import Translator

from . import session
from .judge import engine_away
from .markdown import escape, told
from .widgets import card
from .words import consequence, harmed

ASKED, NOTICE, CHOSEN = "_asked", "_notice", "_chosen"
NAMED_HARMS = 3  # of several services, the consequences that are told; the rest are counted
ICONS = {
    OperationKind.START: "play_arrow",
    OperationKind.STOP: "stop_circle",
    OperationKind.RESTART: "refresh",
}


def allowed(service: ServiceState) -> bool:
    """Whether the dashboard may start and stop it."""
    return not (service.native or service.protected)


def is_up(service: ServiceState) -> bool:
    """Whether there is something running to stop."""
    return service.container_status in ("running", "restarting", "paused")


def submit(kind: OperationKind, names: Sequence[str] | None) -> None:
    """Hand a command over; what speaks against it is kept and shown on the page."""
    st.session_state.pop(NOTICE, None)
    try:
        session.hub().submit(kind, names, session.ACTOR)
    except HubError as error:
        in_the_way = error.operation_id if isinstance(error, OperationActive) else None
        st.session_state[NOTICE] = (error.text, error.remedy, in_the_way)


def ask(kind: OperationKind, names: Sequence[str] | None) -> None:
    """Remember a question; `questions()` puts it at the next drawing of the whole page."""
    st.session_state[ASKED] = (kind, tuple(names) if names is not None else None)


def button(kind: OperationKind, service: ServiceState, words: Translator, *, primary: bool = False) -> None:
    """One verb for one service. Starting is harmless and begins at once; the others ask when it hurts."""
    icon, impossible = f":material/{ICONS[kind]}:", why_not(words)
    asks = kind == OperationKind.STOP or (kind == OperationKind.RESTART and service.condition == Condition.WORKS)
    clicked = st.button(
        label(kind, words) + ("…" if asks else ""),
        icon=icon,
        key=f"{kind}:{service.name}",
        type="primary" if primary else "secondary",
        help=impossible or named(kind, escape(service.title, 60), words),
        disabled=impossible is not None or service.operation_id is not None,
        on_click=ask if asks else submit,
        args=(kind, (service.name,)),
    )
    if clicked and asks:
        st.rerun()  # the question belongs to the whole page: a dialog of a live part would vanish at its next drawing


def why_not(words: Translator) -> str | None:
    """Why no service can be started or stopped now; None when they can."""
    snapshot = session.hub().snapshot()
    if snapshot is None or not engine_away(snapshot):
        return None
    return words.t("Docker does not answer; services cannot be started or stopped until it is back.")


def named(kind: OperationKind, name: str, words: Translator) -> str:
    """The verb with its object, for screen readers and tooltips: there are several such buttons on a page."""
    return {
        OperationKind.START: words.t("Start {name}", name=name),
        OperationKind.STOP: words.t("Stop {name}", name=name),
        OperationKind.RESTART: words.t("Restart {name}", name=name),
    }[kind]


def label(kind: OperationKind, words: Translator) -> str:
    """The verb."""
    return {
        OperationKind.START: words.t("Start"),
        OperationKind.STOP: words.t("Stop"),
        OperationKind.RESTART: words.t("Restart"),
    }[kind]


def questions(hub: Hub, words: Translator) -> None:
    """Put the question that waits, if one does. Called by the page itself, outside its live parts."""
    asked = st.session_state.get(ASKED)
    if asked is None:
        return
    # It stays asked until it is answered: a drawing of the whole page may be cut short by the next one.
    kind, names = asked
    snapshot = hub.snapshot()
    services = [] if snapshot is None else list(snapshot.services.values())
    targets = [s for s in services if (s.name in names if names is not None else s.defined and allowed(s))]
    if targets:
        title = _title(kind, names, targets, words)
        st.dialog(title, width="small", on_dismiss=_answered)(_question)(kind, names, targets, services, words)


def _answered() -> None:
    st.session_state.pop(ASKED, None)


def _title(kind: OperationKind, names: Sequence[str] | None, targets: list[ServiceState], words: Translator) -> str:
    if names is not None and len(targets) == 1:
        name = escape(targets[0].title, 60)
        return {
            OperationKind.START: words.t("Start {name}?", name=name),
            OperationKind.STOP: words.t("Stop {name}?", name=name),
            OperationKind.RESTART: words.t("Restart {name}?", name=name),
        }[kind]
    number = len(targets)
    return {
        OperationKind.START: words.n("Start {count} service?", "Start {count} services?", number),
        OperationKind.STOP: words.n("Stop {count} service?", "Stop {count} services?", number),
        OperationKind.RESTART: words.n("Restart {count} service?", "Restart {count} services?", number),
    }[kind]


def _question(
    kind: OperationKind,
    names: Sequence[str] | None,
    targets: list[ServiceState],
    services: list[ServiceState],
    words: Translator,
) -> None:
    if len(targets) > 1:
        st.markdown(", ".join(escape(service.title, 60) for service in targets))
    lines = consequences(kind, targets, services, words)
    if lines and kind == OperationKind.RESTART:
        st.caption(words.n("Until it is back:", "Until they are back:", len(targets)))
    for line in [*lines, closing(kind, len(targets), words)]:
        st.markdown(line)
    with st.container(horizontal=True):
        icon = f":material/{ICONS[kind]}:"
        if st.button(
            label(kind, words), type="primary", icon=icon, key="confirm", on_click=_confirmed, args=(kind, names)
        ):
            st.rerun()
        if st.button(words.t("Leave it as it is"), key="cancel", on_click=_answered):
            st.rerun()


def _confirmed(kind: OperationKind, names: Sequence[str] | None) -> None:
    _answered()
    st.session_state.pop(CHOSEN, None)
    submit(kind, names)


def consequences(
    kind: OperationKind, targets: list[ServiceState], services: list[ServiceState], words: Translator
) -> list[str]:
    """What the command does to people and to other services, as Markdown lines. Of many only the worst are named."""
    if kind == OperationKind.START:
        return []
    lines, worst = [], harmed(targets)
    for service in worst[:NAMED_HARMS]:
        found = words.text(consequence(service))
        lines.append(f"**{escape(service.title, 60)}**: {found}" if len(targets) > 1 else found)
    if len(worst) > NAMED_HARMS:
        lines.append(words.n("and {count} lesser effect", "and {count} lesser effects", len(worst) - NAMED_HARMS))
    chosen = {service.name for service in targets}
    leaning = {name for service in targets for name in service.needed_by} - chosen
    titles = sorted(escape(service.title, 60) for service in services if service.name in leaning)
    if titles:
        lines.append(
            words.n(
                "These need it and may stop working: {names}.",
                "These need them and may stop working: {names}.",
                len(targets),
                names=", ".join(titles),
            )
        )
    return lines


def closing(kind: OperationKind, number: int, words: Translator) -> str:
    """The last line of the question: what becomes of the services themselves."""
    return {
        OperationKind.START: words.t("What each service needs is started before it."),
        OperationKind.STOP: words.n(
            "Data is kept. It stays stopped until you start it again.",
            "Data is kept. They stay stopped until you start them again.",
            number,
        ),
        OperationKind.RESTART: words.n(
            "It is away for a moment and comes back by itself. Data is kept.",
            "They are away for a moment and come back by themselves. Data is kept.",
            number,
        ),
    }[kind]


def notice(hub: Hub, words: Translator) -> None:
    """Why the last command was not taken, until it is put away or what was in its way has ended."""
    kept: tuple[Text, Text | None, str | None] | None = st.session_state.get(NOTICE)
    if kept is None:
        return
    reason, remedy, in_the_way = kept
    if in_the_way is not None and _has_ended(hub, in_the_way):
        st.session_state.pop(NOTICE, None)
        return
    with card("cardwarnnotice"):
        st.markdown(f":orange[:material/warning:] {told(reason, words)}")
        if remedy is not None:
            st.markdown(told(remedy, words))
        st.button(words.t("Close"), key="close_notice", on_click=lambda: st.session_state.pop(NOTICE, None))


def _has_ended(hub: Hub, operation_id: str) -> bool:
    try:
        return hub.operation(operation_id).status.ended
    except UnknownOperation:
        return False  # it is so new that it has not been read yet
