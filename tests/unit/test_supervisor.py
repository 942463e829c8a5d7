"""The supervisor with small real programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hubcore import process_life
from hubcore import supervisor as module
from hubcore.adapters.processes import Child
from hubcore.process_life import Heart, Pulse
from hubcore.supervisor import Program, Supervisor, next_delay
from tests.stack.hub import ROOT
from tests.stack.waiting import wait_until

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"


@pytest.mark.parametrize(
    ("previous", "lived", "expected"),
    [(None, 0.0, 0.2), (0.2, 0.1, 0.4), (0.4, 29.9, 0.8), (6.4, 1.0, 10.0), (10.0, 1.0, 10.0), (10.0, 30.0, 0.2)],
)
def test_backoff(previous: float | None, lived: float, expected: float) -> None:
    assert next_delay(previous, lived) == expected


def starting(code: str, tmp_path: Path) -> Callable[[], Child]:
    return lambda: Child([sys.executable, "-c", code], cwd=tmp_path, env=os.environ)


class Running:
    """A supervisor in a thread."""

    def __init__(self, *programs: Program) -> None:
        self.ready = threading.Event()
        self.result: list[bool] = []
        self.programs = programs
        self.supervisor = Supervisor(programs, self.ready.set)
        self.thread = threading.Thread(target=lambda: self.result.append(self.supervisor.run()), daemon=True)
        self.thread.start()

    def pid(self, index: int = 0) -> int:
        process = wait_until(lambda: self.programs[index].process, 5, "started")
        return process.pid

    def finish(self, deadline: float = 10.0) -> bool:
        self.thread.join(deadline)
        assert not self.thread.is_alive()
        return self.result[0]


def test_a_program_that_dies_is_started_again_at_once(tmp_path: Path) -> None:
    running = Running(Program("one", starting(SLEEP, tmp_path)), Program("two", starting(SLEEP, tmp_path)))
    assert running.ready.wait(5)
    first, other = running.pid(0), running.pid(1)
    os.kill(first, signal.SIGKILL)
    begun = time.monotonic()
    wait_until(lambda: running.programs[0].process and running.pid(0) != first, 5, "another one runs")
    assert time.monotonic() - begun < 1.0
    assert running.pid(1) == other
    running.supervisor.stop()
    assert running.finish() is True
    assert running.programs[1].process is not None
    assert running.programs[1].process.exit_code() == -signal.SIGTERM


def test_ready_is_told_once_and_only_when_all_answer(tmp_path: Path) -> None:
    answering = threading.Event()
    told: list[int] = []
    programs = [Program("one", starting(SLEEP, tmp_path), answering.is_set), Program("two", starting(SLEEP, tmp_path))]
    supervisor = Supervisor(programs, lambda: told.append(1))
    thread = threading.Thread(target=supervisor.run, daemon=True)
    thread.start()
    wait_until(lambda: programs[0].process and programs[1].process, 5, "both are started")
    assert told == []
    answering.set()
    wait_until(lambda: told, 5, "told")
    supervisor.stop()
    thread.join(10)
    assert told == [1]


@pytest.mark.parametrize("code", ["raise SystemExit(2)", "raise SystemExit(1)"])
def test_a_start_without_hope_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.01)
    running = Running(
        Program("bad", starting(code, tmp_path), lambda: False), Program("good", starting(SLEEP, tmp_path))
    )
    good = running.pid(1)
    assert running.finish() is False
    assert running.programs[0].deaths == (1 if "(2)" in code else module.EARLY_DEATHS)
    with pytest.raises(ProcessLookupError):
        os.kill(good, 0)


def test_a_program_that_cannot_be_started_counts_as_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.01)
    missing = Program("missing", lambda: Child([str(tmp_path / "nothing")], cwd=tmp_path, env=os.environ))
    assert Running(missing).finish() is False


def test_one_that_will_not_end_is_killed_after_the_grace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE", 0.5)
    running = Running(Program("stubborn", starting(STUBBORN, tmp_path)))
    running.pid()
    running.supervisor.stop()
    assert running.finish(5) is True
    assert running.programs[0].process is not None
    assert running.programs[0].process.exit_code() in (-signal.SIGKILL, -signal.SIGTERM)


def test_the_second_stop_does_not_wait(tmp_path: Path) -> None:
    script = tmp_path / "started"
    code = STUBBORN.replace("print(1, flush=True)", f"open({str(script)!r}, 'w').close()")
    running = Running(Program("stubborn", starting(code, tmp_path)))
    wait_until(script.exists, 5, "the program ignores SIGTERM")
    running.supervisor.stop()
    begun = time.monotonic()
    running.supervisor.stop()
    assert running.finish(5) is True
    assert time.monotonic() - begun < module.GRACE / 2
    assert running.programs[0].process is not None
    assert running.programs[0].process.exit_code() == -signal.SIGKILL


def test_what_a_dead_program_started_is_ended_too(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, time, pathlib; "
        f"p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); "
        f"pathlib.Path({str(note)!r}).write_text(str(p.pid)); time.sleep(60)"
    )
    running = Running(Program("parent", starting(code, tmp_path)))
    grandchild = int(wait_until(lambda: note.exists() and note.read_text(), 5, "the grandchild runs"))
    os.kill(running.pid(), signal.SIGKILL)
    wait_until(lambda: not _alive(grandchild), 5, "the grandchild has ended")
    running.supervisor.stop()
    running.finish()


PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print(child.pid, flush=True)
child.wait()
"""
WATCHING = "import time; from hubcore.process_life import end_with_parent; end_with_parent(); time.sleep(60)"


def test_a_watching_program_ends_with_its_parent() -> None:
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen([sys.executable, "-c", PARENT, WATCHING], stdout=subprocess.PIPE, cwd=root)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    wait_until(lambda: len(list(Path(f"/proc/{child}/task").iterdir())) > 1, 5, "the child watches")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not _alive(child), 5, "the child has ended")


def _alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie that nobody has collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


# --- programs that live but do nothing


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_EVERY", 0.1)
    monkeypatch.setattr(module, "HUNG_AFTER", 1.0)
    monkeypatch.setattr(module, "FIRST_ANSWER", 2.0)
    monkeypatch.setattr(module, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(process_life, "BEAT", 0.01)


BEATING = """
import sys, time; from pathlib import Path; from hubcore import process_life
process_life.BEAT = 0.01
heart = process_life.Heart(Path(sys.argv[1]), lambda: True)
while True:
    heart.beat()
    time.sleep(0.02)
"""


def beating(path: Path) -> Callable[[], Child]:
    return lambda: Child([sys.executable, "-c", BEATING, str(path)], cwd=ROOT, env=os.environ)


def test_a_program_that_hangs_is_started_again(tmp_path: Path, quick: None, caplog: pytest.LogCaptureFixture) -> None:
    running = Running(Program("heart", beating(tmp_path / "alive"), None, Pulse(tmp_path / "alive")))
    first = running.pid()
    wait_until(lambda: running.programs[0].has_lived, 10, "it has been felt")
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: running.programs[0].process and running.pid() != first, 10, "another one runs")
    wait_until(lambda: running.programs[0].has_lived, 10, "and lives")
    assert "no answer" in caplog.text
    assert not _alive(first)
    running.supervisor.stop()
    assert running.finish() is True


def test_a_program_that_works_is_left_alone(tmp_path: Path, quick: None) -> None:
    answers = iter([True, *[False, False, True] * 10])
    asked: list[bool] = []

    def lives() -> bool:
        asked.append(next(answers, True))
        return asked[-1]

    running = Running(Program("now and then", starting(SLEEP, tmp_path), None, lives))
    first = running.pid()
    wait_until(lambda: len(asked) > 31, 20, "asked often")
    assert running.pid() == first
    running.supervisor.stop()
    running.finish()


def test_a_program_has_longer_until_its_first_answer(tmp_path: Path, quick: None) -> None:
    running = Running(Program("never", starting(SLEEP, tmp_path), None, lambda: False))
    first = running.pid()
    wait_until(lambda: running.programs[0].silent > module.HUNG_AFTER * 1.3, 10, "silent")
    assert running.pid() == first
    wait_until(lambda: running.programs[0].process and running.pid() != first, 10, "given up")
    running.supervisor.stop()
    running.finish()


def test_the_time_of_a_suspended_machine_does_not_count(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour passes between two looks; the program needs a moment to wake."""
    clock, jump = time.monotonic, [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock() + jump[0])
    answers = {"now": True}
    running = Running(Program("sleeper", starting(SLEEP, tmp_path), None, lambda: answers["now"]))
    first = running.pid()
    wait_until(lambda: running.programs[0].has_lived, 10, "it has answered")
    answers["now"] = False
    jump[0] = 3600.0
    wait_until(lambda: running.programs[0].silent > 0, 10, "asked in vain")
    answers["now"] = True
    wait_until(lambda: running.programs[0].silent == 0, 10, "it answers again")
    assert running.pid() == first
    running.supervisor.stop()
    running.finish()


def test_a_heart_beats_only_while_all_is_well(tmp_path: Path, quick: None) -> None:
    path, well = tmp_path / "alive", {"now": True}
    heart, pulse = Heart(path, lambda: well["now"]), Pulse(path)

    def felt() -> bool:
        heart.beat()
        return pulse()

    assert not pulse()
    wait_until(felt, 5, "a beat")
    wait_until(felt, 5, "another beat", interval=0.02)
    well["now"] = False
    pulse()
    assert not any(felt() for _ in range(20))
    assert path.read_bytes() == b""
