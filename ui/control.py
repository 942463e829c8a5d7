"""Start, stop, restart: buttons, the question before it hurts, and how far it has come."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hubcore.errors import HubError
from hubcore.hub import Hub
from hubcore.models import Condition, Operation, OperationKind, OperationStatus, ServiceState, StepStatus, Text
from hubcore.texts import Translator

from . import session
from .markdown import escape
from .widgets import card
from .words import DOING, DONE, OUTCOMES, consequence

ASKED, NOTICE, CLOSED, CHOSEN = "_asked", "_notice", "_closed_operations", "_chosen"
SHOW_DONE = 20.0  # seconds a finished operation stays on the page
SHOW_FAILED = 900.0  # and one that did not work, unless it is put away
ICONS = {
    OperationKind.START: "play_arrow",
    OperationKind.STOP: "stop_circle",
    OperationKind.RESTART: "refresh",
}
_STEP_SIGNS = {
    StepStatus.WAITING: ":gray[:material/circle:]",
    StepStatus.RUNNING: ":blue[:material/progress_activity:]",
    StepStatus.DONE: ":green[:material/check_circle:]",
    StepStatus.SKIPPED: ":gray[:material/remove:]",
    StepStatus.FAILED: ":red[:material/dangerous:]",
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
        st.session_state[NOTICE] = (error.text, error.remedy)


def ask(kind: OperationKind, names: Sequence[str] | None) -> None:
    """Remember a question; `questions()` puts it at the next drawing of the whole page."""
    st.session_state[ASKED] = (kind, tuple(names) if names is not None else None)


def button(kind: OperationKind, service: ServiceState, words: Translator, *, primary: bool = False) -> None:
    """One verb for one service. Starting is harmless and begins at once; the others ask when it hurts."""
    icon = f":material/{ICONS[kind]}:"
    asks = kind == OperationKind.STOP or (kind == OperationKind.RESTART and service.condition == Condition.WORKS)
    clicked = st.button(
        label(kind, words) + ("…" if asks else ""),
        icon=icon,
        key=f"{kind}:{service.name}",
        type="primary" if primary else "secondary",
        disabled=service.operation_id is not None,
        on_click=ask if asks else submit,
        args=(kind, (service.name,)),
    )
    if clicked and asks:
        st.rerun()  # the question belongs to the whole page: a dialog of a live part would vanish at its next drawing


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
    if kind == OperationKind.RESTART:
        st.caption(words.t("Until it is back:"))
    for line in consequences(kind, targets, services, words):
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
    """What the command does to people and to other services, as Markdown lines."""
    lines = []
    if kind != OperationKind.START:
        known = [found for found in map(consequence, targets) if found is not None]
        lines += [words.text(found) for found in known[:4]]
        chosen = {service.name for service in targets}
        leaning = {name for service in targets for name in service.needed_by} - chosen
        titles = sorted(escape(service.title, 60) for service in services if service.name in leaning)
        if titles:
            lines.append(words.t("These need it and may stop working: {names}.", names=", ".join(titles)))
    closing = {
        OperationKind.START: words.t("What each service needs is started before it."),
        OperationKind.STOP: words.t("Data is kept. It stays stopped until you start it again."),
        OperationKind.RESTART: words.t("It is away for a moment and comes back by itself. Data is kept."),
    }
    return [*lines, closing[kind]]


def notice(words: Translator) -> None:
    """Why the last command was not taken, until it is put away."""
    kept: tuple[Text, Text | None] | None = st.session_state.get(NOTICE)
    if kept is None:
        return
    with card("cardwarnnotice"):
        st.markdown(f":orange[:material/warning:] {escape(words.text(kept[0]))}")
        if kept[1] is not None:
            st.markdown(escape(words.text(kept[1])))
        st.button(words.t("Close"), key="close_notice", on_click=lambda: st.session_state.pop(NOTICE, None))


def operations(hub: Hub, words: Translator, service: str | None = None) -> None:
    """What is under way or has just ended; for one service or all. Found again after leaving the page or reloading."""
    closed = st.session_state.setdefault(CLOSED, set())
    now = session.now()
    for operation in reversed(hub.operations(limit=10)):
        if operation.id in closed or (service is not None and service not in operation.services):
            continue
        age = now - (operation.ended_at or now)
        keep = SHOW_DONE if operation.status == OperationStatus.SUCCEEDED else SHOW_FAILED
        if not operation.status.ended or age < keep:
            _operation(hub, words, operation)


def _operation(hub: Hub, words: Translator, operation: Operation) -> None:
    snapshot = hub.snapshot()
    known = snapshot.services if snapshot is not None else {}
    titles = [escape(known[name].title if name in known else name, 40) for name in operation.services]
    names = ", ".join(titles[:4]) + ("…" if len(titles) > 4 else "")
    done = operation.status == OperationStatus.SUCCEEDED
    tone = "cardbad" if operation.status in (OperationStatus.FAILED, OperationStatus.INTERRUPTED) else "card"
    sentence = words.t((DONE if done else DOING)[operation.kind].template, names=names)
    with card(f"{tone}operation{operation.id}"):
        st.subheader(f"{sentence} :gray[:small[{words.text(OUTCOMES[operation.status])}]]", anchor=False)
        if not operation.status.ended:
            st.progress(operation.progress)
            st.caption(words.t("You may leave this page; the work goes on."))
        if len(operation.steps) > 1 or not done:
            _steps(words, operation)
        for reason in (operation.problem, operation.remedy):
            if reason is not None:
                st.markdown(escape(words.text(reason), 600))
        if operation.status.ended and not done:
            st.button(words.t("Close"), key=f"close:{operation.id}", on_click=_close, args=(operation.id,))


def _steps(words: Translator, operation: Operation) -> None:
    lines = []
    for step in operation.steps:
        problem = f" :red[:small[{escape(words.text(step.problem))}]]" if step.problem is not None else ""
        lines.append(f"{_STEP_SIGNS[step.status]} {escape(words.text(step.text))}{problem}")
    if lines:
        st.markdown("  \n".join(lines))


def _close(operation_id: str) -> None:
    st.session_state.setdefault(CLOSED, set()).add(operation_id)
