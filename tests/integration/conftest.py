"""Everything in this folder runs against a real Docker engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hubcore.adapters.engine import Engine

from .boxes import Box, boxes

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.engine)


@pytest.fixture
def engine() -> Iterator[Engine]:
    """The adapter on the real engine."""
    with closing(Engine(read_timeout=10)) as found:
        yield found


@pytest.fixture
def box(engine: Engine) -> Iterator[Box]:
    """`box(*command, options=())` starts a container; all are removed after the test."""
    yield from boxes(engine)
