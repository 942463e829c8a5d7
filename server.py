"""The web server: `streamlit run server.py`. Streamlit over app.py, with the guard in front of HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import time
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

from hubcore.errors import SettingsError
from hubcore.settings import Settings, load_settings
from ui import charts
from ui.gate import Gate

# Without this, a deep link on a fresh server runs a file of pages/ without app.py. Every page checks for it as well.
PagesManager.uses_pages_directory = False

PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
SUPERVISED = "DASHBOARD_SUPERVISED"
_PARENT_CHECK = 1.0


async def plotly_script(request: Request) -> FileResponse:
    """plotly.js from the installed package: never from elsewhere, and cached, for its version is in the address."""
    return FileResponse(PLOTLY, headers={"cache-control": "public, max-age=31536000, immutable"})


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, object]]:
    """Import what the pages need before the first visitor, and keep it out of every later garbage collection."""
    from ui import load_page, logs_page, overview_page, service_page, services_page, session  # noqa: F401

    hub = await asyncio.to_thread(session.hub)  # values are there before the first visitor
    gc.collect()
    gc.freeze()  # Streamlit collects after each rerun: 75 ms with, 15 ms without the imported modules
    yield {}
    await asyncio.to_thread(hub.close)


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK)
    os.kill(os.getpid(), signal.SIGTERM)


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        sys.exit(str(error))


SETTINGS = _settings()
if os.environ.get(SUPERVISED) == "1":
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True, name="parent-watch").start()

# The guard decides about hosts and origins, by the dashboard's own settings.
config.set_option("server.allowedHosts", ["*"])
charts.PLOTLY_URL = f"/vendor/plotly-{plotly.__version__}.min.js"
app = st.App(
    "app.py",
    lifespan=lifespan,
    middleware=[Middleware(Gate, settings=SETTINGS)],
    routes=[Route(charts.PLOTLY_URL, plotly_script)],
)
