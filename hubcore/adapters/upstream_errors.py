"""The one place where what goes wrong with a service behind the dashboard becomes `UpstreamFailed`.

Whatever a service says goes into `detail` only, and never with the key it was asked with.
"""

from __future__ import annotations

from hubcore.errors import UpstreamFailed
from hubcore.models import Text, text
from hubcore.places import Place
from hubcore.probing import Failure
from hubcore.upstream_parse import error_words

LOOK = text("Look at its state and its log.")
PORT = text("Check whether another program uses its port.")


def failed(place: Place, failure: Failure, seconds: float, error: BaseException) -> UpstreamFailed:
    """The error of a request that got no answer within `seconds`."""
    message, remedy = _why(place.title, failure, seconds)
    detail = without_key(place, f"{type(error).__name__}: {error}".rstrip(": "))
    return UpstreamFailed(message, remedy=remedy, detail=detail[:300])


def _why(service: str, failure: Failure, seconds: float) -> tuple[Text, Text]:
    if failure is Failure.TIMEOUT:
        message = text("{service} did not answer within {seconds} s.", service=service, seconds=round(seconds, 1))
        return message, text("It may be busy. Try again; if that does not help, look at its log.")
    if failure in (Failure.CLOSED, Failure.CUT):
        return text("{service} broke off its answer.", service=service), LOOK
    if failure is Failure.NONSENSE:
        return text("What answers does not speak like {service}.", service=service), PORT
    return text("{service} cannot be reached.", service=service), LOOK


def refused(place: Place, status: int, body: bytes) -> UpstreamFailed:
    """The error of an answer with another status than 200."""
    words = without_key(place, error_words(body))
    detail = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    if status in (401, 403):
        message = text("{service} did not accept the dashboard’s key.", service=place.title)
        remedy = text("Put the service’s key into the setting {setting}.", setting=place.key_setting or "…")
    elif status < 400:
        message, remedy = text("{service} sends the dashboard to another address.", service=place.title), PORT
    else:
        message = text("{service} answered with an error (HTTP {status}).", service=place.title, status=status)
        remedy = text("Its log says more.")
    return UpstreamFailed(message, remedy=remedy, detail=detail, upstream_status=status)


def makes_no_sense(place: Place, detail: str) -> UpstreamFailed:
    """The error of an answer that is not what was asked for. `detail`: none of the answer's own words."""
    return UpstreamFailed(
        text("The answer of {service} makes no sense.", service=place.title), remedy=PORT, detail=detail
    )


def too_large(place: Place) -> UpstreamFailed:
    """The error of an answer above the limit."""
    return UpstreamFailed(text("The answer of {service} is far too large.", service=place.title), remedy=PORT)


def key_unusable(place: Place) -> UpstreamFailed:
    """The error of a key that no HTTP header can carry."""
    return UpstreamFailed(
        text("The key for {service} has characters that cannot be sent.", service=place.title),
        remedy=text("Put the service’s key into the setting {setting}.", setting=place.key_setting or "…"),
    )


def stopped(place: Place) -> UpstreamFailed:
    """The error of a request that ends with the dashboard."""
    return UpstreamFailed(
        text("The dashboard was stopped while it asked {service}.", service=place.title), remedy=text("Try again.")
    )


def without_key(place: Place, words: str) -> str:
    """Libraries and services quote what they were sent; the key must not get out that way."""
    key = place.bearer.get_secret_value() if place.bearer is not None else ""
    return words.replace(key, "…") if key else words
