"""Overview: is all well? If not: what is wrong, why, and the button that helps."""

from hubcore.hub import Hub
from hubcore.texts import Translator
from ui import control, firstrun, overview_page, progress, session
from ui.answer import answer
from ui.judge import Mood, doing, in_trouble, judge, shown
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
    under_way = doing(hub.operations(limit=10))
    answer(verdict, snapshot, words, now, under_way)
    control.notice(hub, words)
    causes = [service.cause for service in in_trouble(shown(snapshot))]
    progress.operations(hub, words, told_already=[*causes, snapshot.engine.reason])
    if verdict.mood == Mood.AWAY:
        overview_page.away(snapshot, words, now)
    else:
        overview_page.problems(hub, snapshot, words, now)
        overview_page.stopped(snapshot, words, primary=verdict.mood == Mood.STOPPED)
    overview_page.own_trouble(snapshot, words)
    if verdict.mood in (Mood.TROUBLE, Mood.AWAY, Mood.STOPPED):
        overview_page.groups(snapshot, words, under_way)
        section(words.t("This computer"))
        host_figures(hub, words, snapshot)
    else:
        host_figures(hub, words, snapshot)
        overview_page.groups(snapshot, words, under_way)
    events(words, snapshot.events[:6], now)


hub, words = session.begin()
control.questions(hub, words)
draw(hub, words)
