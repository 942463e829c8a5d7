"""The demo stack's files: what the dashboard expects of a stack, and nothing reachable from outside."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo"
KNOWN = {
    "ollama", "litellm", "db", "redis", "openwebui", "searxng", "nginx",
    "watchtower", "auth", "docling", "edgetts", "mcposerver", "tika",
}  # fmt: skip
UNKNOWN = {"notes"}
CONFIG_FILES = (
    "conf/litellm/litellm_config.yaml",
    "conf/searxng/settings.yml",
    "conf/searxng/uwsgi.ini",
    "conf/nginx/nginx.conf",
    "conf/nginx/conf.d/default.conf",
    "conf/mcposerver/config.json",
)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    data: dict[str, Any] = YAML(typ="safe").load(DEMO / "compose.yml")
    return data


def test_it_has_every_known_service_and_one_unknown(compose: dict[str, Any]) -> None:
    assert compose["name"] == "hub-demo"
    assert set(compose["services"]) == KNOWN | UNKNOWN


def test_every_port_is_bound_to_this_machine_and_can_be_changed(compose: dict[str, Any]) -> None:
    defaults = []
    for name, service in compose["services"].items():
        for port in service.get("ports", []):
            match = re.fullmatch(rf"127\.0\.0\.1:\${{DEMO_{name.upper()}_PORT:-(\d+)}}:(\d+)", port)
            assert match, f"{name}: {port}"
            defaults.append(int(match[1]))
    assert len(defaults) == len(set(defaults)) == len(KNOWN | UNKNOWN) - 1  # watchtower has none
    assert all(1024 < port < 32768 for port in defaults)
    assert not {5002, 8501} & set(defaults)
    assert all("network_mode" not in service for service in compose["services"].values())


def test_every_service_that_serves_has_a_health_check(compose: dict[str, Any]) -> None:
    without = {name for name, service in compose["services"].items() if "healthcheck" not in service}
    assert without == {"watchtower"}


def test_dependencies_say_what_they_wait_for(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} needs {other}"
            assert how["condition"] in ("service_healthy", "service_started")


def test_nothing_of_the_machine_is_handed_in(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert not service.get("privileged"), name
        for volume in service.get("volumes", []):
            source, _, mode = [*volume.split(":"), ""][:3]
            if source.startswith("."):
                assert (DEMO / source).is_dir(), f"{name}: {volume}"
                assert mode == "ro", f"{name}: {volume}"
            else:
                assert source in compose["volumes"], f"{name}: {volume}"


def test_env_files_are_where_the_dashboard_looks_and_hold_only_demo_secrets(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        expected = None if name == "nginx" or name in UNKNOWN else f"env/{name}.env"
        assert service.get("env_file") == expected
        if expected is None:
            continue
        values = dotenv_values(DEMO / expected)
        assert values and None not in values.values(), expected
        for key, value in values.items():
            if re.search(r"(PASSWORD|SECRET|_KEY)$", key):
                assert value is not None and "demo-only" in value, f"{expected}: {key}"


def test_config_files_of_the_known_services_exist() -> None:
    for path in CONFIG_FILES:
        assert (DEMO / path).read_text(encoding="utf-8").strip(), path


def test_every_stand_in_that_is_started_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        command = service.get("command", [])
        if command[:2] == ["sh", "/standins/serve.sh"]:
            assert command[2] == name
            assert f":{command[3]}" in service["ports"][0]
            assert "route()" in (DEMO / "standins" / f"{name}.sh").read_text()
            assert service["init"] is True
