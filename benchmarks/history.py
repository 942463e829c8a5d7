"""The history: writing a sample of 41 entities, reading a day and a month; a row per sample in SQLite beside it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from hubcore import series
from hubcore.adapters.history import History

from .measure import Result, compare, measure

NOW = 1_700_000_100.0
DAY = 86400.0
ENTITIES = 41
SAMPLES = int(DAY / 5)


def row(columns: tuple[str, ...]) -> dict[str, float | None]:
    """Invented figures."""
    return {name: random.random() * 100 for name in columns}


def run(directory: Path) -> Iterator[Result]:
    """All measurements of the history."""
    yield _write(directory / "write.sqlite3")
    history = History(directory / "read.sqlite3")
    for index in range(30 * 288):
        history.append(NOW - 31 * DAY + index * 300, {"db": row(series.SERVICE_COLUMNS)})
    plain = sqlite3.connect(directory / "plain.sqlite3")
    names = ", ".join(series.SERVICE_COLUMNS)
    plain.execute(f"CREATE TABLE sample (at REAL PRIMARY KEY, {names})")
    for index in range(SAMPLES):
        at, figures = NOW - DAY + index * 5, row(series.SERVICE_COLUMNS)
        history.append(at, {"db": figures})
        plain.execute("INSERT INTO sample VALUES (?" + ", ?" * len(figures) + ")", (at, *figures.values()))
    plain.commit()
    select = f"SELECT at, {names} FROM sample WHERE at BETWEEN ? AND ? ORDER BY at"
    columns = series.SERVICE_COLUMNS
    yield compare(
        "history: 24 h of 9 figures, 300 points",
        lambda: history.read("db", columns, NOW - DAY, NOW),
        "one row a sample, all rows fetched",
        lambda: plain.execute(select, (NOW - DAY, NOW)).fetchall(),
        times=50,
    )
    month = measure(lambda: history.read("db", columns, NOW - 30 * DAY, NOW), 30)
    yield Result("history: 30 days of 9 figures, 300 points", month)
    history.close()
    plain.close()


def _write(path: Path) -> Result:
    history = History(path)
    rows = {series.HOST: row(series.HOST_COLUMNS)}
    rows |= {f"service{index}": row(series.SERVICE_COLUMNS) for index in range(ENTITIES - 1)}
    times = iter(range(10_000))
    seconds = measure(lambda: history.append(NOW + next(times) * 5, rows), 600)
    history.close()
    return Result(f"history: writing one sample of {ENTITIES} entities", seconds)
