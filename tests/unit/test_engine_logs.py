"""Log bytes become harmless lines with a stamp, a stream and a level."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubcore.adapters.engine_logs import Demultiplexer, LineAssembler, clean, level_of, line_of

STAMP = "2026-11-23T00:04:32.753665713Z"


def frame(payload: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[1;38;5;200mbold\x1b[m", "bold"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\after", "after"),
        ("\x1b(Bset", "set"),
        ("\x1b[2K\x1b[1Gline", "line"),
        ("\x9b31mC1", "C1"),
        ("tab\tstays", "tab\tstays"),
        ("bell\x07 nul\x00 del\x7f", "bell nul del"),
        ("10%\r20%\r\n", "10% 20% "),
        ("a\u2028b\x0bc\x85d", "a b c d"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("Привет ✓", "Привет ✓"),
        ("cut \x1b", "cut "),
    ],
)
def test_terminal_control_is_removed(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_cleaned_text_never_holds_control_or_breaks(raw: str) -> None:
    found = clean(raw)
    assert len(found.splitlines()) <= 1
    assert not any(c != "\t" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0) for c in found)


@pytest.mark.parametrize("piece", ["\x1b]", "\x1b[", "\x1bP", "\x1b", "\x9b", "\r"])
def test_hostile_text_is_cleaned_in_linear_time(piece: str) -> None:
    began = time.perf_counter()
    clean(piece * 200_000)
    assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("all is well", "info"),
        ("ERROR: relation does not exist", "error"),
        ("2026-01-01 00:00:00.000 UTC [1] FATAL:  password authentication failed", "error"),
        ("2026-01-01 00:00:00.000 UTC [1] LOG:  error rate is fine", "info"),
        ("2026-01-01 00:00:00 UTC [1] WARNING:  there is no transaction", "warning"),
        ('{"level":"error","msg":"x"}', "error"),
        ('{"msg": "an ERROR page was read", "level": "info"}', "info"),
        ('{"severity": "WARNING", "message": "x"}', "warning"),
        ('time="2026-01-01" level=warning msg="x"', "warning"),
        ("2026/01/01 00:00:00 [error] 7#7: *1 connect() failed", "error"),
        ("2026/01/01 00:00:00 [warn] 7#7: conflicting name", "warning"),
        ("2026/01/01 00:00:00 [notice] 1#1: start worker process", "info"),
        ("1:M 22 Nov 2026 12:00:00.000 # Server can't set maximum open files", "warning"),
        ("1:M 22 Nov 2026 12:00:00.000 * Ready to accept connections", "info"),
        ("1:C 22 Nov 2026 12:00:00.000 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo", "info"),
        ("1:C 22 Nov 2026 12:00:00.000 # Configuration loaded", "info"),
        ("1:M 22 Nov 2026 12:00:00.000 # Server initialized", "info"),
        ("1:M 22 Nov 2026 12:00:00.000 # User requested shutdown...", "info"),
        ("1:M 22 Nov 2026 12:00:00.000 # WARNING Memory overcommit must be enabled!", "warning"),
        ("INFO:     Uvicorn running, ERROR pages enabled", "info"),
        ("WARNING:root:careful", "warning"),
        ("CRITICAL disk", "error"),
        ("Traceback (most recent call last):", "error"),
        ("ValueError: wrong", "error"),
        ("panic: runtime error", "error"),
        ("error: cannot open", "error"),
        ("no errors were found", "info"),
        ("GET /error.html 200", "info"),
        ("terror in the library", "info"),
        ("", "info"),
    ],
)
def test_the_level_is_guessed(line: str, level: str) -> None:
    assert level_of(line) == level


def test_a_line_is_split_into_stamp_and_text() -> None:
    found = line_of(f"{STAMP} \x1b[31mERROR\x1b[0m \xff".encode("latin-1") + b"\xc3\n", "stderr")
    assert (found.stamp, found.stream, found.level) == (STAMP, "stderr", "error")
    assert found.text == "ERROR \ufffd\ufffd"
    assert found.at == pytest.approx(1795392272.7536657, abs=1e-6)


def test_a_line_without_a_stamp_and_an_empty_one() -> None:
    assert (line_of(b"no stamp", "stdout").stamp, line_of(b"no stamp", "stdout").at) == ("", None)
    assert line_of(f"{STAMP} \n".encode(), "stdout").text == ""


def test_streams_are_told_apart_and_partial_lines_joined() -> None:
    data = frame(b"one ") + frame(b"problem\n", 2) + frame(b"line\ntwo\nthr") + frame(b"ee")
    assembler = LineAssembler(tty=False)
    lines = [line for i in range(len(data)) for line in assembler.feed(data[i : i + 1])]  # byte by byte
    lines += assembler.finish()
    found = [(line.stream, line.text) for line in lines]
    assert found == [("stderr", "problem"), ("stdout", "one line"), ("stdout", "two"), ("stdout", "three")]


def test_a_long_line_that_the_engine_cut_is_whole_again() -> None:
    data = b"".join(frame(f"{STAMP} ".encode() + piece) for piece in (b"a" * 16384, b"b" * 16384, b"c\n"))
    (line,) = LineAssembler(tty=False).feed(data)
    assert line.text == "a" * 16384 + "b" * 16384 + "c"


def test_an_endless_line_is_cut() -> None:
    assembler = LineAssembler(tty=True)
    for _ in range(100):
        assert list(assembler.feed(b"x" * 10_000)) == []
    (line,) = assembler.feed(b"\n")
    assert len(line.text) == 65536


def test_a_terminals_log_has_no_frames() -> None:
    assert [line.text for line in LineAssembler(tty=True).feed(b"a\r\nb\r\n")] == ["a", "b"]


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 200 OK", b"\x01\x00\x00\x01\x00\x00\x00\x00", b"\x01\0\0\0\xff\xff\xff\xff"]
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a frame"):
        list(Demultiplexer().feed(data))
