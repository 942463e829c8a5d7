"""`python -m hubcore up` and `collect` as processes: starting, dying, stopping."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from hubcore.__main__ import _programs
from hubcore.process_life import BEAT, HEARTBEAT, Pulse
from hubcore.settings import load_settings
from tests.stack.hub import ROOT, HubProcess
from tests.stack.waiting import wait_until

Start = Callable[..., HubProcess]


def parts(hub: HubProcess) -> list[psutil.Process]:
    """All processes of a running dashboard but the supervisor."""
    assert hub.process is not None
    return psutil.Process(hub.process.pid).children(recursive=True)


def part(hub: HubProcess, words: str) -> psutil.Process:
    """The program of the dashboard whose command line has these words in it."""
    assert hub.process is not None
    for child in psutil.Process(hub.process.pid).children():
        if child.status() != psutil.STATUS_ZOMBIE and words in " ".join(child.cmdline()):
            return child
    raise AssertionError(f"no part {words}")


def ended(processes: list[psutil.Process]) -> bool:
    """Whether none of them runs any more; a zombie does not."""
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes if _exists(p))


def _exists(process: psutil.Process) -> bool:
    try:
        process.status()
    except psutil.NoSuchProcess:
        return False
    return True


def free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hubcore", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """One dashboard for the tests that leave it running."""
    hub = HubProcess(tmp_path_factory.mktemp("up"), {"DASHBOARD_LANGUAGE": "en"}).start()
    yield hub
    hub.stop()


def test_it_tells_its_addresses(shared: HubProcess) -> None:
    wait_until(lambda: "Press Ctrl-C" in shared.output(), 10, "it says so")
    assert "The dashboard is running." in shared.output()
    assert shared.api in shared.output()
    assert shared.ui in shared.output()
    assert len(parts(shared)) >= 4


def test_a_second_one_says_that_the_first_is_running(shared: HubProcess) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "hubcore", "up"],
        cwd=ROOT, env=shared.environment, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert second.returncode == 1
    assert f"running already, on port {shared.api_port}" in second.stderr
    assert "Traceback" not in second.stderr
    assert shared._ready()


@pytest.mark.parametrize("words", ["api_sidecar", "hubcore collect", "streamlit"])
def test_a_part_that_is_killed_comes_back(shared: HubProcess, words: str) -> None:
    wait_until(shared._ready, 10, "ready")
    victim = part(shared, words)
    victim.kill()
    begun = time.monotonic()
    wait_until(
        lambda: part(shared, words).pid != victim.pid, 5, f"another {words}", ignore=(AssertionError, psutil.Error)
    )
    wait_until(shared._ready, 20, f"ready again after the death of {words}")
    print(f"{words}: back after {time.monotonic() - begun:.1f} s")


def test_no_reader_notices_the_death_of_the_collector(shared: HubProcess) -> None:
    wait_until(shared._ready, 10, "ready")
    part(shared, "hubcore collect").kill()
    until = time.monotonic() + 3
    while time.monotonic() < until:
        assert shared.get("/api/status").status_code == 200


def test_the_collector_shows_that_it_lives(shared: HubProcess) -> None:
    wait_until(shared._ready, 10, "ready")
    pulse = Pulse(shared.state_dir / HEARTBEAT)
    for _ in range(2):
        wait_until(pulse, 10, "a beat")
    collector = part(shared, "hubcore collect")
    collector.suspend()
    try:
        silent_since = time.monotonic()
        wait_until(lambda: not pulse() and time.monotonic() - silent_since > 2 * BEAT, 10, "no beat any more")
    finally:
        collector.resume()
    wait_until(pulse, 10, "it beats again")


def test_every_part_is_watched() -> None:
    programs = {program.name: program for program in _programs(load_settings())}
    assert set(programs) == {"collector", "api", "pages"}
    assert all(program.lives is not None and not program.lives() for program in programs.values()), "none of them runs"


def test_ctrl_c_ends_everything(start_hub: Start) -> None:
    hub = start_hub({"DASHBOARD_LANGUAGE": "en"})
    assert hub.process is not None
    everything = parts(hub)
    hub.process.send_signal(signal.SIGINT)
    assert hub.process.wait(15) == 0
    assert ended(everything)
    assert free(hub.api_port)
    assert free(hub.ui_port)
    assert "Traceback" not in hub.output(1000)
    assert "The dashboard has stopped" in hub.output()


def test_a_killed_supervisor_takes_its_parts_along_and_can_be_started_again(start_hub: Start) -> None:
    hub = start_hub()
    assert hub.process is not None
    everything = parts(hub)
    hub.process.kill()
    hub.process.wait(5)
    again = subprocess.Popen(
        [sys.executable, "-m", "hubcore", "up"], cwd=ROOT, env=hub.environment, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: ended(everything), 15, "all parts have ended")
        wait_until(lambda: _healthy(f"{hub.ui}/_stcore/health"), 30, "it runs again")
        assert again.poll() is None
    finally:
        again.send_signal(signal.SIGTERM)
        assert again.wait(20) == 0
    assert free(hub.api_port)
    assert free(hub.ui_port)


def _healthy(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def test_a_port_of_somebody_else(state_dir: Path) -> None:
    with socket.socket() as listener:
        port = int(os.environ["DASHBOARD_UI_PORT"])
        listener.bind(("127.0.0.1", port))
        listener.listen()
        begun = time.monotonic()
        result = run("up", DASHBOARD_LANGUAGE="en")
    assert result.returncode == 1
    assert f"Port {port} is in use by" in result.stderr
    assert f"process {os.getpid()}" in result.stderr
    assert "DASHBOARD_UI_PORT" in result.stderr
    assert "Traceback" not in result.stderr
    assert time.monotonic() - begun < 10


def test_an_unusable_state_folder(state_dir: Path) -> None:
    state_dir.write_text("a file is in the way", encoding="utf-8")
    for command in ("up", "collect"):
        result = run(command, DASHBOARD_LANGUAGE="en")
        assert result.returncode == 1
        assert "The state folder" in result.stderr
        assert "Traceback" not in result.stderr


def test_a_wrong_setting() -> None:
    result = run("up", DASHBOARD_COLLECT_INTERVAL="soon")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "DASHBOARD_COLLECT_INTERVAL" in result.stderr


def test_collect_alone_ends_on_request(state_dir: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hubcore", "collect"], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        wait_until((state_dir / "history.sqlite3").exists, 30, "it collects")
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.stderr.close()


def test_doctor_with_an_engine() -> None:
    result = run("doctor", LANG="C", LC_ALL="C")
    assert "Docker" in result.stdout
    assert result.returncode == 0
