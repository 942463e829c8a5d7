"""Plotly figures as plain data: lines with gaps, bands of extremes, thresholds, events. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hubcore.texts import Translator

from .theme import Palette

Number = float | None


@dataclass(frozen=True)
class Line:
    """One line of a chart. Times are epoch seconds; None in `values` leaves a gap. `lows` and `highs` draw a band."""

    name: str
    times: Sequence[float]
    values: Sequence[Number]
    lows: Sequence[Number] = ()
    highs: Sequence[Number] = ()
    colour: str | None = None
    filled: bool = False


@dataclass(frozen=True)
class Mark:
    """A threshold (`value`) with its name, or an event (`at`)."""

    name: str = ""
    value: float | None = None
    at: float | None = None
    colour: str = ""


@dataclass
class _Ends:
    """Where the names of the lines go, pushed apart so that none covers another."""

    places: list[tuple[float, str, str]] = field(default_factory=list)

    def annotations(self, top: float) -> list[dict[str, Any]]:
        gap, last, result = top * 0.085, float("-inf"), []
        for value, name, colour in sorted(self.places):
            last = max(value, last + gap)
            result.append(
                {"x": 1, "xref": "paper", "xanchor": "left", "xshift": 6, "y": last, "yanchor": "middle",
                 "text": name, "showarrow": False, "font": {"color": colour, "size": 13}, "name": "line"}
            )  # fmt: skip
        return result


def figure(
    lines: Sequence[Line],
    colours: Palette,
    words: Translator,
    *,
    period: tuple[float, float],
    revision: str,
    suffix: str,
    top: float | None,
    marks: Sequence[Mark],
    names: bool,
) -> dict[str, Any]:
    """`{"data": […], "layout": {…}}` for Plotly."""
    highest = top if top is not None else _top(lines)
    traces: list[dict[str, Any]] = []
    ends = _Ends()
    for index, line in enumerate(lines):
        colour = line.colour or colours.lines[index % len(colours.lines)]
        if line.lows and line.highs:
            traces += _bands(line, colour)
        traces.append(_trace(line, colour, suffix, words))
        last = next((value for value in reversed(line.values) if value is not None), None)
        if names and last is not None:
            ends.places.append((last, _text(line.name), colour))
    longest = max((len(name) for _, name, _ in ends.places), default=0)
    layout = _layout(colours, words, period, highest, suffix, revision, min(28 + 7 * longest, 190) if names else 14)
    for mark in marks:
        _mark(layout, mark, colours)
    if names:
        layout["annotations"] += ends.annotations(highest)
    traces.append(_span(period))
    return {"data": traces, "layout": layout}


def _span(period: tuple[float, float]) -> dict[str, Any]:
    """An invisible line over the whole period. It makes the axis as long as the period although the axis sets its own
    range: a range given here would move with the time, and Plotly would take it for a wish to leave the zoom."""
    x = [round(at * 1000) for at in period]
    unseen = {"line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    return {"type": "scatter", "mode": "lines", "x": x, "y": [0, 0], **unseen}


def _text(value: str) -> str:
    """Untrusted words for Plotly, which reads a little HTML."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")[:40]


def _top(lines: Sequence[Line]) -> float:
    known = [value for line in lines for value in (*line.values, *line.highs) if value is not None]
    return max([*known, 0.0]) * 1.15 or 1.0


def _trace(line: Line, colour: str, suffix: str, words: Translator) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": _text(line.name),
        "showlegend": True,  # drawn on narrow screens only, where there is no room for names beside the lines
        "x": [round(at * 1000) for at in line.times],
        "y": [None if value is None else round(value, 3) for value in line.values],
        "connectgaps": False,
        "line": {"color": colour, "width": 1.6},
        "fill": "tozeroy" if line.filled else "none",
        "fillcolor": colour + "14",
        "hovertemplate": f"%{{y:.1f}}{suffix} · %{{x|%H:%M:%S}}<extra>{_text(line.name)}</extra>",
    }


def _bands(line: Line, colour: str) -> list[dict[str, Any]]:
    """A band from lowest to highest for each stretch without a gap."""
    bands: list[dict[str, Any]] = []
    stretch: list[tuple[int, float, float]] = []
    points = list(zip(line.times, line.lows, line.highs, strict=False))
    for at, low, high in [*points, (0.0, None, None)]:
        if low is not None and high is not None:
            stretch.append((round(at * 1000), round(low, 3), round(high, 3)))
        elif stretch:
            x = [at for at, _, _ in stretch] + [at for at, _, _ in reversed(stretch)]
            y = [high for _, _, high in stretch] + [low for _, low, _ in reversed(stretch)]
            bands.append(
                {"type": "scatter", "mode": "lines", "x": x, "y": y, "fill": "toself", "fillcolor": colour + "26",
                 "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
            )  # fmt: skip
            stretch = []
    return bands


def _layout(
    colours: Palette,
    words: Translator,
    period: tuple[float, float],
    top: float,
    suffix: str,
    revision: str,
    right: int,
) -> dict[str, Any]:
    days = (period[1] - period[0]) / 86400
    pattern = "%H:%M" if days <= 1.01 else "%d.%m" if days > 8 else "%d.%m %H:%M"
    axis = {"showline": False, "zeroline": False, "tickfont": {"size": 12, "color": colours.secondary}, "ticks": ""}
    return {
        "uirevision": revision,
        "margin": {"l": 52, "r": right, "t": 12, "b": 34},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": '"Source Sans", sans-serif', "size": 13, "color": colours.text},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": "zoom",
        "separators": ", " if words.language == "ru" else ".,",
        "xaxis": {
            **axis, "type": "date", "autorange": True, "tickformat": pattern,
            "showgrid": False, "nticks": 7, "hoverformat": "%H:%M", "ticklabelstandoff": 6,
        },
        "yaxis": {
            **axis, "range": [0, top], "fixedrange": True, "gridcolor": colours.hairline, "nticks": 4,
            "ticksuffix": suffix, "rangemode": "tozero", "ticklabelstandoff": 4,
        },
        "shapes": [],
        "annotations": [],
        "hoverlabel": {"font": {"size": 13}},
    }  # fmt: skip


def _mark(layout: dict[str, Any], mark: Mark, colours: Palette) -> None:
    colour = mark.colour or colours.attention
    if mark.value is not None:
        layout["shapes"].append(
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": mark.value, "y1": mark.value,
             "line": {"color": colour, "width": 1, "dash": "dash"}}
        )  # fmt: skip
        layout["annotations"].append(
            {"xref": "paper", "x": 0, "xanchor": "left", "y": mark.value, "yanchor": "bottom", "text": _text(mark.name),
             "showarrow": False, "font": {"size": 12, "color": colours.attention_text}, "bgcolor": colours.card}
        )  # fmt: skip
    if mark.at is not None:
        at = round(mark.at * 1000)
        layout["shapes"].append(
            {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": at, "x1": at,
             "line": {"color": colour, "width": 1, "dash": "dot"}}
        )  # fmt: skip
