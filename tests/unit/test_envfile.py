"""Env files: parsing as the API promises, and merging that touches nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubcore.envfile import is_open, merge, parse, redraw, spread

PIECES = st.sampled_from(
    ["\n", "\r\n", "\r", "A", "=", "B", " ", "#", '"', "'", "\\", "\ufeff", "\t", "C=x", "export "]
)
TEXTS = st.lists(PIECES, max_size=14).map("".join)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("# A=1\n\n   \nA=1", {"A": "1"}),
        ("  # indented=1\n", {}),
        (" A = 1 \n", {"A": "1"}),
        ("A=b=c==\n", {"A": "b=c=="}),
        ("A=\nB=  \n", {"A": "", "B": ""}),
        ("A=\"quoted value\"\nB='x'\n", {"A": '"quoted value"', "B": "'x'"}),
        ("A=1 # no comment here\n", {"A": "1 # no comment here"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("NO_VALUE\nA=1\n", {"A": "1"}),
        ("=x\n", {}),
        ("export A=1\n", {"export A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("\ufeffA=1\n", {"A": "1"}),
        ("A=x\u2028B=y\n", {"A": "x\u2028B=y"}),
    ],
)
def test_parsing(text: str, found: dict[str, str]) -> None:
    assert parse(text) == found


@pytest.mark.parametrize(
    ("text", "changes", "merged"),
    [
        ("A=1\nB=2\n", {"B": "3"}, "A=1\nB=3\n"),
        ("# c\n\n A = 1 \nB=2", {"A": "9"}, "# c\n\n A = 9 \nB=2"),
        ("A=1\nA=2\n", {"A": "3"}, "A=1\nA=3\n"),
        ("A=1\r\nB=2\r\n", {"A": "3", "N": "4"}, "A=3\r\nB=2\r\nN=4\r\n"),
        ("A=1", {"N": "2"}, "A=1\nN=2"),
        ("A=1\r\nB=2", {"N": "3"}, "A=1\r\nB=2\r\nN=3"),
        ("", {"N": "2", "M": "3"}, "N=2\nM=3\n"),
        ("\ufeff", {"N": "2"}, "\ufeffN=2\n"),
        ("A=\n", {"A": "x"}, "A=x\n"),
        ("A=x\n", {"A": ""}, "A=\n"),
        ("A=1\n", {"A": "  2\t"}, "A=2\n"),
        ("A=1\n", {}, "A=1\n"),
        ("#A=1\n", {"A": "2"}, "#A=1\nA=2\n"),
    ],
)
def test_merging(text: str, changes: dict[str, str], merged: str) -> None:
    assert merge(text, changes) == merged


@given(TEXTS, st.text("xyz ", max_size=4))
def test_merging_changes_what_it_should_and_nothing_else(text: str, value: str) -> None:
    before = parse(text)
    assert merge(text, {}) == merge(text, before) == text
    after = merge(text, {"A": value, "NEW": "n"})
    assert parse(after) == {**before, "A": value.strip(), "NEW": "n"}
    old_lines, new_lines = text.split("\n"), after.split("\n")
    kept = [a for a, b in zip(old_lines, new_lines, strict=False) if a == b or a + "\r" == b]
    assert len(old_lines) - len(kept) <= 1 or text == ""
    assert redraw(text, lambda key, value: value) == text


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ('A="one\ntwo=x"\nB=1\n', {"A", "two"}),
        ("A='one\ntwo'\nB=1\n", {"A"}),
        ('A="one"\nB="two"\n', set()),
        ('A="never closed\nB=1\n', set()),
        ('A="a \\" b\nC=1"\n', {"A", "C"}),
    ],
)
def test_values_over_several_lines(text: str, keys: set[str]) -> None:
    assert spread(text) == keys


def test_a_quotation_mark_that_is_not_closed() -> None:
    assert is_open('"a') and is_open("'") and is_open('"a\\"')
    assert not is_open('"a"') and not is_open("a'") and not is_open("")
