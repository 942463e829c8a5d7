"""docs/api.md lists every address of the API, and nothing else, and shows how to ask each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api_sidecar.app import routes
from api_sidecar.openapi import path_of
from api_sidecar.route import Route

from .sidecar_kit import bench

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^curl (.*)$", DOCUMENT.split("## Examples")[1].split("\n## ")[0], re.MULTILINE)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Route]]:
    with bench(monkeypatch) as made:
        yield routes(made.hub)


def documented() -> set[tuple[str, str]]:
    """The addresses of the table; a cell may name several that differ in their last part."""
    found: set[tuple[str, str]] = set()
    for method, cell in re.findall(r"^\| `(GET|POST) (.+?) \|", DOCUMENT, re.MULTILINE):
        first, *others = re.findall(r"[^`, ]+", cell)
        found |= {(method, first)} | {(method, first.rsplit("/", 1)[0] + "/" + other) for other in others}
    return found


def asked() -> list[tuple[str, str]]:
    """Method and path of each curl command."""
    found = []
    for command in EXAMPLES:
        address = re.search(r"\$api(/[^\s\"?]*)", command)
        assert address, command
        found.append(("POST" if "-X POST" in command else "GET", address[1]))
    return found


def test_every_address_is_documented_and_nothing_else(table: list[Route]) -> None:
    assert documented() == {(r.method, path_of(r.rule).replace("{operation_id}", "{id}")) for r in table}


def test_every_address_has_an_example_and_no_example_asks_for_another(table: list[Route]) -> None:
    rules = {(r.method, r.rule): re.compile(re.sub("<[^>]*>", "[^/]+", r.rule)) for r in table}
    shown: set[tuple[str, str]] = set()
    for method, path in asked():
        matching = {key for key, rule in rules.items() if key[0] == method and rule.fullmatch(path)}
        assert matching, f"{method} {path} is no address"
        shown |= matching
    assert shown == set(rules)
