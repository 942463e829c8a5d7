"""What every test gets without asking, and the real things it may ask for.

Every test has its own state and stack directories and ports, and no other DASHBOARD_* variable. The markers `engine`,
`stack`, `litellm` and `browser` (and the fixtures behind them) skip a test when the machine lacks what it needs; with
CI=true a skipped test fails instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.stack import needs
from tests.stack.hub import HubProcess
from tests.stack.private import PrivateEngine
from tests.stack.stack import Stack, remove_orphans
from tests.stack.waiting import free_ports

# how long an example takes depends on what else the machine does
hypothesis.settings.register_profile("hub", deadline=None)
hypothesis.settings.load_profile("hub")

HERE = Path(__file__).resolve().parent
# quick ones first; the browser last, for Playwright leaves an event loop in the thread while it is open
ORDER = ("unit", "pages", "integration", "faults", "e2e")
NEEDS: dict[str, Callable[[], str | None]] = {
    "engine": needs.engine,
    "stack": needs.stack,
    "litellm": needs.litellm,
    "browser": needs.browser,
}
STACK_FIXTURES = {"stack", "own_stack", "hub"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        parts = item.path.relative_to(HERE).parts if item.path.is_relative_to(HERE) else ()
        return ORDER.index(parts[0]) if parts and parts[0] in ORDER else 0

    items.sort(key=rank)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch or build what the stack needs before the first test: it may take longer than a test's time limit."""
    if session.config.option.collectonly:
        return
    if any(item.get_closest_marker("stack") or STACK_FIXTURES & set(_fixtures(item)) for item in session.items):
        needs.stack()
    if any(item.get_closest_marker("litellm") for item in session.items):
        needs.litellm()


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, ask in NEEDS.items():
        if item.get_closest_marker(marker) is not None:
            require(ask())


def require(missing: str | None) -> None:
    """Skip the test when something is missing."""
    if missing:
        pytest.skip(missing)


def in_ci() -> bool:
    """Whether this run must not leave anything out."""
    return os.environ.get("CI", "").lower() == "true"


def _fail_if_skipped_in_ci(report: Any) -> Any:
    if report.skipped and not hasattr(report, "wasxfail") and in_ci():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"In CI nothing may be skipped. {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    return _fail_if_skipped_in_ci((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Any:
    return _fail_if_skipped_in_ci((yield))


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No DASHBOARD_* variable of the outside; directories and ports of the test's own."""
    for name in [name for name in os.environ if name.upper().startswith("DASHBOARD_")]:
        monkeypatch.delenv(name)
    api_port, ui_port = free_ports(2)
    stack_dir = tmp_path / "stack"
    stack_dir.mkdir()
    monkeypatch.setenv("DASHBOARD_ENV_FILE", "")  # a developer's own `.env` is none of the tests' business
    monkeypatch.setenv("DASHBOARD_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("DASHBOARD_STACK_DIR", str(stack_dir))
    monkeypatch.setenv("DASHBOARD_API_PORT", str(api_port))
    monkeypatch.setenv("DASHBOARD_UI_PORT", str(ui_port))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """The test's state directory; does not exist yet."""
    return tmp_path / "state"


@pytest.fixture
def stack_dir(tmp_path: Path) -> Path:
    """The test's stack root: an empty directory."""
    return tmp_path / "stack"


@pytest.fixture(scope="session")
def docker_engine() -> None:
    """A Docker engine answers the docker command and the SDK."""
    require(needs.engine())


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The demo stack, all services healthy, shared by the session. A test that changes it must `restore()` it."""
    require(needs.stack())
    remove_orphans()
    running = Stack.prepare(tmp_path_factory.mktemp("stack") / "demo")
    try:
        running.up()
        yield running
    finally:
        running.down()


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Stacks of the test's own: `own_stack("redis", "notes")` starts these services and what they depend on."""
    require(needs.stack())
    made: list[Stack] = []

    def make(*services: str) -> Stack:
        made.append(Stack.prepare(tmp_path / f"own-stack-{len(made)}", interval="1s"))
        made[-1].up(*services)
        return made[-1]

    yield make
    for one in made:
        one.down()


@pytest.fixture
def private_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateEngine]:
    """A started Docker engine that the test may stop and kill; see `PrivateEngine`."""
    require(needs.private_engine())
    engine = PrivateEngine(tmp_path_factory.mktemp("engine"))
    try:
        yield engine.start()
    finally:
        engine.remove()


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[Callable[..., HubProcess]]:
    """`start_hub(environment, prefix=…, inside=…)` starts the dashboard; all of them are stopped after the test."""
    started: list[HubProcess] = []

    def start(environment: dict[str, str] | None = None, *, deadline: float = 60.0, **options: Any) -> HubProcess:
        started.append(HubProcess(tmp_path / f"hub-{len(started)}", environment, **options))
        return started[-1].start(deadline)

    yield start
    for hub in started:
        hub.stop()


@pytest.fixture(scope="session")
def hub(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """The dashboard looking after `stack`, shared by the session."""
    running = HubProcess(tmp_path_factory.mktemp("hub"), stack.environment()).start()
    yield running
    running.stop()
