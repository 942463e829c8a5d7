"""What is under way and what has just ended: one card for each operation, found again after leaving or reloading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st

from hubcore.hub import Hub
from hubcore.models import Condition, Operation, OperationKind, OperationStatus, Step, StepStatus, Text, text
from hubcore.texts import Translator

from . import session
from .markdown import escape, told
from .widgets import card
from .words import CONDITIONS, OUTCOMES

CLOSED = "_closed_operations"
SHOW_DONE = 20.0  # seconds a finished operation stays on the page
SHOW_FAILED = 900.0  # and one that did not work, unless it is put away
LISTED = 6  # with more steps than these, those that wait or are done are counted only
NAMED = 3  # more services than these are counted instead of named
BEGUN = 0.15  # how much of a step counts as done while it runs and says nothing of its progress
_SIGNS = {
    StepStatus.WAITING: ":gray[:material/circle:]",
    StepStatus.RUNNING: ":blue[:material/progress_activity:]",
    StepStatus.DONE: ":green[:material/check_circle:]",
    StepStatus.SKIPPED: ":gray[:material/remove:]",
    StepStatus.FAILED: ":red[:material/dangerous:]",
}


@dataclass(frozen=True)
class _Saying:
    """How an operation is called: while it runs, when it has worked, when it has not."""

    doing: Text
    done: Text
    failed: Text


@dataclass(frozen=True)
class _Many:
    """The same for all services, and for several that are counted (each with a plural)."""

    doing_all: Text
    doing: Text
    done_all: Text
    done: Text


_SAYINGS: dict[OperationKind, _Saying] = {
    OperationKind.START: _Saying(text("Starting: {names}"), text("Started: {names}"), text("Could not start: {names}")),
    OperationKind.STOP: _Saying(text("Stopping: {names}"), text("Stopped: {names}"), text("Could not stop: {names}")),
    OperationKind.RESTART: _Saying(
        text("Restarting: {names}"), text("Restarted: {names}"), text("Could not restart: {names}")
    ),
    OperationKind.CONFIGURE: _Saying(
        text("Saving the configuration: {names}"),
        text("Configuration saved: {names}"),
        text("Could not save the configuration: {names}"),
    ),
    OperationKind.BACKUP: _Saying(
        text("Backing up: {names}"), text("Backed up: {names}"), text("Could not back up: {names}")
    ),
    OperationKind.PULL_MODEL: _Saying(
        text("Downloading the model {names}"),
        text("Model downloaded: {names}"),
        text("Could not download the model {names}"),
    ),
    OperationKind.DELETE_MODEL: _Saying(
        text("Deleting the model {names}"),
        text("Model deleted: {names}"),
        text("Could not delete the model {names}"),
    ),
}
_MANY: dict[OperationKind, _Many] = {
    OperationKind.START: _Many(
        text("Starting all services"),
        text("Starting {count} service", "Starting {count} services"),
        text("{count} service was started.", "All {count} services were started."),
        text("{count} service was started", "{count} services were started"),
    ),
    OperationKind.STOP: _Many(
        text("Stopping all services"),
        text("Stopping {count} service", "Stopping {count} services"),
        text("{count} service was stopped.", "All {count} services were stopped."),
        text("{count} service was stopped", "{count} services were stopped"),
    ),
    OperationKind.RESTART: _Many(
        text("Restarting all services"),
        text("Restarting {count} service", "Restarting {count} services"),
        text("{count} service was restarted.", "All {count} services were restarted."),
        text("{count} service was restarted", "{count} services were restarted"),
    ),
}


def operations(
    hub: Hub, words: Translator, service: str | None = None, told_already: Iterable[Text | None] = ()
) -> None:
    """What is under way, then what has just ended, each newest first; of one service or all.

    `told_already`: causes that stand elsewhere on the page and need not be repeated.
    """
    closed, now = st.session_state.setdefault(CLOSED, set()), session.now()
    said = {words.text(cause) for cause in told_already if cause is not None}
    found = [one for one in hub.operations(limit=10) if service is None or service in one.services]
    for operation in sorted(found, key=lambda one: one.status.ended):
        age = now - (operation.ended_at or now)
        keep = SHOW_DONE if operation.status == OperationStatus.SUCCEEDED else SHOW_FAILED
        if operation.id not in closed and (not operation.status.ended or age < keep):
            _operation(hub, words, operation, said)


def share(operation: Operation) -> float:
    """How far an operation has come, 0.0 to 1.0. It moves as soon as a step has begun."""
    if not operation.steps:
        return 0.0 if operation.status == OperationStatus.QUEUED else BEGUN
    return min(sum(map(_share_of_step, operation.steps)) / len(operation.steps), 1.0)


def _share_of_step(step: Step) -> float:
    if step.status == StepStatus.WAITING:
        return 0.0
    return (BEGUN if step.share is None else step.share) if step.status == StepStatus.RUNNING else 1.0


def title(operation: Operation, titles: dict[str, str], words: Translator) -> str:
    """What an operation is about and what came of it, as Markdown. `titles`: the services', by name, not escaped."""
    saying, many, number = _SAYINGS[operation.kind], _MANY.get(operation.kind), len(operation.services)
    failed = operation.status == OperationStatus.FAILED
    done = operation.status == OperationStatus.SUCCEEDED
    names = operation.services
    if failed:
        names = tuple(s.service for s in operation.steps if s.status == StepStatus.FAILED and s.service) or names
    elif many is not None and operation.scope == "all":
        return _counted(many.done_all, number, words) if done else words.text(many.doing_all)
    elif many is not None and number > NAMED:
        return _counted(many.done if done else many.doing, number, words)
    said = escape(operation.subject or "", 60) or ", ".join(escape(titles.get(n, n), 40) for n in names[:NAMED])
    if not operation.subject and len(names) > NAMED:
        said += " " + words.n("and {count} more", "and {count} more", len(names) - NAMED)
    return words.t((saying.failed if failed else saying.done if done else saying.doing).template, names=said)


def _counted(sentence: Text, number: int, words: Translator) -> str:
    return words.n(sentence.template, sentence.plural or sentence.template, number)


def _operation(hub: Hub, words: Translator, operation: Operation, said: set[str]) -> None:
    snapshot = hub.snapshot()
    titles = {name: service.title for name, service in snapshot.services.items()} if snapshot is not None else {}
    sentence = title(operation, titles, words)
    if operation.status == OperationStatus.SUCCEEDED:
        _done(words, operation, sentence)
        return
    with card(f"{'cardbad' if operation.status.ended else 'card'}operation{operation.id}"):
        more = (
            "" if operation.status in (OperationStatus.RUNNING, OperationStatus.FAILED) else _outcome(operation, words)
        )
        st.subheader(sentence + more, anchor=False)
        if not operation.status.ended:
            st.progress(share(operation))
            st.caption(words.t("You may leave this page; the work goes on."))
        _steps(words, operation, said)
        for reason in (operation.problem, operation.remedy):
            if reason is not None and _is_new(reason, said, words):
                st.markdown(told(reason, words))
        if operation.status.ended:
            st.button(words.t("Close"), key=f"close:{operation.id}", on_click=_close, args=(operation.id,))


def _outcome(operation: Operation, words: Translator) -> str:
    return f" :gray[:small[{words.text(OUTCOMES[operation.status])}]]"


def _done(words: Translator, operation: Operation, sentence: str) -> None:
    """One line, with a way to put it away."""
    with card(f"cardoperation{operation.id}"), st.container(key=f"line{operation.id}"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"{CONDITIONS[Condition.WORKS].sign} **{sentence}**", width="content")
            st.button(
                words.t("Close"), key=f"close:{operation.id}", type="tertiary", on_click=_close, args=(operation.id,)
            )
        for step in operation.steps:
            if step.note is not None:
                st.markdown(f":gray[:small[{told(step.note, words)}]]")


def _steps(words: Translator, operation: Operation, said: set[str]) -> None:
    steps, lines = operation.steps, []
    if len(steps) > LISTED:
        ended = sum(step.status in (StepStatus.DONE, StepStatus.SKIPPED) for step in steps)
        lines.append(words.t("{done} of {total} done", done=words.number(ended), total=words.number(len(steps))))
        steps = tuple(step for step in steps if step.status in (StepStatus.RUNNING, StepStatus.FAILED))
    for step in steps:
        line = f"{_SIGNS[step.status]} {escape(words.text(step.text))}"
        if step.share is not None and step.status == StepStatus.RUNNING:
            line += f" · {words.percent(100 * step.share)}"
        if step.note is not None:
            line += f" :gray[:small[{told(step.note, words)}]]"
        if step.problem is not None and _is_new(step.problem, said, words):
            line += f" :red[:small[{told(step.problem, words)}]]"
        lines.append(line)
    if lines:
        st.markdown("  \n".join(lines))


def _is_new(reason: Text, said: set[str], words: Translator) -> bool:
    """Whether the page has not said this yet; from now on it has."""
    sentence = words.text(reason)
    new = sentence not in said
    said.add(sentence)
    return new


def _close(operation_id: str) -> None:
    st.session_state.setdefault(CLOSED, set()).add(operation_id)
