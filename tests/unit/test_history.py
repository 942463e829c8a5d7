"""The history on disk, with the real SQLite."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubcore.adapters.history import History
from hubcore.errors import BadRequest
from hubcore.series import HOST

NOW = 1_700_000_100.0  # the begin of a five-minute interval
DAY = 86400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state" / "history.sqlite3"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    history = History(path)
    yield history
    history.close()


def fill(history: History, start: float, seconds: float, every: float = 5.0, entity: str = "db") -> None:
    for index in range(int(seconds / every)):
        history.append(start + index * every, {entity: {"cpu_percent": float(index % 10), "condition": 0.0}})


def stored(path: Path, statement: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(statement).fetchone()[0])
    finally:
        connection.close()


def test_missing_file_reads_as_empty_and_is_not_made(history: History, path: Path) -> None:
    result = history.read("db", ["cpu_percent"], NOW - 100, NOW)
    assert result.times == []
    assert result.values == {"cpu_percent": []}
    assert not path.exists()
    assert history.size() == 0


def test_what_was_appended_is_read_at_once(history: History) -> None:
    history.append(NOW, {HOST: {"cpu_percent": 12.3, "load1": None}, "db": {"memory_usage": 16e9}})
    host = history.read(HOST, ["cpu_percent", "load1"], NOW - 10, NOW + 10)
    assert host.times == [NOW]
    assert host.values == {"cpu_percent": [12.3], "load1": [None]}
    assert history.read("db", ["memory_usage"], NOW - 10, NOW + 10).values["memory_usage"] == [16e9]


def test_another_instance_reads_what_the_first_writes(history: History, path: Path) -> None:
    reader = History(path)
    assert reader.read("db", ["cpu_percent"], NOW - 10, NOW + DAY).times == []
    for index in range(200):
        history.append(NOW + index * 5, {"db": {"cpu_percent": float(index)}})
        seen = reader.read("db", ["cpu_percent"], NOW - 10, NOW + 3000, 1000)
        assert seen.values["cpu_percent"] == [float(i) for i in range(index + 1)]
    reader.close()


def test_unknown_name_and_unknown_entity(history: History) -> None:
    history.append(NOW, {"db": {"cpu_percent": 1.0}})
    with pytest.raises(BadRequest, match="swap_percent"):
        history.read("db", ["swap_percent"], NOW - 10, NOW)
    assert history.read("nobody", ["cpu_percent"], NOW - 10, NOW).times == []
    assert history.read("db", ["cpu_percent"], NOW, NOW).times == []


def test_a_day_as_measured_a_month_as_intervals(history: History) -> None:
    fill(history, NOW - 2 * 3600, 2 * 3600)
    day = history.read("db", ["cpu_percent"], NOW - DAY, NOW, 5000)
    assert len(day.times) == 1440
    assert day.lows == {}
    month = history.read("db", ["cpu_percent"], NOW - 30 * DAY, NOW, 5000)
    assert month.step == 300
    assert len(month.times) == 24
    assert set(month.lows["cpu_percent"]) == {0.0}
    assert set(month.values["cpu_percent"]) == {4.5}
    assert set(month.highs["cpu_percent"]) == {9.0}


def test_the_interval_that_still_runs_is_in_the_month_too(history: History) -> None:
    history.append(NOW, {"db": {"cpu_percent": 3.0}})
    history.append(NOW + 5, {"db": {"cpu_percent": 5.0}})
    month = history.read("db", ["cpu_percent"], NOW - 30 * DAY, NOW + 10)
    assert month.times == [NOW]
    assert month.values["cpu_percent"] == [4.0]


def test_yesterdays_hour_is_read_from_the_intervals(history: History) -> None:
    fill(history, NOW - 3 * DAY, 3600)
    fill(history, NOW - 3600, 3600)
    history.prune(NOW)
    old = history.read("db", ["cpu_percent"], NOW - 3 * DAY, NOW - 3 * DAY + 3599)
    assert len(old.times) == 12
    assert old.step == 300


def test_pending_intervals_are_completed_after_a_restart(path: Path) -> None:
    first = History(path)
    fill(first, NOW, 400)
    first.close()
    assert stored(path, "SELECT count(*) FROM chunk") == 1
    second = History(path)
    second.append(NOW + 5000, {"db": {"cpu_percent": 1.0}})
    assert stored(path, "SELECT count(*) FROM chunk") == 2
    assert stored(path, "SELECT sum(length(times)) / 4 FROM rollup") == 2
    assert stored(path, "SELECT count(*) FROM journal") == 1
    result = second.read("db", ["cpu_percent"], NOW, NOW + 5000, 1000)
    assert len([v for v in result.values["cpu_percent"] if v is not None]) == 81
    assert result.values["cpu_percent"].count(None) == 1
    second.close()


def test_clock_set_back_makes_no_duplicates(history: History, path: Path) -> None:
    fill(history, NOW, 900)
    fill(history, NOW + 100, 900)  # 800 seconds back, and the same moments again
    result = history.read("db", ["cpu_percent"], NOW - 10, NOW + 2000, 1000)
    assert result.times == [NOW + 5 * i for i in range(200)]
    month = history.read("db", ["cpu_percent"], NOW - 30 * DAY, NOW + 2000, 1000)
    assert month.times == [NOW, NOW + 300, NOW + 600, NOW + 900]
    intervals = stored(path, "SELECT sum(length(times)) / 4 FROM rollup")
    assert intervals == stored(path, "SELECT count(*) FROM chunk")


def test_clock_set_back_beyond_the_samples_adds_to_the_interval(history: History) -> None:
    fill(history, NOW - 5 * DAY, 300)
    history.prune(NOW)
    history.append(NOW - 5 * DAY + 7, {"db": {"cpu_percent": 100.0}})
    history.append(NOW, {"db": {"cpu_percent": 1.0}})
    month = history.read("db", ["cpu_percent"], NOW - 10 * DAY, NOW, 5000)
    assert month.highs["cpu_percent"][0] == 100.0
    assert month.values["cpu_percent"][0] == pytest.approx((4.5 * 60 + 100) / 61, abs=0.01)


def test_prune_by_age_and_forgotten_entities(history: History, path: Path) -> None:
    fill(history, NOW - 40 * DAY, 3600, entity="gone")
    fill(history, NOW - 20 * DAY, 3600)
    history.append(NOW, {HOST: {"cpu_percent": 1.0}})
    history.prune(NOW)
    assert history.read("gone", ["cpu_percent"], NOW - 50 * DAY, NOW).times == []
    assert len(history.read("db", ["cpu_percent"], NOW - 30 * DAY, NOW, 5000).times) == 12
    assert stored(path, "SELECT count(*) FROM chunk") == 0
    assert stored(path, "SELECT count(*) FROM entity") == 2


def test_size_is_bounded_oldest_first_and_the_file_shrinks(path: Path) -> None:
    history = History(path, max_bytes=160_000)
    rows = {f"s{i}": {"cpu_percent": 1.0} for i in range(40)}
    for index in range(400):
        history.append(NOW + index * 60, rows)
    history.max_bytes = 10**9
    history.prune(NOW + 400 * 60)  # the write-ahead log goes into the file
    before = history.size()
    history.max_bytes = 160_000
    history.prune(NOW + 400 * 60)
    assert history.size() <= 160_000 + 32_768 < before  # 32 KiB of shared memory beside the file
    result = history.read("s7", ["cpu_percent"], NOW, NOW + 400 * 60, 1000)
    assert 0 < len(result.times) < 400
    assert result.times[-1] == NOW + 399 * 60
    history.close()


def test_forget_removes_one_entity(history: History) -> None:
    fill(history, NOW, 600)
    fill(history, NOW + 600, 600, entity="other")
    history.forget("db")
    history.forget("never seen")
    assert history.read("db", ["cpu_percent"], NOW - 10, NOW + 2000).times == []
    assert history.read("other", ["cpu_percent"], NOW - 10, NOW + 2000).times != []


def test_only_the_owner_may_read_the_files(history: History, path: Path) -> None:
    history.append(NOW, {"db": {"cpu_percent": 1.0}})
    modes = {part.name: stat.S_IMODE(part.stat().st_mode) for part in path.parent.iterdir()}
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("damage", ["garbage", "hole", "short", "foreign"])
def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = History(path)
    fill(first, NOW, 3000)
    first.close()
    content = path.read_bytes()
    if damage == "garbage":
        path.write_bytes(b"not a database at all" * 1000)
    elif damage == "hole":
        path.write_bytes(content[:8192] + b"\xa5" * 16384 + content[24576:])
    elif damage == "short":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.unlink()
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE mine (a)")
        other.close()
    damaged = path.read_bytes()
    second = History(path)
    second.append(NOW + 9000, {"db": {"cpu_percent": 7.0}})
    assert second.problem is None
    assert second.read("db", ["cpu_percent"], NOW, NOW + 9001).values["cpu_percent"] == [7.0]
    second.close()
    kept = [part for part in path.parent.glob("history.sqlite3.damaged-*") if not part.name.endswith(("-wal", "-shm"))]
    assert [part.read_bytes() for part in kept] == [damaged]
    assert "damaged" in caplog.text


def test_damage_while_running_is_survived(history: History, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(history, NOW, 3000)
    history.read("db", ["cpu_percent"], NOW, NOW + 3000)
    history.prune(NOW)  # all of it in the file, nothing in the log
    path.write_bytes(b"\xa5" * path.stat().st_size)
    assert history.read("db", ["cpu_percent"], NOW, NOW + 4000).times == []
    history.append(NOW + 3000, {"db": {"cpu_percent": 1.0}})
    assert history.problem is None
    assert history.read("db", ["cpu_percent"], NOW, NOW + 4000).times == [NOW + 3000]
    assert "damaged" in caplog.text


def test_a_removed_file_is_begun_anew(history: History, path: Path) -> None:
    history.append(NOW, {"db": {"cpu_percent": 1.0}})
    history.read("db", ["cpu_percent"], NOW - 1, NOW + 1)
    for part in path.parent.iterdir():
        part.unlink()
    history.append(NOW + 5, {"db": {"cpu_percent": 2.0}})
    assert history.read("db", ["cpu_percent"], NOW - 1, NOW + 10).values["cpu_percent"] == [2.0]


def test_trouble_with_the_disk_is_told_once_and_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "not there yet"
    history = History(blocked / "history.sqlite3")
    for index in range(3):
        history.append(NOW + index, {"db": {"cpu_percent": 1.0}})
    assert history.problem is not None
    assert caplog.text.count("not recorded") == 1
    blocked.mkdir()
    history.append(NOW + 10, {"db": {"cpu_percent": 1.0}})
    assert history.problem is None
    history.close()


def test_a_full_disk_is_told_in_plain_words(history: History, path: Path) -> None:
    history.append(NOW, {"db": {"cpu_percent": 1.0}})
    writer = history._writer
    assert writer is not None
    writer.execute("PRAGMA max_page_count = 1")  # SQLite's own way to have no room left
    history.append(NOW + 5, {f"service{number}": {"cpu_percent": 1.0} for number in range(300)})
    assert history.problem is not None
    assert "the disk is full" in history.problem.english()
    writer.execute("PRAGMA max_page_count = 1000000")
    history.append(NOW + 900, {"db": {"cpu_percent": 1.0}})
    assert history.problem is None


@pytest.mark.parametrize("garbage", [b"abc", b"", "text", b"\x00" * 4])
@pytest.mark.parametrize("table", ["chunk", "rollup", "journal"])
def test_a_row_of_garbage_costs_no_more_than_itself(
    history: History, path: Path, table: str, garbage: bytes | str
) -> None:
    fill(history, NOW, 330)
    planted = sqlite3.connect(path)
    planted.execute(f"UPDATE {table} SET data = ?", (garbage,))
    planted.commit()
    planted.close()
    fill(history, NOW + 330, 400)
    assert history.problem is None
    for span in (800.0, 40 * 3600.0):
        values = history.read("db", ["cpu_percent"], NOW + 730 - span, NOW + 730).values["cpu_percent"]
        assert values and values[-1] is not None
    assert not list(path.parent.glob("*.damaged-*"))


def test_readers_are_neither_blocked_nor_block(history: History, path: Path) -> None:
    history.append(NOW, {"db": {"cpu_percent": 1.0}})
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM journal")
    begun = time.monotonic()
    assert history.read("db", ["cpu_percent"], NOW - 1, NOW + 1).values["cpu_percent"] == [1.0]
    assert time.monotonic() - begun < 0.2
    writer.execute("ROLLBACK")
    writer.close()
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM journal").fetchall()
    begun = time.monotonic()
    history.append(NOW + 5, {"db": {"cpu_percent": 2.0}})
    assert time.monotonic() - begun < 0.2
    reader.close()
    assert history.problem is None


def test_many_threads_read_while_one_writes(history: History) -> None:
    history.append(NOW, {"db": {"cpu_percent": 0.0}})
    wrong: list[object] = []
    done = threading.Event()

    def look() -> None:
        last = 0
        while not done.is_set():
            count = len(history.read("db", ["cpu_percent"], NOW - 1, NOW + 5000, 5000).times)
            if count < last:
                wrong.append((last, count))
            last = count

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for index in range(1, 400):
        history.append(NOW + index, {"db": {"cpu_percent": 0.0}})
    done.set()
    for thread in threads:
        thread.join(10)
    assert wrong == []
    assert len(history.read("db", ["cpu_percent"], NOW - 1, NOW + 5000, 5000).times) == 400


WRITER = """
import sys
from pathlib import Path
from hubcore.adapters.history import History
history = History(Path(sys.argv[1]))
at, index = float(sys.argv[2]), 0
while True:
    history.append(at + index * 5, {f"s{i}": {"cpu_percent": float(index)} for i in range(20)})
    print(index, flush=True)
    index += 1
"""


@pytest.mark.parametrize("after", [3, 59, 60, 61, 133])
def test_killed_while_writing_loses_at_most_the_last_sample(path: Path, after: int) -> None:
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(NOW)], stdout=subprocess.PIPE, cwd=root)
    assert process.stdout is not None
    told = -1
    while told < after:
        told = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    rest = process.stdout.read().split()
    process.stdout.close()
    told = int(rest[-1]) if rest and rest[-1].isdigit() else told
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    history = History(path)
    values = history.read("s3", ["cpu_percent"], NOW, NOW + DAY, 5000).values["cpu_percent"]
    assert values[: told + 1] == [float(i) for i in range(told + 1)]
    assert len(values) - (told + 1) in (0, 1)  # one may have been written and not told any more
    history.append(NOW + 80000, {"s3": {"cpu_percent": 1.0}})
    assert history.problem is None
    history.close()
