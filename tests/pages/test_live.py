"""News are noticed at once, and nothing is drawn for less."""

from __future__ import annotations

from collections.abc import Callable

from hubcore.hub import Hub
from hubcore.models import Condition, OperationKind, Snapshot
from ui.live import news
from ui.session import ACTOR

from . import samples


def test_a_new_state_is_news_and_new_figures_are_not(publish: Callable[[Snapshot], None], hub: Hub) -> None:
    empty = news(hub)
    first = samples.well()
    publish(first)
    well = news(hub)
    assert well != empty
    services = {name: service.model_copy(update={"figures": None}) for name, service in first.services.items()}
    publish(first.model_copy(update={"services": services, "published_at": first.published_at + 1}))
    assert news(hub) == well
    broken = services["db"].model_copy(update={"condition": Condition.BROKEN})
    publish(first.model_copy(update={"services": services | {"db": broken}}))
    assert news(hub) != well
    publish(samples.away())
    assert news(hub) != well


def test_a_command_is_news(publish: Callable[[Snapshot], None], hub: Hub) -> None:
    publish(samples.well())
    before, seen = news(hub), hub.version()
    hub.submit(OperationKind.RESTART, ["db"], ACTOR)
    hub.wait(seen, 5.0)
    assert news(hub) != before
