"""One service: its state, figures, facts, and the commands for it. The query parameter `name` says which."""

import streamlit as st

from hubcore.hub import Hub
from hubcore.texts import Translator
from ui import control, overview_page, progress, service_page, session, shell
from ui.judge import doing, engine_away
from ui.live import live
from ui.markdown import escape
from ui.widgets import head


@live
def draw(hub: Hub, words: Translator, name: str) -> None:
    """The whole page; drawn from memory."""
    snapshot, now = hub.snapshot(), session.now()
    service = snapshot.services.get(name) if snapshot is not None else None
    if snapshot is None:
        head(
            words.t("One moment…"),
            words.t("Collecting the first values. This takes a few seconds and resolves by itself."),
        )
        return
    if not name:
        head(words.t("No service was chosen."), words.t("Choose one from the list."))
        return
    if service is None:
        head(
            words.t("There is no service named “{name}”.", name=escape(name, 60)), words.t("Choose one from the list.")
        )
        return
    service_page.top(service, words, doing(hub.operations(limit=10)))
    control.notice(hub, words)
    if engine_away(snapshot):
        overview_page.away(snapshot, words, now)
    progress.operations(hub, words, service=name, told_already=[service.cause, snapshot.engine.reason])
    service_page.trouble(service, words, now)
    service_page.day(hub, service, words, now)
    service_page.figures(hub, service, words, now)
    service_page.facts(service, snapshot, words, now)
    service_page.check(service, words, now)


hub, words = session.begin()
name = st.query_params.get("name", "")
session.note_address("name", name)
snapshot = hub.snapshot()
if snapshot is not None and name in snapshot.services:
    shell.tab(snapshot.services[name].title)
st.page_link("pages/services.py", label=words.t("Services"), icon=":material/arrow_back:")
control.questions(hub, words)
draw(hub, words, name)
