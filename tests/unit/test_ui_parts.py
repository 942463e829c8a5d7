"""Pure parts of the pages: escaping, verdict, small pictures, chart data, log lines."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubcore.models import Condition, Container, EngineState, EngineStatus, LogLine, Series, text
from hubcore.texts import Translator
from tests.pages import samples
from ui import logs_page, logview, recent, svg
from ui.figures import Line, Mark, figure
from ui.judge import Mood, in_trouble, judge, version_of
from ui.markdown import escape, plain, told
from ui.theme import DARK, LIGHT, STYLE


@given(st.text(max_size=400))
def test_escaped_text_has_no_character_that_markdown_reads(value: str) -> None:
    escaped = escape(value)
    rest = escaped
    for character in r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~""":
        rest = rest.replace("\\" + character, "")
    assert not set(rest) & set("""!"#$%&'()*+,-./:;<=>?@[]^_`{|}~"""), escaped
    assert "\n" not in escaped


@pytest.mark.parametrize(
    "value", ["http://evil.test/x", "HTTPS://evil.test", "www.evil.test", "a@evil.test", "http://a@b.c"]
)
def test_addresses_do_not_become_links(value: str) -> None:
    """The patterns are those of GitHub's autolinks, which Streamlit applies after it has read the backslashes."""
    shown = re.sub(r"\\(.)", r"\1", escape(value))
    assert not re.search(r"(https?://|www(?=\.))[-.\w]+|[-.\w+]+@[-\w]+(\.[-\w]+)+", shown, re.IGNORECASE)
    assert shown.replace("\u2060", "") == value


OWN = text("Install it: https://docs.docker.com/engine/install/. Then run `docker info`.")


def test_what_the_program_wrote_itself_is_a_link_and_code() -> None:
    said = told(OWN, Translator("en"))
    assert "](https://docs.docker.com/engine/install/)" in said
    assert said.endswith("`docker info`\\.")
    assert "\u2060" not in said


@pytest.mark.parametrize("value", ["http://evil.test/x", "[a](http://evil.test)", "`x`", "**b**", "<b>", ":red[z]"])
def test_what_comes_from_outside_is_not_although_it_stands_in_a_sentence_of_ours(value: str) -> None:
    own = text("{name} is away: https://docs.docker.com/. Run `docker info {name}`.", name=value)
    said = told(own, Translator("en"))
    rest = re.sub(r"\\.", "", said.replace("](https://docs.docker.com/)", "").replace("[https", ""))
    rest = re.sub(r"`docker info [^`]*`", "", rest)  # within code nothing is read but a backtick
    assert not set(rest) & set("[]()<>*`:"), said
    assert told(None, Translator("en")) == ""


def test_invisible_characters_do_not_pass() -> None:
    assert plain("a\u202eb\u0000c\nd\u2066") == "a b c d"
    assert plain("x" * 400, 10) == "x" * 9 + "…"


MOODS = [
    (None, Mood.COLLECTING),
    (samples.well(), Mood.WELL),
    (samples.trouble(), Mood.TROUBLE),
    (samples.away(), Mood.AWAY),
    (samples.first_run(), Mood.FIRST_RUN),
    (samples.no_stack(), Mood.FIRST_RUN),
    (samples.snapshot([samples.service("db", "D", Condition.STOPPED)]), Mood.STOPPED),
    (samples.snapshot([samples.service("db", "D", Condition.BUSY)]), Mood.BUSY),
    (samples.snapshot([samples.service("db", "D", Condition.UNKNOWN)]), Mood.UNSURE),
    (samples.snapshot([], engine=EngineState(status=EngineStatus.CONNECTING)), Mood.COLLECTING),
]


@pytest.mark.parametrize(("snapshot", "mood"), MOODS, ids=[mood for _, mood in MOODS])
def test_the_verdict(snapshot: object, mood: Mood) -> None:
    assert judge(snapshot).mood == mood  # type: ignore[arg-type]


def test_only_what_answered_is_called_answered() -> None:
    assert judge(samples.well()).all_answered
    unchecked = samples.service("db", "D", health={"status": "assumed_healthy", "means": "none"})
    assert not judge(samples.snapshot([unchecked])).all_answered


def test_the_worst_comes_first() -> None:
    names = [service.name for service in in_trouble(samples.trouble().services.values())]
    assert names == ["litellm", "docling"]


@pytest.mark.parametrize(
    ("image", "label", "version"),
    [
        ("redis:7.2", "", "7.2"),
        ("r.io:5000/a/b", "", ""),
        ("r.io:5000/a/b:1@sha256:f", "", "1"),
        ("x:latest", "", ""),
        ("x:latest", "2.1.0", "2.1.0"),
        ("x:main", "main", ""),
        ("x:20240101", "", "20240101"),
        ("x:478d143870d2", "", ""),
        ("sha256:478d143870d2", "", ""),
        ("x:sha-478d143", "", ""),
        ("x:decade", "", "decade"),
        ("", "", ""),
    ],
)
def test_version_of_a_container(image: str, label: str, version: str) -> None:
    labels = {"org.opencontainers.image.version": label} if label else {}
    assert version_of(Container(id="1", name="x", image=image, labels=labels)) == version


def test_without_a_container_there_is_no_version() -> None:
    assert version_of(None) == ""


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_pictures_are_svg_for_any_values(colours: object) -> None:
    for values in ([], [None], [5.0], [None, 1.0, None, 2.0, 300.0], [0.0] * 60):
        for picture in (
            svg.trend(values, colours),
            svg.strip(values, colours),
            svg.timeline(values or [None], colours),
        ):
            assert ElementTree.fromstring(picture).tag.endswith("svg")
    ElementTree.fromstring(svg.logo(colours))


def test_a_part_of_a_period_is_what_it_mostly_was_and_trouble_is_never_left_out() -> None:
    nothing = (None, None, 0.0)
    assert svg.parts_of([0, 0, 2, 0, None, None], 3) == [(0, None, 0.0), (0, svg.BROKEN, 0.5), nothing]
    assert svg.parts_of([0, 0, 3, 1, 2, 2], 2) == [(0, None, 0.0), (None, svg.BROKEN, 1.0)]
    assert svg.parts_of([3, 3, 1, None], 1) == [(3, svg.ATTENTION, 1 / 3)]
    assert svg.parts_of([], 2) == [nothing, nothing]


def rectangles(picture: str) -> list[tuple[float, str]]:
    """(height, colour) of each, from behind."""
    return [(float(one.attrib["height"]), one.attrib["fill"]) for one in ElementTree.fromstring(picture)]


def test_a_mark_is_as_high_as_the_trouble_was_long() -> None:
    moment = rectangles(svg.strip([0] * 47 + [2], LIGHT, bins=1))
    half = rectangles(svg.strip([0] * 24 + [2] * 24, LIGHT, bins=1))
    whole = rectangles(svg.strip([2] * 48, LIGHT, bins=1))
    assert [colour for _, colour in moment] == [LIGHT.good_pale, LIGHT.broken]  # both are seen
    assert moment[0][0] > moment[1][0]
    assert moment[1][0] < half[1][0] < whole[0][0]
    assert [colour for _, colour in whole] == [LIGHT.broken]
    stopped = rectangles(svg.strip([3] * 40 + [2], LIGHT, bins=1))
    assert [colour for _, colour in stopped] == [LIGHT.secondary, LIGHT.broken]
    assert stopped[0][0] > stopped[1][0]
    assert [colour for _, colour in rectangles(svg.strip([0] * 40 + [3], LIGHT, bins=1))] == [LIGHT.good_pale]


def test_series_are_placed_by_time_and_gaps_stay_gaps() -> None:
    found = Series(entity="db", step=10.0, times=[100.0, 110.0, 180.0], values={"condition": [0.0, 2.0, 0.0]})
    assert recent.on_grid(found, "condition", 100.0, 200.0, 5) == [2.0, None, None, None, 0.0]
    assert recent.on_grid(found, "condition", 0.0, 50.0, 2) == [None, None]
    coarse = Series(entity="db", step=50.0, times=[100.0], values={"cpu": [7.0]})
    assert recent.on_grid(coarse, "cpu", 100.0, 200.0, 4) == [7.0, 7.0, None, None]


def drawing(lines: list[Line], **more: object) -> dict[str, list[dict[str, object]]]:
    options: dict[str, object] = {
        "period": (0.0, 3600.0),
        "revision": "r",
        "suffix": " %",
        "top": None,
        "marks": [],
        "names": True,
    }
    return figure(lines, LIGHT, Translator("ru"), **(options | more))  # type: ignore[arg-type]


def test_a_chart_leaves_gaps_and_keeps_its_revision() -> None:
    made = drawing([Line("a", [1.0, 2.0, 3.0], [1.0, None, 3.0])])
    assert made["data"][0]["y"] == [1.0, None, 3.0]
    assert made["data"][0]["connectgaps"] is False
    assert made["layout"]["uirevision"] == "r"  # type: ignore[call-overload]


def test_extremes_are_bands_for_each_stretch_without_a_gap() -> None:
    line = Line(
        "a", [1.0, 2.0, 3.0, 4.0], [2.0, 2.0, None, 2.0], lows=[1.0, 1.0, None, 1.0], highs=[3.0, 3.0, None, 3.0]
    )
    bands = [trace for trace in drawing([line])["data"] if trace.get("fill") == "toself"]
    assert [band["x"] for band in bands] == [[1000, 2000, 2000, 1000], [4000, 4000]]


def test_names_of_lines_do_not_cover_each_other_and_are_not_markup() -> None:
    lines = [Line("<b>x</b>", [1.0], [5.0]), Line("y", [1.0], [5.01]), Line("z", [1.0], [100.0])]
    notes = drawing(lines)["layout"]["annotations"]  # type: ignore[call-overload]
    places = [note["y"] for note in notes]
    assert min(b - a for a, b in pairwise(places)) > 5
    assert "&lt;b&gt;" in notes[0]["text"] + notes[1]["text"]


def test_thresholds_and_events_are_drawn() -> None:
    made = drawing([Line("a", [1.0], [1.0])], marks=[Mark("limit", value=85.0), Mark(at=1800.0)])
    assert len(made["layout"]["shapes"]) == 2  # type: ignore[call-overload]


LINES = [
    LogLine(at=1.0, stamp="1970-01-01T00:00:01Z", text="GET /health 200"),
    LogLine(at=2.0, stamp="1970-01-01T00:00:02Z", text="\x1b[31mFATAL\x1b[0m: Password wrong", level="error"),
    LogLine(at=3.0, stamp="1970-01-01T00:00:03Z", text="\tslow", level="warning"),
]


@pytest.mark.parametrize(
    ("query", "level", "found"),
    [
        ("", "all", 3),
        ("password", "all", 1),
        ("", "important", 2),
        ("", "problems", 1),
        ("health", "problems", 0),
        (".*", "all", 0),
    ],
)
def test_log_lines_that_fit(query: str, level: str, found: int) -> None:
    assert len(logs_page.pick(LINES, query, level)) == found


def test_a_downloaded_log_has_no_escape_codes() -> None:
    assert logs_page.as_file(LINES[1:]) == "1970-01-01T00:00:02Z FATAL: Password wrong\n1970-01-01T00:00:03Z     slow\n"
    assert logview.plain_line("\x1b]0;title\x07x\x1b[1;31my\x00") == "xy"


def test_file_names_are_harmless() -> None:
    assert logs_page.file_name("../../etc/passwd", "1") == "etc-passwd-1.log"
    assert logs_page.file_name("…", "1") == "service-1.log"


def test_styles_ask_for_nothing_from_outside() -> None:
    assert "url(" not in STYLE and "@import" not in STYLE
    assert STYLE.count("{") == STYLE.count("}")
