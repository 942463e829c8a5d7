"""Services: every part of the stack, the troubled ones first, and commands for several or all."""

import streamlit as st

from hubcore.hub import Hub
from hubcore.texts import Translator
from ui import control, overview_page, progress, services_page, session
from ui.judge import engine_away, shown
from ui.live import live
from ui.widgets import card, head


@live
def draw(hub: Hub, words: Translator) -> None:
    """Search, rows and what is under way; drawn from memory."""
    snapshot, now = hub.snapshot(), session.now()
    if snapshot is None:
        st.markdown(words.t("Collecting the first values. This takes a few seconds and resolves by itself."))
        return
    if shown(snapshot):
        st.markdown(f":gray[{services_page.sentence(snapshot, words)}]")
    control.notice(hub, words)
    if engine_away(snapshot):
        overview_page.away(snapshot, words, now)
    causes = [service.cause for service in shown(snapshot)]
    progress.operations(hub, words, told_already=[*causes, snapshot.engine.reason])
    if not shown(snapshot):
        with card("cardempty"):
            st.markdown(words.t("There are no services yet. The Overview shows how to connect your stack."))
            st.page_link("pages/overview.py", label=words.t("Overview"), icon=":material/home:")
        return
    services_page.rows(hub, snapshot, words, *services_page.filters(snapshot, words))


hub, words = session.begin()
snapshot = hub.snapshot()


def buttons() -> None:
    """The commands for more than one."""
    st.toggle(words.t("Select several"), key="select_several")
    services_page.everything(words)


has_services = snapshot is not None and any(control.allowed(service) for service in shown(snapshot))
head(words.t("Services"), buttons=buttons if has_services else None)
if snapshot is not None and has_services and st.session_state.get("select_several"):
    services_page.choose(snapshot, words)
control.questions(hub, words)
draw(hub, words)
