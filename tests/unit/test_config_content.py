"""YAML and JSON of configuration files: what they say, and what is refused before it grows."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubcore.config_content import LONGEST, Unreadable, kind_of, parsed


@pytest.mark.parametrize(
    ("path", "kind"),
    [("a/b.yml", "yaml"), ("x.YAML", "yaml"), ("c.json", "json"), ("nginx.conf", "text"), ("yml", "text")],
)
def test_kinds(path: str, kind: str) -> None:
    assert kind_of(path) == kind


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", None),
        ("# nothing\n", None),
        ("a: 1\nb: [x, true, null, 1.5]\n", {"a": 1, "b": ["x", True, None, 1.5]}),
        ("a: &x {k: 1}\nb: *x\n", {"a": {"k": 1}, "b": {"k": 1}}),
        ("a: &x {k: 1}\nb: {<<: *x, l: 2}\n", {"a": {"k": 1}, "b": {"k": 1, "l": 2}}),
        ("a: 2001-01-02\nb: .nan\nc: .inf\n", {"a": "2001-01-02", "b": None, "c": None}),
        ("2: a\ntrue: b\nnull: c\n? [1, 2]\n: d\n", {"2": "a", "true": "b", "null": "c", "[1,2]": "d"}),
        ("a: 123456789012345678901234567890\n", {"a": "123456789012345678901234567890"}),
        ("- &a x\n- &a y\n- *a\n", ["x", "y", "y"]),
    ],
)
def test_yaml(content: str, found: Any) -> None:
    assert parsed("yaml", content) == found
    assert orjson.loads(orjson.dumps(parsed("yaml", content))) == found


BOMB = "a: &a [x, x]\n" + "".join(f"k{i}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12))
MERGES = "a: &a {x: 1}\n" + "".join(
    f"k{i}: &{chr(98 + i)} {{<<: [{','.join(['*' + chr(97 + i)] * 9)}]}}\n" for i in range(12)
)
LONG_SCALAR = "a: &a " + "x" * 50_000 + "\nb: [" + ", ".join(["*a"] * 1000) + "]\n"


@pytest.mark.parametrize(
    ("kind", "content", "word"),
    [
        ("yaml", "a: b: c", "line 1"),
        ("yaml", "a: [b", "not valid YAML"),
        ("yaml", "a: 1\na: 2", "been there before"),
        ("yaml", "- a\n---\n- b", "not valid YAML"),
        ("yaml", "a: *nothing", "not valid YAML"),
        ("yaml", "a: !!python/object/apply:os.system [id]", "tags"),
        ("yaml", "a: !mine b", "tags"),
        ("yaml", "!!map {a: b}", "tags"),
        ("yaml", "! a", "tags"),
        ("yaml", "a: \x07", "cannot be read"),
        ("yaml", "a: 2001-99-99", "cannot be read"),
        ("yaml", BOMB, "aliases stand for too much"),
        ("yaml", MERGES, "aliases stand for too much"),
        ("yaml", LONG_SCALAR, "aliases stand for too much"),
        ("yaml", "&a [*a]", "contains it"),
        ("yaml", "[" * 60 + "]" * 60, "levels"),
        ("yaml", "[" * 50_000, "levels"),
        ("yaml", "- " * 40_000, "levels"),
        ("yaml", "{a: " * 25_000, "levels"),
        ("yaml", "a: " + "x" * LONGEST, "longer than"),
        ("json", "", "not valid JSON"),
        ("json", "{'a': 1}", "column 2"),
        ("json", "NaN", "not valid JSON"),
        ("json", "[" * 60 + "]" * 60, "levels"),
        ("json", "[" * 100_000, "not valid JSON"),
    ],
)
def test_what_is_refused(kind: str, content: str, word: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parsed(kind, content)
    reason = caught.value.reason("some/file").english()
    assert word in reason and "some/file" in reason


def test_the_reason_holds_nothing_of_the_content() -> None:
    for content in (
        "a: hidden\na: hidden",
        "key: hidden: hidden",
        "hidden: [",
        "a: *hidden",
        "- &a hidden\n- &a x\n- ]",
    ):
        with pytest.raises(Unreadable) as caught:
            parsed("yaml", content)
        assert "hidden" not in caught.value.reason("f").english()


@pytest.mark.parametrize("piece", ["a: b\n", "- [a]\n", "[a, ", "- &a x\n"])
def test_no_small_text_takes_long(piece: str) -> None:
    content = (piece * (LONGEST // len(piece)))[:LONGEST]
    began = time.process_time()
    with contextlib.suppress(Unreadable):
        parsed("yaml", content)
    assert time.process_time() - began < 20, "seconds of this process, where an unbounded one takes minutes"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(JSON)
def test_json_is_what_it_was(value: Any) -> None:
    assert parsed("json", orjson.dumps(value).decode()) == value
