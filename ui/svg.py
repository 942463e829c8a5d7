"""Small pictures made of numbers and constants: trends, strips of the last 24 hours, the logo. Pure functions.

Each returns a complete SVG for `st.image`. Nothing but numbers goes in, so nothing from outside can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from .theme import Palette

Number = float | None

WORKS, ATTENTION, BROKEN, STOPPED = 0, 1, 2, 3


def _svg(width: float, height: float, body: str, stretch: bool) -> str:
    ratio = ' preserveAspectRatio="none"' if stretch else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}"{ratio}>{body}</svg>'
    )


def trend(values: Sequence[Number], colours: Palette, *, top: float = 100.0, colour: str | None = None) -> str:
    """A filled line from 0 to `top`; gaps where nothing was measured."""
    width, height = 240.0, 30.0
    line = colour or colours.accent
    step = width / max(len(values) - 1, 1)
    parts: list[str] = []
    for piece in _pieces(values):
        points = [(i * step, height - 1 - min(max(v / top, 0.0), 1.0) * (height - 3)) for i, v in piece]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        area = f"{points[0][0]:.1f},{height:g} {path} {points[-1][0]:.1f},{height:g}"
        parts.append(f'<polygon points="{area}" fill="{line}" fill-opacity=".1"/>')
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{line}" stroke-width="1.5" '
            'vector-effect="non-scaling-stroke"/>'
        )
    parts.append(f'<rect y="{height - 1:g}" width="{width:g}" height="1" fill="{colours.hairline}"/>')
    return _svg(width, height, "".join(parts), stretch=True)


def _pieces(values: Sequence[Number]) -> list[list[tuple[int, float]]]:
    """The stretches without a gap, as (index, value); a single point becomes a short line."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((index, value))
    return [piece if len(piece) > 1 else [piece[0], (piece[0][0] + 1, piece[0][1])] for piece in pieces if piece]


class Part(NamedTuple):
    """What a part of a period was like: the state it mostly had, and how much of it was trouble."""

    state: Number  # the most frequent of the untroubled ones; None where nothing is known or all of it was trouble
    trouble: Number  # ATTENTION or BROKEN, whichever is worse; None without
    share: float  # of what is known that was trouble, 0.0 to 1.0


def parts_of(codes: Sequence[Number], bins: int) -> list[Part]:
    """The codes of a period in `bins` equal parts. A second of trouble does not make a whole part one, nor vanish."""
    result = []
    for part in range(bins):
        first = part * len(codes) // bins
        chunk = codes[first : max((part + 1) * len(codes) // bins, first + 1)]
        counted = Counter(round(code) for code in chunk if code is not None)
        troubled = counted.pop(BROKEN, 0), counted.pop(ATTENTION, 0)
        known = sum(troubled) + counted.total()
        state = max(counted, key=counted.__getitem__) if counted else None
        worst = BROKEN if troubled[0] else ATTENTION if troubled[1] else None
        result.append(Part(state, worst, sum(troubled) / known if known else 0.0))
    return result


_HEIGHTS: dict[int | None, float] = {None: 0.14, WORKS: 0.45, STOPPED: 0.25, ATTENTION: 0.67, BROKEN: 1.0}
_LEAST_TROUBLE = 0.3  # of its full height: trouble is seen however short it was
_ABOVE = 0.15  # what is seen above it of the state there mostly was


def _ticks(part: Part, colours: Palette) -> list[tuple[float, str]]:
    """Heights (share) and colours of what is drawn for a part, from behind: states differ by height and by colour."""
    tint = {
        None: colours.neutral,
        WORKS: colours.good_pale,
        STOPPED: colours.secondary,
        ATTENTION: colours.attention,
        BROKEN: colours.broken,
    }
    state = None if part.state is None else round(part.state)
    if part.trouble is None:
        return [(_HEIGHTS.get(state, _HEIGHTS[None]), tint.get(state, colours.neutral))]
    worst = round(part.trouble)
    trouble = _HEIGHTS[worst] * max(part.share, _LEAST_TROUBLE), tint[worst]
    if state is None:
        return [trouble]
    return [(max(_HEIGHTS.get(state, 0.0), min(trouble[0] + _ABOVE, 1.0)), tint.get(state, colours.neutral)), trouble]


def strip(codes: Sequence[Number], colours: Palette, *, bins: int = 30) -> str:
    """The last hours as small ticks: pale: worked, coloured, the higher the longer: trouble, a stub: no data."""
    height, pitch, thick = 18.0, 6.0, 4.0
    body = [
        f'<rect x="{index * pitch:g}" y="{height * (1 - share):.1f}" width="{thick:g}" height="{height * share:.1f}" '
        f'rx="1" fill="{colour}"/>'
        for index, part in enumerate(parts_of(codes, bins))
        for share, colour in _ticks(part, colours)
    ]
    return _svg(bins * pitch, height, "".join(body), stretch=False)


def timeline(codes: Sequence[Number], colours: Palette) -> str:
    """The same as one wide band, neighbours that look alike drawn as one block."""
    width, height = 960.0, 26.0
    looks = [tuple(_ticks(part, colours)) for part in parts_of(codes, min(len(codes), 240) or 1)]
    step, body, start = width / len(looks), [], 0
    for look, alike in groupby(looks):
        length = len(list(alike))
        for share, colour in look:
            body.append(
                f'<rect x="{start * step:.1f}" y="{height * (1 - share):.1f}" '
                f'width="{max(length * step - 1, 1.5):.1f}" height="{height * share:.1f}" fill="{colour}"/>'
            )
        start += length
    return _svg(width, height, "".join(body), stretch=True)


MARK = (
    '<rect width="28" height="28" rx="7" fill="{fill}"/>'
    '<g fill="none" stroke="{ink}" stroke-width="2.6" stroke-linecap="round">'
    '<path d="M8.5 8v12M19.5 8v12M8.5 14h3.2M16.3 14h3.2"/></g><circle cx="14" cy="14" r="2.3" fill="{ink}"/>'
)


def mark(colours: Palette) -> str:
    """The sign of the dashboard: two posts joined by a hub."""
    ink = "#FFFFFF" if colours.accent == "#3B55C6" else "#15171B"
    return _svg(28, 28, MARK.format(fill=colours.accent, ink=ink), stretch=False)


def logo(colours: Palette) -> str:
    """The sign with the word “Hub”, drawn as strokes: a picture cannot use the page's font."""
    ink = "#FFFFFF" if colours.accent == "#3B55C6" else "#15171B"
    word = (
        f'<g transform="translate(38 0)" fill="none" stroke="{colours.text}" stroke-width="2" stroke-linecap="round" '
        'stroke-linejoin="round"><path d="M1 8v12M10 8v12M1 14h9M15 12v4.6a3.3 3.3 0 0 0 6.6 0V12M21.6 16v4M27 8v12"/>'
        '<circle cx="30.6" cy="16.2" r="3.7"/></g>'
    )
    return _svg(76, 28, MARK.format(fill=colours.accent, ink=ink) + word, stretch=False)
