"""The web server: `streamlit run server.py`. Streamlit over app.py, with the guard in front of HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import plotly
import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route
from streamlit import config
from streamlit.runtime.pages_manager import PagesManager

from hubcore.audit_events import Asking
from hubcore.errors import HubError, SettingsError
from hubcore.process_life import end_with_parent, is_supervised
from hubcore.settings import Settings, load_settings
from hubcore.statefolder import open_state
from ui import charts, session
from ui.gate import Gate

# Without this, a deep link on a fresh server runs a file of pages/ without app.py. Every page checks for it as well.
PagesManager.uses_pages_directory = False

_MOST_TOLD = 4  # refusals that are being told at once
_telling: set[asyncio.Future[None]] = set()
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


async def plotly_script(request: Request) -> FileResponse:
    """plotly.js from the installed package: never from elsewhere, and cached, for its version is in the address."""
    return FileResponse(PLOTLY, headers={"cache-control": "public, max-age=31536000, immutable"})


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, object]]:
    """Import what the pages need before the first visitor, and keep it out of every later garbage collection."""
    from ui import load_page, logs_page, overview_page, service_page, services_page  # noqa: F401

    hub = await asyncio.to_thread(session.hub)  # values are there before the first visitor
    gc.collect()
    gc.freeze()  # Streamlit collects after each rerun: 75 ms with, 15 ms without the imported modules
    yield {}
    await asyncio.to_thread(hub.close)


def _settings() -> Settings:
    try:
        settings = load_settings()
        open_state(settings)
    except SettingsError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The state folder (DASHBOARD_STATE_DIR) cannot be used: {error}")
    return settings


def _note_refusal(error: HubError, asking: Asking) -> None:
    """Have the hub tell of it, in another thread: it may write. A flood of them is told as far as the hub keeps up."""
    if len(_telling) < _MOST_TOLD:
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(None, lambda: session.hub().refusals.note(error, asking))
        _telling.add(future)
        future.add_done_callback(_telling.discard)


SETTINGS = _settings()
if is_supervised():
    end_with_parent()

# The guard decides about hosts and origins, by the dashboard's own settings.
config.set_option("server.allowedHosts", ["*"])
charts.PLOTLY_URL = f"/vendor/plotly-{plotly.__version__}.min.js"
app = st.App(
    "app.py",
    lifespan=lifespan,
    middleware=[Middleware(Gate, settings=SETTINGS, refused=_note_refusal)],
    routes=[Route(charts.PLOTLY_URL, plotly_script)],
)
