"""Charts that keep their zoom while they refresh.

`st.plotly_chart` makes a new chart whenever a value changes, and the zoom is lost. This element hands the figure to
`Plotly.react` with a constant `uirevision` instead. plotly.js comes from the installed package through server.py; where
that does not run (`streamlit run app.py`), Streamlit's own chart is drawn.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from hubcore.texts import Translator

from .figures import Line, Mark, figure
from .theme import Palette

PLOTLY_URL: str | None = None  # set by server.py: where its own route serves plotly.js

_SCRIPT = """
const load = (url) => (window.__hubPlotly ??= new Promise((done, failed) => {
  const script = document.createElement('script');
  script.src = url; script.onload = () => done(window.Plotly);
  script.onerror = () => { window.__hubPlotly = undefined; failed(new Error('plotly.js did not load')); };
  document.head.append(script);
}));
// On a phone the names stand beneath the chart instead of beside it, and there is room for fewer times.
const fit = ({ data, layout }, width) => {
  if (!width || width > 480) return { data, layout };
  const named = layout.annotations.some((note) => note.name === 'line');
  return { data, layout: { ...layout,
    annotations: layout.annotations.filter((note) => note.name !== 'line'),
    margin: { ...layout.margin, r: 14, b: named ? 70 : layout.margin.b },
    xaxis: { ...layout.xaxis, nticks: 4 },
    showlegend: named,
    legend: { orientation: 'h', y: -0.16, x: 0, font: { size: 12 }, itemclick: false, itemdoubleclick: false },
  } };
};
export default function ({ data, parentElement }) {
  const place = parentElement.querySelector('.hub-plot');
  if (!place) return;
  place.style.height = data.height + 'px';
  place.setAttribute('role', 'img');
  place.setAttribute('aria-label', data.label);
  load(data.url).then((Plotly) => {
    if (!place.isConnected) return;
    const { data: lines, layout } = fit(data.figure, place.clientWidth);
    const config = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: 'reset' };
    Plotly.react(place, lines, layout, config);
  }).catch((error) => { place.textContent = data.missing; console.error(error); });
}
"""
_COMPONENT = st.components.v2.component(
    "hub_chart", html="<div class='hub-plot' style='width:100%'></div>", js=_SCRIPT, isolate_styles=False
)


def draw(
    key: str,
    lines: list[Line],
    colours: Palette,
    words: Translator,
    *,
    period: tuple[float, float],
    revision: str,
    label: str,
    suffix: str = "",
    top: float | None = None,
    height: int = 220,
    marks: list[Mark] | None = None,
    names: bool = False,
) -> None:
    """One chart. `revision`: while it stays the same, the reader's zoom is kept. `top`: fixed end of the scale.

    `suffix` follows every number of the scale, `marks` are thresholds and events, `names` writes each line's name at
    its right end, `label` says to a screen reader what is drawn.
    """
    drawing = figure(
        lines, colours, words, period=period, revision=revision, suffix=suffix, top=top, marks=marks or [], names=names
    )
    drawing["layout"]["height"] = height
    if PLOTLY_URL is None:
        st.plotly_chart(drawing, theme=None, config={"displayModeBar": False}, key=key)
        return
    data: dict[str, Any] = {
        "figure": drawing,
        "height": height,
        "label": label,
        "url": PLOTLY_URL,
        "missing": words.t("The chart could not be drawn. Reload the page to try again."),
    }
    _COMPONENT(key=key, data=data, height="content")
