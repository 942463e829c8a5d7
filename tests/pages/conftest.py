"""Pages run by Streamlit's AppTest over a real hub whose store the test fills. No engine, no browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from hubcore.adapters.store import Store
from hubcore.errors import HubError
from hubcore.hub import Hub
from hubcore.models import Operation, Snapshot, StepStatus
from hubcore.operations import OperationQueue, OperationRun
from hubcore.publisher import Publisher
from hubcore.settings import load_settings
from tests.stack.waiting import wait_until
from ui import session

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.stem: f"pages/{path.name}" for path in sorted((ROOT / "pages").glob("*.py"))}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that follows the store of the test and collects nothing; the pages get this one."""
    running = Hub(load_settings())
    running.start(collect=False)
    st.cache_resource.clear()
    monkeypatch.setattr(session, "open_hub", lambda: running)
    yield running
    st.cache_resource.clear()  # closes it


@pytest.fixture
def publish(hub: Hub) -> Iterator[Callable[[Snapshot], None]]:
    """Put a snapshot into the store and wait until the hub has read it."""
    store = Store(hub.settings.state_dir / "store")

    def put(snapshot: Snapshot) -> None:
        seen = hub.version()
        Publisher(store).publish(snapshot)
        assert hub.wait(seen, 5.0) > seen

    yield put
    store.close()


@pytest.fixture
def end_operation(hub: Hub) -> Iterator[Callable[..., Operation]]:
    """Take the oldest command that waits and end it, as a leader does: `end_operation()`, `end_operation(error)`."""
    store = Store(hub.settings.state_dir / "store")
    queue = OperationQueue(store)

    def end(error: HubError | None = None) -> Operation:
        claimed, seen = queue.claim("test"), hub.version()
        assert claimed is not None
        run = OperationRun(claimed, queue)
        for step in claimed.steps:
            run.step(step.name or "", StepStatus.DONE if error is None else StepStatus.FAILED, error)
        ended = run.finish(error)
        assert hub.wait(seen, 5.0) > seen
        wait_until(lambda: hub.operation(ended.id).status.ended, 5.0, "the hub has read the end")
        return ended

    yield end
    store.close()


@pytest.fixture
def open_page(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """`open_page("services", "ru", name="db")`: the page as a fresh session sees it; None: no language is chosen."""

    def run(page: str, chosen: str | None = "en", /, **query: str) -> AppTest:
        monkeypatch.chdir(ROOT)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=20)
        if chosen is not None:
            app.session_state[session.LANGUAGE] = chosen
        elif session.LANGUAGE in query:
            app.query_params[session.LANGUAGE] = query[session.LANGUAGE]
        app.run()
        for key, value in query.items():
            app.query_params[key] = value
        if page != "overview":
            app.switch_page(PAGES[page]).run()
        return app

    return run


def words_of(app: AppTest) -> str:
    """Everything a page says, as one string."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "code", "button", "badge")
    said = [
        str(getattr(element, "value", "") or getattr(element, "label", ""))
        for kind in kinds
        for element in app.get(kind)
    ]
    said += [str(getattr(element.proto, "label", "")) for element in app.get("page_link")]
    said += [str(getattr(element, "label", "")) for element in app.get("expander")]
    said += [str(getattr(element, "label", "")) for element in app.get("button")]
    said += [str(getattr(element, "label", "")) for element in app.get("menu_button")]
    return "\n".join(said)
