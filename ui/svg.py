"""Small pictures made of numbers and constants: trends, strips of the last 24 hours, the logo. Pure functions.

Each returns a complete SVG for `st.image`. Nothing but numbers goes in, so nothing from outside can.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def worst_of(codes: Sequence[Number], bins: int) -> list[Number]:
    """The codes of a period in `bins` equal parts, each with its worst; stopped counts less than broken."""
    rank = {WORKS: 0, STOPPED: 1, ATTENTION: 2, BROKEN: 3}
    result: list[Number] = []
    for part in range(bins):
        chunk = codes[part * len(codes) // bins : max((part + 1) * len(codes) // bins, part * len(codes) // bins + 1)]
        known = [round(code) for code in chunk if code is not None]
        result.append(max(known, key=lambda code: rank.get(code, 0)) if known else None)
    return result


def _tick(code: Number, colours: Palette) -> tuple[float, str]:
    """Height (share) and colour of one tick: states differ by height as well as by colour."""
    if code is None:
        return 0.14, colours.neutral
    return {
        WORKS: (0.45, colours.good_pale),
        ATTENTION: (0.67, colours.attention),
        BROKEN: (1.0, colours.broken),
        STOPPED: (0.25, colours.secondary),
    }.get(round(code), (0.14, colours.neutral))


def strip(codes: Sequence[Number], colours: Palette, *, bins: int = 30) -> str:
    """The last hours as small ticks: low: worked, two thirds: trouble, full: down, a stub: no data."""
    height, pitch, thick = 18.0, 6.0, 4.0
    body = []
    for index, code in enumerate(worst_of(codes, bins)):
        share, colour = _tick(code, colours)
        tall = height * share
        body.append(
            f'<rect x="{index * pitch:g}" y="{height - tall:.1f}" width="{thick:g}" height="{tall:.1f}" rx="1" '
            f'fill="{colour}"/>'
        )
    return _svg(bins * pitch, height, "".join(body), stretch=False)


def timeline(codes: Sequence[Number], colours: Palette) -> str:
    """The same as one wide band, neighbours of one state drawn as one block."""
    width, height = 960.0, 26.0
    worst = worst_of(codes, min(len(codes), 240) or 1)
    step = width / len(worst)
    body, start = [], 0
    for index in range(1, len(worst) + 1):
        if index < len(worst) and worst[index] == worst[start]:
            continue
        share, colour = _tick(worst[start], colours)
        tall = height * share
        body.append(
            f'<rect x="{start * step:.1f}" y="{height - tall:.1f}" width="{max((index - start) * step - 1, 1.5):.1f}" '
            f'height="{tall:.1f}" fill="{colour}"/>'
        )
        start = index
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
