"""Overview: is all well? If not: what is wrong, why, and the button that helps."""

from hubcore.hub import Hub
from hubcore.texts import Translator
from ui import control, firstrun, overview_page, session
from ui.judge import Mood, judge
from ui.live import live
from ui.widgets import events, head, host_figures, section


@live
def draw(hub: Hub, words: Translator) -> None:
    """Everything on the page; drawn from memory."""
    snapshot, now = hub.snapshot(), session.now()
    verdict = judge(snapshot)
    if snapshot is None or verdict.mood == Mood.COLLECTING:
        head(
            words.t("One moment…"),
            words.t("Collecting the first values. This takes a few seconds and resolves by itself."),
        )
        return
    if verdict.mood == Mood.FIRST_RUN:
        firstrun.draw(hub, snapshot, words, now)
        return
    overview_page.answer(verdict, snapshot, words, now)
    control.notice(words)
    control.operations(hub, words)
    if verdict.mood == Mood.AWAY:
        overview_page.away(snapshot, words, now)
    else:
        overview_page.problems(hub, snapshot, words, now)
        overview_page.stopped(snapshot, words, primary=verdict.mood == Mood.STOPPED)
    if verdict.mood in (Mood.TROUBLE, Mood.AWAY, Mood.STOPPED):
        overview_page.groups(snapshot, words)
        section(words.t("This computer"))
        host_figures(hub, words, snapshot)
    else:
        host_figures(hub, words, snapshot)
        overview_page.groups(snapshot, words)
    events(words, snapshot.events[:6], now)


hub, words = session.begin()
control.questions(hub, words)
draw(hub, words)
