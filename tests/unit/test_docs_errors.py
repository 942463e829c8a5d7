"""docs/errors.md lists every error code with its status, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import api_sidecar.errors
import api_sidecar.lifecycle
import hubcore.errors
from hubcore.errors import HubError

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| (\d+) \| (.+?) \| (.+?) \|$", DOCUMENT, re.MULTILINE)
EXIT_CODES = {"settings": 2, "port_taken": 3}
IMPORTED = (api_sidecar.errors, api_sidecar.lifecycle)  # so that their errors are in the tree


def tree(root: type[HubError]) -> Iterator[type[HubError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def own() -> list[type[HubError]]:
    """All exceptions of the program; not those that a test made."""
    return [error for error in tree(HubError) if error.__module__.split(".")[0] in ("hubcore", "api_sidecar")]


def test_every_code_is_documented_with_its_status_and_nothing_else() -> None:
    status = {error.code: EXIT_CODES.get(error.code, error.status) for error in own()}
    assert {code: int(shown) for code, shown, _, _ in ROWS} == status
    assert len(ROWS) == len(status), "a code stands twice"
    assert DOCUMENT.count("\n| `") == len(ROWS), "a row is not formatted as the others"


def test_every_row_says_what_it_means_and_what_to_do() -> None:
    for code, _, meaning, advice in ROWS:
        assert meaning.endswith(".") and advice.endswith("."), code


def test_each_kind_of_error_has_a_code_of_its_own() -> None:
    # A subclass that only adds data (such as the Allow header) speaks with its parent's code.
    kinds = [error for error in own() if "code" in vars(error)]
    codes = [error.code for error in kinds]
    assert sorted(codes) == sorted(set(codes))


def test_the_tree_at_the_top_of_errors_py_is_complete() -> None:
    drawn = set(re.findall(r"\b([A-Z]\w+)\b", str(hubcore.errors.__doc__).split("\n\n", 1)[1]))
    assert {error.__name__ for error in own() if error.__module__ == "hubcore.errors"} <= drawn
