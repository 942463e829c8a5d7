"""Colours, constant styles and pictures' colours; the rest of the look is in .streamlit/config.toml."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Palette:
    """Colours for what Streamlit's theme does not reach: pictures and charts."""

    text: str
    secondary: str
    hairline: str
    accent: str
    accent_fill: str
    good: str
    good_pale: str
    attention: str
    attention_text: str
    broken: str
    card: str
    neutral: str
    lines: tuple[str, ...]


LIGHT = Palette(
    text="#22242A",
    secondary="#625F59",
    hairline="#E4E1DB",
    accent="#3B55C6",
    accent_fill="#ECEFFB",
    good="#1E8A56",
    good_pale="#98CBB0",
    attention="#C77700",
    attention_text="#8A4B00",
    broken="#C8372D",
    card="#FFFFFF",
    neutral="#D8D4CC",
    lines=("#3B55C6", "#A3560F", "#15777B", "#8A4FBF", "#5F7A1F", "#B03A6B"),
)
DARK = Palette(
    text="#E8E6E1",
    secondary="#ABA79F",
    hairline="#2E3238",
    accent="#8FA3FF",
    accent_fill="#20264A",
    good="#4CBF85",
    good_pale="#2C6B4B",
    attention="#E0A040",
    attention_text="#F0BE72",
    broken="#EE7468",
    card="#1B1E23",
    neutral="#3A3F46",
    lines=("#8FA3FF", "#E0A370", "#57C3C7", "#C29BEB", "#A9C46C", "#E58BB0"),
)

# Constants only: nothing from outside may ever be put in here. tests/e2e checks that every hook still exists.
STYLE = """<style>
.stMainBlockContainer{max-width:1136px;padding-left:2.5rem;padding-right:2.5rem}
@media(max-width:640px){.stMainBlockContainer{padding-left:1rem;padding-right:1rem}}
[class*="st-key-card"]{background:light-dark(#FFFFFF,#1B1E23);
box-shadow:0 1px 2px light-dark(rgba(34,36,42,.04),rgba(0,0,0,.3))}
[class*="st-key-cardbad"]{border-color:light-dark(#EBC2BD,#6A322E)!important}
[class*="st-key-cardwarn"]{border-color:light-dark(#E6CE9F,#5E4822)!important}
.stMarkdown{font-variant-numeric:tabular-nums}
.stApp h1{letter-spacing:-.018em;padding:0;overflow-wrap:anywhere}
.stApp h2{padding:0}.stApp h3{padding:0 0 .7rem}[class*="st-key-card"] h3{padding:0 0 .25rem}
.stApp :is(h1,h2,h3) :is(small,[class*="stMarkdownSmallText"],[class*="stMarkdownColoredText"]){font-weight:400}
[class*="st-key-card"] [data-testid="stPageLink"] a{margin:0 -.5rem;padding:.1rem .5rem;width:calc(100% + 1rem)}
[class*="st-key-links"] [data-testid="stPageLink"] a{margin:0;padding:0;width:100%;background:none!important}
[class*="st-key-links"] [data-testid="stPageLink"] a :is(p,span){font-weight:400!important}
[data-testid="stPageLink"]{max-width:100%}[data-testid="stPageLink"] a>span{display:block;min-width:0}
[data-testid="stPageLink"] a p{overflow:hidden;text-overflow:ellipsis}
:is([class*="st-key-list"],[class*="st-key-row"]) [data-testid="stPageLink"] a p{font-size:1rem;overflow:hidden;
text-overflow:ellipsis;white-space:nowrap}
[class*="st-key-fill"] [data-testid="stImage"],[class*="st-key-fill"] [data-testid="stImageContainer"]{width:100%}
[class*="st-key-fill"] img{width:100%!important;display:block}[class*="st-key-fillday"] img{height:26px!important}
[class*="st-key-fill"] img,[class*="st-key-row"] img{border-radius:0}
[class*="st-key-row"] [data-testid="stImage"]{position:relative;top:-4px}
:is([class*="st-key-fill"],[class*="st-key-row"]) [data-testid="stElementToolbar"]{display:none}
[class*="st-key-step"] summary p,:is([class*="st-key-stepok"],[class*="st-key-steptodo"]) p{font-size:1rem}
[class*="st-key-step"] summary{padding-top:.35rem;padding-bottom:.35rem}
[class*="st-key-stepok"] [data-testid="stExpanderStepIcon"]{color:light-dark(#1E8A56,#4CBF85)}
[class*="st-key-stepbad"] [data-testid="stExpanderStepIcon"]{color:light-dark(#C8372D,#EE7468)}
[class*="st-key-stepnow"] [data-testid="stExpanderStepIcon"]{color:light-dark(#3B55C6,#8FA3FF)}
[data-testid="stButtonGroup"] button[data-selected="true"],
[data-testid="stButtonGroup"] button[data-selected="true"] p{color:light-dark(#2F46AB,#B3C0FF)!important}
[data-testid="stProgressBarTrack"]{background-color:light-dark(#E9E6E0,#2E3238)}
[data-testid="stDialog"]{background-color:light-dark(rgba(34,36,42,.38),rgba(0,0,0,.6))}
[class*="st-key-columns"]{padding:0 1rem;margin-bottom:-.6rem}
@media(min-width:641px){:is([class*="st-key-row"],[class*="st-key-columns"]){flex-wrap:nowrap!important}
:is([class*="st-key-row"],[class*="st-key-columns"])>:first-child{flex:1 1 0!important;min-width:0}
:is([class*="st-key-row"],[class*="st-key-columns"])>:not(:first-child){flex:none}}
@media(max-width:640px){[data-testid="stLayoutWrapper"]:has(>[class*="st-key-columns"]),[class*="st-key-row"]>:nth-child(4){display:none}
[class*="st-key-row"]>:nth-child(3){flex:1 1 0!important;min-width:0}[class*="st-key-row"]>:nth-child(2){flex:none}
[class*="st-key-row"]{padding:.15rem 0 .9rem;row-gap:0!important}
[class*="st-key-row"]>:has([data-testid="stPageLink"]){flex:1 1 100%!important}
[class*="st-key-row"] [data-testid="stPageLink"] a{line-height:1.5;padding:.25rem .5rem}
[class*="st-key-row"] [data-testid="stPageLink"] a p{white-space:normal!important;overflow-wrap:anywhere}
[data-testid="stMain"] [data-testid="stButtonGroup"] button{padding-left:.5rem;padding-right:.5rem}
[data-testid="stMain"] [data-testid="stButtonGroup"] button p{font-size:.8125rem}}
@media(hover:none){[data-testid="stLayoutWrapper"]:has(>[class*="st-key-mousehint"]){display:none}}
@media(pointer:coarse){[data-testid="stSidebarNavLink"],
[data-testid="stSidebar"] [data-testid="stButtonGroup"] button{min-height:40px}}
</style>"""


def palette() -> Palette:
    """The colours that go with the theme the browser shows now."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def apply_style() -> None:
    """Put the constant styles on the page."""
    st.html(STYLE)
