"""The audit log: one entry one line, several processes, rotation, reading from the end, and trouble with the file."""

from __future__ import annotations

import logging
import multiprocessing
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubcore.adapters import auditlog
from hubcore.adapters.auditlog import MOST, AuditLog
from hubcore.adapters.files_lock import locked
from hubcore.audit_lines import LONGEST_LINE, line_of, parsed


@pytest.fixture
def audit(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "logs" / "security.log")


def record(audit: AuditLog, event: str = "event", **details: Any) -> None:
    audit.record(event, details, user="script", address="10.0.0.1", via="api")


def numbers(audit: AuditLog, limit: int = MOST) -> list[int]:
    return [entry["details"]["n"] for entry in audit.newest(limit)]


def test_an_entry(audit: AuditLog) -> None:
    assert audit.newest(10) == []
    record(audit, "command_requested", services=["redis"], n=1)
    (entry,) = audit.newest(10)
    at = datetime.fromisoformat(entry.pop("timestamp"))
    assert at.tzinfo is not None and abs((datetime.now().astimezone() - at).total_seconds()) < 60
    assert entry == {
        "event_type": "command_requested", "details": {"services": ["redis"], "n": 1},
        "user_ip": "10.0.0.1", "user": "script", "via": "api",
    }  # fmt: skip
    if sys.platform != "win32":
        assert audit.path.stat().st_mode & 0o777 == 0o600
        assert audit.path.parent.stat().st_mode & 0o777 == 0o700


def test_newest_first_and_no_more_than_asked_for(audit: AuditLog) -> None:
    for n in range(5):
        record(audit, n=n)
    assert numbers(audit) == [4, 3, 2, 1, 0]
    assert numbers(audit, 2) == [4, 3]
    assert numbers(audit, 0) == numbers(audit, -1) == []


def test_the_number_of_entries_is_capped(audit: AuditLog) -> None:
    audit.path.parent.mkdir()
    audit.path.write_bytes(line_of({"timestamp": "t", "event_type": "e", "details": {}}) * (MOST + 50))
    assert len(audit.newest(10**9)) == MOST


# --- lines

NASTY = 'x\n{"timestamp":"forged","event_type":"forged"}\r\u2028\u2029\x85\x0b\x0c\x00\x1b[2J\u202eevil\u2066\ud800'


def test_nothing_can_forge_a_line(audit: AuditLog) -> None:
    audit.record(
        NASTY, {NASTY: NASTY, "list": [NASTY], "deep": {"a": {"b": NASTY}}}, user=NASTY, address=NASTY, via=NASTY
    )
    record(audit, "after")
    raw = audit.path.read_bytes()
    assert raw.count(b"\n") == 2
    assert len(raw.decode().splitlines()) == 2, "some program takes another character for a line break"
    assert not re.search(rb"\\u00[01]|\\[nrtbf]", raw)
    after, entry = audit.newest(10)
    assert after["event_type"] == "after"
    assert all(value.isprintable() for name, value in entry.items() if name != "details")
    assert "\u202e" not in str(entry)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=20),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=30,
)


@given(st.dictionaries(st.text(), json_like), st.text())
def test_whatever_is_recorded_is_one_bounded_line_that_can_be_read(details: dict[str, Any], user: str) -> None:
    line = line_of({"timestamp": "t", "event_type": "e", "details": details, "user": user})
    assert len(line) <= LONGEST_LINE
    assert line.count(b"\n") == 1 and len(line.decode().splitlines()) == 1
    entry = parsed(line)
    assert entry is not None and entry["event_type"] == "e"


def test_too_much_is_left_out_and_the_line_says_so() -> None:
    many = {f"key {n}": "ü" * 500 for n in range(40)}
    entry = parsed(line_of({"timestamp": "t", "event_type": "e", "details": many, "user": "u" * 9999}))
    assert entry is not None
    assert entry["details"] == {"left_out": "too much to record"}
    assert len(entry["user"]) == 500


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b"1", b"\xff", b'{"event_type":"e"}', b'{"timestamp":1,"event_type":"e"}', b"{}" * 3],
)
def test_bad_lines_are_skipped(audit: AuditLog, line: bytes) -> None:
    record(audit, n=1)
    with audit.path.open("ab") as file:
        file.write(line + b"\n\n")
    record(audit, n=2)
    assert numbers(audit) == [2, 1]


def test_what_is_missing_in_an_old_line_is_empty(audit: AuditLog) -> None:
    audit.path.parent.mkdir()
    audit.path.write_text('{"timestamp":"t","event_type":"e","details":"?","user_ip":null}\n')
    assert audit.newest(1) == [
        {"timestamp": "t", "event_type": "e", "details": {}, "user_ip": "", "user": "", "via": ""}
    ]


def test_an_entry_after_one_that_was_cut_off_is_whole(audit: AuditLog) -> None:
    record(audit, n=1)
    with audit.path.open("ab") as file:
        file.write(b'{"timestamp":"t","event_')
    record(audit, n=2)
    assert numbers(audit) == [2, 1]


def test_a_line_of_megabytes_is_passed_over(audit: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditlog, "_BLOCK", 4096)
    for n, junk in enumerate((b"x" * 3_000_000, b"", b"y" * 20_000, b"z" * 5000)):
        record(audit, n=n)
        with audit.path.open("ab") as file:
            file.write(junk + b"\n")
    assert numbers(audit) == [3, 2, 1, 0]
    with audit.path.open("ab") as file:
        file.write(b"w" * 100_000)
    assert numbers(audit, 1) == [3]


@pytest.mark.parametrize("block", [1, 2, 7, 64, 257, 4096])
def test_every_line_comes_whole_whatever_the_blocks(
    audit: AuditLog, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(auditlog, "_BLOCK", block)
    for n in range(12):
        record(audit, n=n, more="ü" * n * 7)
    assert numbers(audit) == list(range(11, -1, -1))


# --- rotation


def test_files_are_rotated_and_read_across(tmp_path: Path) -> None:
    audit = AuditLog(tmp_path / "security.log", max_bytes=2000, kept=3)
    for n in range(100):
        record(audit, n=n)
    names = sorted(path.name for path in tmp_path.glob("security.log*"))
    assert names == ["security.log", *(f"security.log.{i}" for i in (1, 2, 3)), "security.log.lock"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.glob("security.log*"))
    found = numbers(audit)
    assert found == list(range(99, 99 - len(found), -1))
    assert 20 < len(found) < 100
    if sys.platform != "win32":
        assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("security.log*")} == {0o600}


def test_reading_goes_no_further_than_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = AuditLog(tmp_path / "security.log", max_bytes=2000, kept=3)
    for n in range(100):
        record(audit, n=n)
    opened: list[int] = []
    older = audit._older
    monkeypatch.setattr(audit, "_older", lambda number: (opened.append(number), older(number))[1])
    assert numbers(audit, 2) == [99, 98]
    assert opened == [0]


def test_a_file_renamed_while_reading_is_read_once(tmp_path: Path) -> None:
    audit = AuditLog(tmp_path / "security.log", max_bytes=100_000)
    for n in range(3):
        record(audit, n=n)
    lines = audit._lines()
    first = next(lines)
    audit.path.rename(tmp_path / "security.log.1")
    assert len([first, *lines]) == 3


def test_while_another_process_rotates_entries_go_on(tmp_path: Path) -> None:
    audit = AuditLog(tmp_path / "security.log", max_bytes=300)
    with locked(tmp_path / "security.log.lock", 0):
        for n in range(10):
            record(audit, n=n)
    assert audit.problem is None
    record(audit, n=10)
    assert numbers(audit) == list(range(10, -1, -1))
    assert (tmp_path / "security.log.1").exists()


def _record_many(path: Path, who: int) -> None:
    audit = AuditLog(path, max_bytes=20_000, kept=50)
    for n in range(200):
        audit.record("event", {"who": who, "n": n, "more": "x" * (n % 50)}, user="u", address="", via="api")


def test_several_processes_neither_mix_nor_lose_lines(tmp_path: Path) -> None:
    path = tmp_path / "security.log"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_record_many, args=(path, who)) for who in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    found = AuditLog(path, kept=50).newest(MOST)
    assert sorted((e["details"]["who"], e["details"]["n"]) for e in found) == [
        (who, n) for who in range(4) for n in range(200)
    ]
    lines = b"".join(file.read_bytes() for file in tmp_path.glob("security.log*")).splitlines()
    assert len(lines) == 800 and all(orjson.loads(line) for line in lines)


# --- trouble


def test_trouble_never_reaches_the_command_and_is_told(audit: AuditLog, caplog: pytest.LogCaptureFixture) -> None:
    record(audit, n=0)
    audit.path.unlink()
    audit.path.mkdir()
    with caplog.at_level(logging.ERROR):
        for n in range(3):
            record(audit, n=n)
    assert audit.problem is not None
    assert len(caplog.records) == 1
    assert audit.newest(5) == []
    audit.check()
    assert audit.problem is not None
    audit.path.rmdir()
    audit.check()
    assert audit.problem is None
    record(audit, n=9)
    last, gap = audit.newest(5)
    assert last["details"] == {"n": 9}
    assert (gap["event_type"], gap["details"]) == ("audit_gap", {"missed": 3})


def test_a_link_in_its_place_is_not_followed(audit: AuditLog, tmp_path: Path) -> None:
    audit.path.parent.mkdir()
    audit.path.symlink_to(tmp_path / "elsewhere")
    record(audit)
    assert audit.problem is not None
    assert not (tmp_path / "elsewhere").exists()


def test_what_cannot_be_json_breaks_nothing(audit: AuditLog) -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("odd")

    record(audit, odd=Odd())
    assert audit.problem is not None
    record(audit, fine=1)
    assert audit.problem is None


def test_a_disk_with_little_room_is_told_before_it_is_full(audit: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    audit.check()
    assert audit.problem is None
    monkeypatch.setattr(auditlog, "ROOM", 1 << 60)
    audit.check()
    assert audit.problem is not None and "full" in audit.problem.english()


FULL = """
import resource, sys
from pathlib import Path
from hubcore.adapters.auditlog import AuditLog
audit = AuditLog(Path(sys.argv[1]))
def record(n): audit.record("event", {"n": n}, user="u", address="", via="api")
record(0)
size = audit.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
record(1)
assert audit.problem is not None
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
record(2)
assert audit.problem is None
print([e["details"] for e in audit.newest(9)])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_write_that_is_cut_off_half_way(tmp_path: Path) -> None:
    """The kernel takes 20 bytes of a line and then no more, as on a disk that fills up."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "security.log")], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[{'n': 2}, {'missed': 1}, {'n': 0}]", done.stderr
