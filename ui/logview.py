"""The list of log lines: an element of its own, for Streamlit's code box cannot mark words and is slow for long logs.

Lines are untrusted: they reach the page as text nodes only (`textContent`), never as markup. The list is changed at its
ends while it follows a log, so that a selection and the place one reads at stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from hubcore.models import LogLine
from hubcore.texts import Translator

from .markdown import plain, visible

LINE_LIMIT = 2000  # characters of one line on the page; the download has all of it

_STYLE = """
.hub-log{font:13px/1.55 var(--st-code-font,monospace);border:1px solid var(--st-border-color);border-radius:9px;
background:light-dark(#FFFFFF,#1B1E23);color:var(--st-text-color);overflow:auto;max-height:min(68vh,44rem);min-height:6rem}
.hub-log-row{display:grid;grid-template-columns:7.6rem 6.6rem minmax(0,1fr);padding:1px 14px;
border-left:3px solid transparent;white-space:pre;width:max-content;min-width:100%;box-sizing:border-box}
.hub-log.hub-wrap .hub-log-row{width:auto;white-space:pre-wrap;overflow-wrap:anywhere}
.hub-log-row>:nth-child(-n+2){color:light-dark(#625F59,#ABA79F)}
.hub-log-error{border-left-color:light-dark(#C8372D,#EE7468);background:light-dark(#FCEAE8,#2C1C1C)}
.hub-log-error>:nth-child(2){color:light-dark(#A3261E,#F7A199)}
.hub-log-warning{border-left-color:light-dark(#C77700,#E0A040);background:light-dark(#FDF1DC,#29241A)}
.hub-log-warning>:nth-child(2){color:light-dark(#8A4B00,#F0BE72)}
.hub-log mark{background:light-dark(#FFE08A,#7A5A00);
box-shadow:inset 0 0 0 1px light-dark(#E3B93A,#B98A10);color:inherit;border-radius:2px}
.hub-log-empty{padding:14px;color:light-dark(#625F59,#ABA79F);font-family:var(--st-font)}
@media(max-width:640px){.hub-log-row{grid-template-columns:auto minmax(0,1fr);column-gap:.6rem}
.hub-log-row>:nth-child(3){grid-column:1/-1}}
"""
_SCRIPT = """
const pad = (n, w = 2) => String(n).padStart(w, '0');
const clock = (ms) => { if (!ms) return ''; const d = new Date(ms);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}.${pad(d.getMilliseconds(), 3)}`; };
function fill(cell, text, query) {
  const found = query.toLowerCase(), lower = text.toLowerCase();
  if (!found || lower.length !== text.length) { cell.textContent = text; return; }
  let from = 0;
  for (let at = lower.indexOf(found); at >= 0; at = lower.indexOf(found, from)) {
    cell.append(text.slice(from, at));
    const mark = document.createElement('mark');
    mark.textContent = text.slice(at, at + found.length);
    cell.append(mark);
    from = at + found.length;
  }
  cell.append(text.slice(from));
}
function row([ms, level, text], data) {
  const line = document.createElement('div');
  line.className = 'hub-log-row hub-log-' + ['info', 'warning', 'error'][level];
  const [time, word, said] = [0, 1, 2].map(() => line.appendChild(document.createElement('span')));
  time.textContent = clock(ms);
  word.textContent = data.levels[level];
  fill(said, text, data.query);
  return line;
}
export default function ({ data, parentElement }) {
  const box = parentElement.querySelector('.hub-log');
  if (!box) return;
  box.classList.toggle('hub-wrap', data.wrap);
  box.setAttribute('aria-label', data.label);
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40 || !box.hubKeys;
  const keys = data.lines.map((line) => line.join('\\u0000'));
  const frame = JSON.stringify([data.query, data.levels, data.service]);
  const old = box.hubFrame === frame ? box.hubKeys ?? [] : [];
  const skip = keys.length ? old.indexOf(keys[0]) : -1;
  const same = skip >= 0 && old.slice(skip).every((key, index) => key === keys[index]);
  if (same) for (let i = 0; i < skip; i++) box.firstChild.remove();
  else box.replaceChildren();
  const kept = same ? old.length - skip : 0;
  box.append(...data.lines.slice(kept).map((line) => row(line, data)));
  box.hubKeys = keys; box.hubFrame = frame;
  if (!data.lines.length) {
    const empty = document.createElement('div');
    empty.className = 'hub-log-empty'; empty.textContent = data.empty;
    box.replaceChildren(empty); box.hubKeys = undefined;
  } else if (atEnd || !same) box.scrollTop = box.scrollHeight;
}
"""
_COMPONENT = st.components.v2.component(
    "hub_log",
    html="<div class='hub-log' role='log' aria-live='off' tabindex='0'></div>",
    css=_STYLE,
    js=_SCRIPT,
    isolate_styles=False,
)
# Control sequences of terminals (ECMA-48): CSI, OSC and the short ones.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_LEVELS = {"info": 0, "warning": 1, "error": 2}


def draw(lines: Sequence[LogLine], words: Translator, *, service: str, query: str, wrap: bool, empty: str) -> None:
    """Show lines, oldest first, with every occurrence of `query` marked; `empty` is said when there are none."""
    data = {
        "lines": [
            [round(line.at * 1000) if line.at else 0, _LEVELS.get(line.level, 0), plain_line(line.text)[:LINE_LIMIT]]
            for line in lines
        ],
        "levels": ["· " + words.t("normal"), "▲ " + words.t("attention"), "■ " + words.t("problem")],
        "query": query,
        "wrap": wrap,
        "empty": empty,
        "service": service,
        "label": words.t("Log of {name}", name=plain(service, 60)),
    }
    _COMPONENT(key="log_lines", data=data, height="content")


@lru_cache(maxsize=8192)
def plain_line(text: str) -> str:
    """A log line without the escape codes that colour it in a terminal, and without other invisible characters."""
    return visible(_ESCAPES.sub("", text))
