"""From the bytes of a container's log to `LogLine`s. Pure; everything in a log is untrusted.

Without a terminal the engine multiplexes the two streams into frames: one byte stream number, three of nothing, four of
length (big endian), payload (Docker Engine API, “Attach to a container”). With one it sends the bytes as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hubcore.models import LogLine

from .engine_parse import timestamp

MAX_LINE = 65536  # bytes; what is longer is cut, so that one endless line cannot fill the memory
MAX_FRAME = 64 * 1024 * 1024
STREAMS = {0: "stdout", 1: "stdout", 2: "stderr"}

# Escape sequences of terminals (ECMA-48): CSI, OSC, the other strings, two-byte ones. Each alternative ends at the next
# ESC at the latest, which keeps the search linear on hostile input.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|\x1b[ -/]*[0-~]?"
)
_BREAKS = re.compile("[\r\x0b\x0c\x85\u2028\u2029]+")
# C0 but the tab, DEL, C1, and the characters that turn the direction of text around.
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?")

_LEVELS = {
    "error": ("error", "err", "fatal", "critical", "crit", "panic", "severe", "emerg", "emergency", "alert"),
    "warning": ("warning", "warn"),
    "info": ("info", "information", "notice", "debug", "trace", "log", "verbose", "hint", "detail", "statement"),
}
_LEVEL_OF = {word: level for level, words in _LEVELS.items() for word in words}
_ANY = "|".join(sorted(_LEVEL_OF, key=len, reverse=True))
# In this order: a field that names the level, then a word that stands where levels stand, then telling phrases.
_FIELD = re.compile(rf'(?:^|[\s{{,"])"?(?:level|severity|lvl|levelname)"?\s*[=:]\s*"?({_ANY})\b', re.I)
_BRACKET = re.compile(rf"[\[(<|]\s*({_ANY})\s*[\])>|:]", re.I)
_WORD = re.compile(rf"\b({_ANY.upper()})\b")
_START = re.compile(rf"^\W*({_ANY})\s*:", re.I)
_REDIS = re.compile(r"^\d+:[MSCX] \d\d? \w{3} (?:\d{4} )?[\d:.]+ ([#*.-]) ")
# Redis writes these at its level for warnings at every start and end, though nothing is wrong.
_REDIS_ORDINARY = re.compile(
    r"oO0|Redis (?:version=|is starting|is now ready to exit)|Configuration loaded|Server initialized"
    r"|User requested shutdown"
)
_PHRASES = re.compile(
    r"^Traceback \(most recent call last\)|^\w[\w.]*(?:Error|Exception)(?::|$)|^panic: |segfault|^Killed$"
)
LEVEL_SEARCHED = 200  # characters from the start in which a level word counts


def clean(text: str) -> str:
    """Text without colours and other terminal control, and without any line break. Tabs stay."""
    if text.isprintable():
        return text
    return _CONTROLS.sub("", _BREAKS.sub(" ", _ESCAPES.sub("", text)))


def level_of(text: str) -> str:
    """A guess: "error", "warning" or "info" (also for what says nothing of itself)."""
    head = text[:LEVEL_SEARCHED]
    redis = _REDIS.match(head)
    if redis:
        ordinary = redis[1] != "#" or _REDIS_ORDINARY.match(head, redis.end())
        return "info" if ordinary else "warning"
    for pattern in (_FIELD, _BRACKET, _WORD, _START):
        found = pattern.search(head)
        if found:
            return _LEVEL_OF[found[1].lower()]
    return "error" if _PHRASES.search(head) else "info"


def line_of(raw: bytes, stream: str) -> LogLine:
    """One line: the engine's stamp, and the text made harmless. Invalid UTF-8 is replaced."""
    text = raw.decode("utf-8", "replace").rstrip("\r\n")
    found = _STAMP.match(text)
    stamp = found[1] if found else ""
    if found:
        text = text[found.end() :]
        if len(raw) > 16384:  # the engine cut the line into pieces of 16 KiB, each with the same stamp
            text = text.replace(f"{stamp} ", "")
    text = clean(text)
    return LogLine(at=timestamp(stamp), stamp=stamp, text=text, stream=stream, level=level_of(text))


class Demultiplexer:
    """Splits the engine's frames; `feed` returns the finished pieces as (stream number, payload)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Raises ValueError when the bytes are no frames."""
        self._buffer += data
        while len(self._buffer) >= 8:
            length = int.from_bytes(self._buffer[4:8], "big")
            if self._buffer[0] > 2 or self._buffer[1:4] != b"\0\0\0" or length > MAX_FRAME:
                raise ValueError("not a frame of the engine's stream format")
            if len(self._buffer) < 8 + length:
                return
            payload = bytes(self._buffer[8 : 8 + length])
            number = self._buffer[0]
            del self._buffer[: 8 + length]
            yield number, payload


class LineAssembler:
    """Joins the pieces of a log to lines, each stream for itself."""

    def __init__(self, *, tty: bool) -> None:
        self._frames = None if tty else Demultiplexer()
        self._partial: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}

    def feed(self, data: bytes) -> Iterator[LogLine]:
        """The lines that `data` finishes."""
        if self._frames is None:
            yield from self._split(data, "stdout")
            return
        for number, payload in self._frames.feed(data):
            yield from self._split(payload, STREAMS[number])

    def finish(self) -> Iterator[LogLine]:
        """What is left when the log ends without a line break."""
        for stream, rest in self._partial.items():
            if rest:
                yield line_of(bytes(rest), stream)
                rest.clear()

    def _split(self, data: bytes, stream: str) -> Iterator[LogLine]:
        rest = self._partial[stream]
        *whole, last = data.split(b"\n")
        for piece in whole:
            rest += piece[: MAX_LINE - len(rest)]
            yield line_of(bytes(rest), stream)
            rest.clear()
        rest += last[: MAX_LINE - len(rest)]
