"""Compose files are somebody else's text: read as plain text values, within bounds."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from hubcore.compose_file import merged, parse_compose
from hubcore.compose_yaml import BadYaml, Override, Reset, load

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
MERGE_BOMB = (
    "m: &m {"
    + ", ".join(f"k{n}: v" for n in range(40))
    + "}\n"
    + "".join(f"s{n}: {{<<: [{', '.join(['*m'] * 100)}]}}\n" for n in range(60))
)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("", None),
        ("a: 1\nb: 2024-02-30\nc: yes", {"a": "1", "b": "2024-02-30", "c": "yes"}),
        ("d: ~\ne:\nf: ''", {"d": None, "e": None, "f": ""}),
        ("a: !!int abc", {"a": "abc"}),
        ("a: !!python/object/apply:os.system ['true']", {"a": ["true"]}),
        ("a: &x {k: v}\nb: {<<: *x, l: w}", {"a": {"k": "v"}, "b": {"l": "w", "k": "v"}}),
        ("a: &x {k: v}\nc: {<<: [*x, {k: z, m: y}]}", {"a": {"k": "v"}, "c": {"k": "v", "m": "y"}}),
        ("? [1, 2]\n: x", {"?": "x"}),
        ("a: 1\n---\nb: 2", {"a": "1"}),
        ("a: " + "9" * 6000, {"a": "9" * 6000}),
    ],
)
def test_values_are_what_was_written(content: str, value: object) -> None:
    assert load(content) == value


def test_tags_of_compose_are_kept() -> None:
    found = load("a: !reset []\nb: !override {c: d}")
    assert isinstance(found["a"], Reset)
    assert isinstance(found["b"], Override) and found["b"].value == {"c": "d"}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("a: [", 1),
        ("a: b\n c: d", 2),
        ("a: *x", 1),
        ("a: &a [*a]", 1),
        ("\x00", None),
        ("[" * 80, 1),
        ("x" * 600_000, None),
    ],
)
def test_what_is_no_compose_file_is_refused_with_its_line(content: str, line: int | None) -> None:
    with pytest.raises(BadYaml) as refused:
        load(content)
    assert refused.value.line == line


def test_bombs_stay_small() -> None:
    data = load(BOMB + "services: {web: {image: *a59, labels: *a59, depends_on: *a59, env_file: *a59, profiles: *a59}}")
    assert parse_compose(data, path="x", variables={}).services["web"].image == ""
    assert merged([data, data])["services"]["web"]
    with pytest.raises(BadYaml, match="too many"):
        load(MERGE_BOMB)


def test_an_ordinary_file_reads_as_the_library_reads_it() -> None:
    content = (
        "services:\n  db: &base\n    image: postgres:16\n    labels: [a=b]\n  web:\n    <<: *base\n    image: nginx\n"
    )
    assert load(content) == YAML(typ="safe", pure=True).load(content)


BASE = """
name: one
services:
  web: {image: nginx, labels: [a=1], depends_on: [db], env_file: a.env, profiles: [x]}
  db: {image: postgres}
  old: {image: old}
"""
MORE = """
services:
  web: {labels: {b: 2}, depends_on: {cache: {condition: service_healthy}}, env_file: [b.env], profiles: !reset null}
  db: !override {container_name: data}
  old: !reset null
  new: {image: busybox}
"""


def test_an_override_file_is_merged_as_compose_does() -> None:
    stack = parse_compose(merged([load(BASE), load(MORE)]), path="x", variables={})
    web = stack.services["web"]
    assert (stack.project, web.image, web.labels, web.profiles) == ("one", "nginx", {"a": "1", "b": "2"}, ())
    assert web.depends_on == {"db": "service_started", "cache": "service_healthy"}
    assert web.env_files == ("a.env", "b.env")
    assert (stack.services["db"].image, stack.services["db"].container_name) == ("", "data")
    assert "old" not in stack.services and stack.services["new"].image == "busybox"
