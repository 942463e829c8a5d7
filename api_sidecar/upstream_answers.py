"""What all routes share that ask a service behind the dashboard: limits, and how its failures are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hubcore.errors import NotReady, TooBusy, Unavailable, UpstreamFailed
from hubcore.models import text
from hubcore.views_text import plain

from .call import Answer, Call
from .errors import error_answer, unexpected_answer
from .slots import Slots

ASKS = 16  # questions of seconds that may wait at once, each in a thread
TALKS = 8  # answers of models, of up to 90 s
LONG_WAITS = 8  # downloads and deletions that somebody waits for, of up to 300 s
BODIES = 8  # request bodies that may be read at once
BLOCKING = ASKS + TALKS + LONG_WAITS + BODIES


class UpstreamSlots:
    """The limits, one set for all routes."""

    def __init__(self) -> None:
        later = text("Wait a few seconds, then try again.")
        busy = text("The services are being asked too much at once.")
        self.asks = Slots(ASKS, busy, later)
        self.talks = Slots(TALKS, text("Too many models are answering at once."), later)
        self.waits = Slots(LONG_WAITS, text("Too many commands are under way at once."), later)
        self.bodies = Slots(BODIES, text("Too many requests arrive at once."), later)


def with_status(call: Call, ask: Callable[[], Answer], failed: str) -> Answer:
    """The answer of `ask`; for a failure 503 with `status: failed` (`unhealthy` when the service itself answered with
    an error), for anything unforeseen 500 with `status: error`."""
    try:
        return ask()
    except (TooBusy, NotReady) as error:
        return error_answer(call, error, extra={"status": "error"})
    except Unavailable as error:
        refused = isinstance(error, UpstreamFailed) and error.upstream_status is not None
        return error_answer(call, error, extra={"status": "unhealthy" if refused else failed})
    except Exception as error:
        return unexpected_answer(call, error, {"status": "error"})


def passed_on(call: Call, error: UpstreamFailed, extra: Mapping[str, Any] | None = None) -> Answer:
    """The failure of a service with the error status it gave; 503 when it gave none."""
    status = error.upstream_status
    passable = status is not None and 400 <= status <= 599
    return error_answer(call, error, status=status if passable else None, extra=extra)


def details(error: UpstreamFailed) -> str:
    """The service's own words about its failure."""
    return plain(error.detail or "")
