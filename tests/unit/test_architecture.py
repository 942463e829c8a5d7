"""The layers of docs/architecture.md, enforced by reading the imports; and the sizes of modules and functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRONT = ("server", "app", "pages", "ui")
BASE = {"models", "errors", "settings", "origins"}  # origins: the settings name hosts and web pages
# Logic without input and output: these import the base and one another.
PURE = {
    "answers",
    "attempts",
    "audit_events",
    "audit_lines",
    "catalog",
    "compose_file",
    "compose_yaml",
    "config_content",
    "config_diff",
    "config_plan",
    "config_request",
    "config_rules",
    "diagnosis",
    "envfile",
    "health",
    "history_rows",
    "interruptions",
    "masking",
    "mounts",
    "nginx_check",
    "operation_events",
    "origins",
    "places",
    "presets",
    "probing",
    "rates",
    "roles",
    "series",
    "service_view",
    "stackpaths",
    "targets",
    "tokens",
    "upstream_parse",
    "userinfo",
    "views",
    "views_services",
    "views_text",
}
# What pages and routes may use of the core.
OFFERED = BASE | PURE | {"exposure", "hub", "listening", "log", "process_life", "statefolder", "texts"}
# The places that build what the others are given.
WIRING = {"hub", "wiring", "doctor", "__main__"}
# Foreign packages, and the only modules that know them.
KNOWN_ONLY_TO = {
    "docker": "hubcore.adapters.engine",
    "urllib3": "hubcore.adapters.engine",
    "diskcache": "hubcore.adapters.store",
    "sqlite3": "hubcore.adapters.history_file hubcore.adapters.store",  # the store translates its errors
    "subprocess": "hubcore.adapters.compose hubcore.adapters.processes",
    "psutil": "hubcore.adapters.host hubcore.adapters.native hubcore.adapters.ports",
    "streamlit": "server app pages ui",
    "bottle": "api_sidecar",
    "granian": "api_sidecar",
    "jinja2": "api_sidecar.docs_page",
    "typer": "hubcore.__main__ hubcore.cli_tokens",
    "rich": "hubcore.console",
    "pickle": "",
}
INPUT_AND_OUTPUT = {"asyncio", "httpx", "multiprocessing", "os", "pathlib", "requests", "shutil", "socket", "threading"}
LONGEST_MODULE, LONGEST_PAGE, LONGEST_FUNCTION = 300, 100, 40


def files() -> list[Path]:
    found = [ROOT / "server.py", ROOT / "app.py"]
    for package in ("hubcore", "api_sidecar", "pages", "ui"):
        found += sorted((ROOT / package).rglob("*.py"))
    return [path for path in found if path.exists()]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, by its full name."""
    package = path.relative_to(ROOT).parent.parts
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*start, *(node.module or "").split("."))).strip(".")
            names = [f"{base}.{alias.name}" for alias in node.names]
            found.update(name if _is_module(name) else base for name in names)
    return tuple(sorted(found))


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def part(module: str) -> str:
    """`hubcore.models.base` → `models`."""
    return module.split(".")[1] if "." in module else ""


def broken(allowed: object, *packages: str) -> Iterator[str]:
    """Lines for the imports in `packages` that the predicate does not allow."""
    for path in files():
        if within(module_of(path), *packages):
            for name in imports(path):
                if not allowed(module_of(path), name):  # type: ignore[operator]
                    yield f"{module_of(path)} imports {name}"


def test_the_files_are_found() -> None:
    names = {module_of(path) for path in files()}
    assert {"server", "app", "hubcore.hub", "hubcore.adapters.engine", "api_sidecar.app"} <= names
    assert "hubcore.adapters.history_file" in imports(ROOT / "hubcore/adapters/history.py")
    assert "sqlite3" in imports(ROOT / "hubcore/adapters/history_file.py")
    assert "hubcore.models" in imports(ROOT / "hubcore/errors.py")


def test_pages_and_routes_know_only_what_the_hub_offers() -> None:
    def allowed(module: str, name: str) -> bool:
        return not within(name, "hubcore") or part(name) in OFFERED

    assert list(broken(allowed, *FRONT, "api_sidecar")) == []


def test_pages_and_sidecar_do_not_know_each_other() -> None:
    assert list(broken(lambda _, name: not within(name, "api_sidecar"), *FRONT, "hubcore")) == []
    assert list(broken(lambda _, name: not within(name, *FRONT), "api_sidecar", "hubcore")) == []


@pytest.mark.parametrize(("package", "places"), KNOWN_ONLY_TO.items())
def test_foreign_packages_are_known_in_one_place(package: str, places: str) -> None:
    def allowed(module: str, name: str) -> bool:
        return (
            not within(name, package)
            or within(module, *places.split())
            or any(module.startswith(place + "_") for place in places.split() if place.startswith("hubcore.adapters."))
        )

    assert list(broken(allowed, *FRONT, "api_sidecar", "hubcore")) == []


def test_the_base_imports_nothing_above_it() -> None:
    packages = [f"hubcore.{name}" for name in BASE]
    assert list(broken(lambda _, name: not within(name, "hubcore") or part(name) in BASE, *packages)) == []


def test_pure_logic_is_pure() -> None:
    def allowed(module: str, name: str) -> bool:
        if within(name, "hubcore"):
            return part(name) in PURE | {"models", "errors"}
        return name.split(".")[0] not in INPUT_AND_OUTPUT | KNOWN_ONLY_TO.keys()

    assert list(broken(allowed, *(f"hubcore.{name}" for name in PURE))) == []


def test_adapters_do_not_know_one_another_nor_what_uses_them() -> None:
    def allowed(module: str, name: str) -> bool:
        if not within(name, "hubcore"):
            return True
        if within(name, "hubcore.adapters"):
            # engine.py and engine_parse.py are one adapter; files, locks, and what httpx's errors mean are for all
            return _family(module) == _family(name) or _family(name) in ("file", "http")
        return part(name) in BASE | PURE

    assert list(broken(allowed, "hubcore.adapters")) == []


def _family(module: str) -> str:
    return module.split(".")[-1].split("_")[0].rstrip("s")


def test_only_the_wiring_knows_everything() -> None:
    """Collector, operations and actions are given their adapters, and never reach for the hub."""

    def allowed(module: str, name: str) -> bool:
        return not within(name, *(f"hubcore.{wiring}" for wiring in WIRING)) or part(module) in WIRING | {"console"}

    assert list(broken(allowed, "hubcore")) == []


def test_only_settings_reads_the_environment() -> None:
    found = []
    for path in files():
        if module_of(path) not in ("server", "hubcore.settings"):  # server.py asks whether it is supervised
            found += [
                f"{module_of(path)}:{node.lineno}"
                for node in ast.walk(tree(path))
                if isinstance(node, ast.Attribute)
                and node.attr in ("environ", "getenv")
                and isinstance(node.value, ast.Name)
                and node.value.id == "os"
            ]
    assert found == []


def test_no_shell_and_no_raw_html() -> None:
    found = []
    for path in files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                names = {keyword.arg for keyword in node.keywords}
                found += [f"{path.name}:{node.lineno} {name}" for name in names & {"shell", "unsafe_allow_html"}]
    assert found == []


def test_sizes() -> None:
    found = []
    for path in files():
        content = path.read_text(encoding="utf-8")
        limit = LONGEST_PAGE if module_of(path).startswith("pages.") else LONGEST_MODULE
        if (lines := content.count("\n")) > limit:
            found.append(f"{module_of(path)} has {lines} lines")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    found.append(f"{module_of(path)}.{node.name} has {length} lines")
    assert found == []
