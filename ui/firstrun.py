"""The first run: what is done, what comes next, and the commands for it. It checks by itself and on request."""

from __future__ import annotations

import sys

import streamlit as st

from hubcore.hub import Hub
from hubcore.models import EngineStatus, ServiceState, Snapshot
from hubcore.texts import Translator

from .judge import shown
from .markdown import escape, told
from .widgets import card, head, host_figures, section

SYSTEMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}
_INSTALL = {
    # Docker's own way, on any distribution
    "linux": "curl -fsSL https://get.docker.com | sh\nsudo usermod -aG docker $USER",
    "darwin": "brew install --cask docker\nopen -a Docker",
    "win32": "wsl --install\nwinget install Docker.DockerDesktop",
}


def draw(hub: Hub, snapshot: Snapshot, words: Translator, now: float) -> None:
    """The whole view: steps, then what already runs without Docker, then this computer."""
    t = words.t
    docker = snapshot.engine.status == EngineStatus.CONNECTED
    folder = snapshot.stack.compose_file is not None and snapshot.stack.problem is None
    left = 2 - int(docker) - int(folder) + 1
    head(
        t("Let us connect your stack"),
        t("The dashboard is running.") + " " + words.n("{count} step is left.", "{count} steps are left.", left),
    )
    with card("cardsteps"):
        _done("running", t("The dashboard is running"), t("you are looking at it"))
        if docker:
            version = snapshot.engine.version or ""
            _done("docker", t("Docker answers"), t("version {version}", version=escape(version, 30)) if version else "")
        else:
            _docker(hub, snapshot, words, now)
        if folder:
            number = words.n("{count} service", "{count} services", snapshot.stack.services)
            _done("folder", t("The stack's folder was found"), f"{escape(snapshot.stack.compose_file)} · {number}")
        elif docker:
            _folder(hub, snapshot, words, now)
        else:
            _later("folder", t("The folder of your stack"))
        if docker and folder:
            _start(hub, words)
        else:
            _later("start", t("Start the services"))
    natives = [service for service in shown(snapshot) if service.native]
    for place, service in enumerate(natives):
        _native(place, service, words)
    if snapshot.host is not None:
        section(t("This computer"))
        host_figures(hub, words, snapshot)


def _done(key: str, title: str, more: str) -> None:
    label = f"**{title}**" + (f" :gray[— {more}]" if more else "")
    st.expander(label, type="step", icon=":material/check_circle:", key=f"stepok{key}")


def _now(label: str, key: str) -> st.delta_generator.DeltaGenerator:
    return st.expander(label, expanded=True, type="step", icon=":material/radio_button_checked:", key=key)


def _later(key: str, title: str) -> None:
    st.expander(f":gray[{title}]", type="step", icon=":material/circle:", key=f"steptodo{key}")


def _docker(hub: Hub, snapshot: Snapshot, words: Translator, now: float) -> None:
    t, engine = words.t, snapshot.engine
    label = f"**{t('Docker does not answer')}** :gray[— {t('without it no service can be started')}]"
    with _now(label, "stepnowdocker"):
        st.markdown(told(engine.reason, words) or t("Most likely Docker is not installed or not started yet."))
        if engine.remedy is not None:
            st.markdown(told(engine.remedy, words))
        here = sys.platform if sys.platform in SYSTEMS else "linux"
        system = st.segmented_control(
            t("Your system"), list(SYSTEMS), default=here, required=True, format_func=SYSTEMS.__getitem__, key="system"
        )
        st.markdown(t("These commands install and start it:"))
        st.code(_INSTALL[system or here], language=None, wrap_lines=True)
        if system == "linux":  # what was started before does not know of the group yet
            st.markdown(t("Then log out and in again, and start the dashboard anew."))
        else:
            st.markdown(t("Then choose “Check again”."))
        _again(hub, words)
        checked = words.ago(snapshot.published_at, now)
        st.caption(t("The dashboard also checks by itself. Last time: {ago}.", ago=checked))
        if engine.detail:
            with st.expander(t("What Docker's address answered"), type="compact"):
                st.code(engine.detail[:600], language=None, wrap_lines=True)


def _folder(hub: Hub, snapshot: Snapshot, words: Translator, now: float) -> None:
    t, stack = words.t, snapshot.stack
    label = f"**{t('The folder of your stack was not found')}** :gray[— {t('it holds the compose file')}]"
    with _now(label, "stepnowfolder"):
        if stack.problem is not None:
            st.markdown(told(stack.problem, words))
        st.markdown(t("The dashboard looked in this folder:"))
        st.code(stack.directory, language=None, wrap_lines=True)
        st.markdown(t("Stop the dashboard, name the right folder and start it again:"))
        st.code("DASHBOARD_STACK_DIR=/path/to/stack make run", language="bash", wrap_lines=True)
        if stack.other_projects:
            names = ", ".join(escape(name, 40) for name in stack.other_projects[:8])
            st.markdown(t("Docker runs these stacks: {names}.", names=names))
        _again(hub, words)


def _start(hub: Hub, words: Translator) -> None:
    label = f"**{words.t('Start the services')}** :gray[— {words.t('none of them was found running')}]"
    with _now(label, "stepnowstart"):
        st.markdown(words.t("Start them in the stack's folder, or choose “Check again” if they run already."))
        st.code("docker compose up -d", language="bash")
        _again(hub, words)


def _again(hub: Hub, words: Translator) -> None:
    st.button(
        words.t("Check again"), type="primary", icon=":material/refresh:", key="again", on_click=hub.request_refresh
    )


def _native(number: int, service: ServiceState, words: Translator) -> None:
    name = escape(service.title, 60)
    with card(f"cardnative{number}"):
        st.subheader(
            ":blue[:material/lightbulb:] " + words.t("{name} already runs without Docker", name=name), anchor=False
        )
        port = words.t("It answers on port {port}.", port=service.port) + " " if service.port else ""
        st.markdown(port + words.t("It is shown beside the other services; start and stop it where you installed it."))
