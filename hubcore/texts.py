"""Words, numbers, sizes and times in the reader's language.

The English sentence is the key; `locales/<language>/LC_MESSAGES/hub.po` holds the translations. A catalogue is read
with Babel and compiled in memory once per process, so that there is no compiled file to forget.
"""

from __future__ import annotations

import gettext
import io
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from .models import Text, text

LOCALES_DIR = Path(__file__).resolve().parent.parent / "locales"
LANGUAGES = ("en", "ru")
NBSP = "\u00a0"

# English dates and times are written the European way (20 November, 14:12), as the mock-ups have it.
_BABEL_LOCALES = {"en": "en_GB", "ru": "ru_RU"}
_BYTE_UNITS = (text("B"), text("KB"), text("MB"), text("GB"), text("TB"), text("PB"))


@lru_cache(maxsize=8)
def catalogue(language: str) -> gettext.NullTranslations:
    """The translations into `language`; those that return the English text where there is no file."""
    path = LOCALES_DIR / language / "LC_MESSAGES" / "hub.po"
    if not path.is_file():
        return gettext.NullTranslations()
    with path.open("rb") as file:
        parsed = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, parsed)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def choose_language(*wishes: str | None) -> str:
    """The first wish (`ru`, `ru-RU`, `en_GB`, …) in a language there is; English without one."""
    for wish in wishes:
        language = (wish or "").replace("_", "-").split("-")[0].lower()
        if language in LANGUAGES:
            return language
    return "en"


@lru_cache(maxsize=256)
def wanted_languages(accept_language: str) -> tuple[str, ...]:
    """Languages of an Accept-Language header, best first (RFC 9110, section 12.5.4); those with q=0 left out."""
    ranked: list[tuple[float, str]] = []
    for part in accept_language[:500].split(","):
        tag, _, parameter = part.partition(";")
        quality = parameter.strip().removeprefix("q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        if tag.strip() and weight > 0:
            ranked.append((weight, tag.strip()))
    return tuple(tag for _, tag in sorted(ranked, key=lambda item: -item[0]))


@lru_cache(maxsize=64)
def zone_of(name: str | None) -> tzinfo | None:
    """The time zone with an IANA name; None (this machine's zone) for an unknown or absent one."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a browser may name a zone that this machine does not know
        return None


class _Fields(dict[str, str]):
    """Fields of a sentence; one that is missing shows as an ellipsis instead of breaking the page."""

    def __missing__(self, key: str) -> str:
        return "…"


class Translator:
    """Speaks one language to one reader, in the reader's time zone. Cheap to create; hold one per session."""

    def __init__(self, language: str, zone: str | None = None) -> None:
        self.language = choose_language(language)
        self.zone = zone_of(zone)
        self._catalogue = catalogue(self.language)
        self._locale = Locale.parse(_BABEL_LOCALES[self.language])

    # --- sentences

    def t(self, msgid: str, /, **params: Any) -> str:
        """The sentence `msgid` in the reader's language, its `{fields}` filled in."""
        return self._fill(self._catalogue.gettext(msgid) if msgid else "", params)

    def n(self, singular: str, plural: str, count: int, /, **params: Any) -> str:
        """The form of the sentence that goes with `count`; `{count}` is a field of it."""
        return self._fill(self._catalogue.ngettext(singular, plural, count), {"count": count, **params})

    def text(self, value: Text | None) -> str:
        """A sentence that was made elsewhere; nothing for None."""
        if value is None:
            return ""
        if value.plural is not None:
            params = {key: item for key, item in value.params.items() if key != "count"}
            return self.n(value.template, value.plural, int(value.params.get("count", 0)), **params)
        return self.t(value.template, **value.params)

    def _fill(self, template: str, params: dict[str, Any]) -> str:
        return template.format_map(_Fields({key: self._field(key, value) for key, value in params.items()}))

    def _field(self, key: str, value: Any) -> str:
        if isinstance(value, Text):
            return self.text(value)
        if key == "count" or isinstance(value, float):
            return self.number(value, 1 if isinstance(value, float) else 0)
        return str(value)

    # --- numbers

    def number(self, value: float, digits: int = 0) -> str:
        """A number with the language's separators and at most `digits` decimals."""
        pattern = "#,##0." + "#" * digits if digits else "#,##0"
        return str(format_decimal(value, format=pattern, locale=self._locale)).replace("\u202f", NBSP)

    def percent(self, value: float | None, digits: int = 0) -> str:
        """A percentage (0-100, or above where several cores are counted); a dash when not measured."""
        if value is None:
            return "—"
        gap = NBSP if self.language == "ru" else ""
        return f"{self.number(value, digits)}{gap}%"

    def size(self, value: float | None) -> str:
        """A number of bytes in the largest unit (of 1024) that keeps it above one: 18.4 GB, 18,4 ГБ."""
        if value is None:
            return "—"
        amount, unit = float(value), 0
        while abs(amount) >= 1000 and unit < len(_BYTE_UNITS) - 1:
            amount, unit = amount / 1024, unit + 1
        digits = 1 if unit and abs(amount) < 100 else 0
        return f"{self.number(amount, digits)}{NBSP}{self.text(_BYTE_UNITS[unit])}"

    def rate(self, value: float | None) -> str:
        """Bytes per second."""
        return "—" if value is None else self.t("{size}/s", size=self.size(value))

    # --- times

    def duration(self, seconds: float) -> str:
        """How long something takes or took: 310 ms, 4 s, 12 minutes, 3 hours, 5 days."""
        return self._duration(seconds).replace(" ", NBSP)

    def _duration(self, seconds: float) -> str:
        if seconds < 1:
            return self.t("{count} ms", count=round(max(seconds, 0) * 1000))
        if seconds < 60:
            return self.t("{count} s", count=int(seconds))
        if seconds < 3600:
            return self.n("{count} minute", "{count} minutes", int(seconds // 60))
        if seconds < 86400:
            return self.n("{count} hour", "{count} hours", int(seconds // 3600))
        return self.n("{count} day", "{count} days", int(seconds // 86400))

    def ago(self, at: float, now: float) -> str:
        """How long ago: just now, 4 s ago, 12 minutes ago."""
        seconds = max(now - at, 0)
        return self.t("just now") if seconds < 1 else self._ago(seconds).replace(" ", NBSP, 1)

    def _ago(self, seconds: float) -> str:
        if seconds < 60:
            return self.t("{count} s ago", count=int(seconds))
        if seconds < 3600:
            return self.n("{count} minute ago", "{count} minutes ago", int(seconds // 60))
        if seconds < 86400:
            return self.n("{count} hour ago", "{count} hours ago", int(seconds // 3600))
        return self.n("{count} day ago", "{count} days ago", int(seconds // 86400))

    def clock(self, at: float, *, seconds: bool = False) -> str:
        """The time of day, 24 hours: 14:12 or 14:12:03."""
        return self._local(at).strftime("%H:%M:%S" if seconds else "%H:%M")

    def moment(self, at: float, now: float) -> str:
        """When: 14:12 for today, then yesterday at 14:12, then 20 November, 14:12; the year when it is another."""
        day, today = self._local(at).date(), self._local(now).date()
        if day == today:
            return self.clock(at)
        if day == today - timedelta(days=1):
            return self.t("yesterday at {time}", time=self.clock(at))
        pattern = "d MMMM" if day.year == today.year else "d MMMM y"
        date = format_date(day, format=pattern, locale=self._locale).replace(" ", NBSP)
        return self.t("{date}, {time}", date=date, time=self.clock(at))

    def since(self, at: float, now: float) -> str:
        """From when on: since 14:12, since yesterday at 14:12, since 20 November, 14:12."""
        if self._local(at).date() == self._local(now).date() - timedelta(days=1):
            return self.t("since yesterday at {time}", time=self.clock(at))
        return self.t("since {moment}", moment=self.moment(at, now))

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, tz=self.zone)
