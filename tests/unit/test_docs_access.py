"""docs/access.md says of roles what the routes say; `python -m tests.unit.test_docs_access` writes its table anew."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from api_sidecar.app import routes
from api_sidecar.route import Route
from hubcore import audit_events
from hubcore.hub import Hub
from hubcore.roles import Role
from hubcore.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "access.md"
BEGIN, END = "<!-- roles: begin -->\n", "<!-- roles: end -->\n"
MAY = {
    None: "nobody is asked",
    Role.VIEWER: "`viewer`: look",
    Role.OPERATOR: "`operator`: also start, stop, restart, back up",
    Role.ADMIN: "`admin`: also configuration, models, audit log",
}


def table(found: Iterable[Route]) -> str:
    """The table of docs/access.md for these routes."""
    by_role: dict[Role | None, list[str]] = {role: [] for role in MAY}
    for route in found:
        path = re.sub(r"<([^:>]+)[^>]*>", r"{\1}", route.rule)
        by_role[route.role].append(f"`{route.method} {path}`")
    rows = [f"| {words} | {', '.join(sorted(by_role[role], key=_by_path))} |" for role, words in MAY.items()]
    return "\n".join(["| Role | Addresses |", "|---|---|", *rows]) + "\n"


def _by_path(address: str) -> tuple[str, str]:
    method, path = address.strip("`").split(" ", 1)
    return path, method


def all_routes(folder: Path) -> list[Route]:
    hub = Hub(Settings(state_dir=folder / "state", stack_dir=folder))
    try:
        return routes(hub)
    finally:
        hub.close()


def test_the_roles_of_all_addresses(tmp_path: Path) -> None:
    told = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert told == table(all_routes(tmp_path)), "run: python -m tests.unit.test_docs_access"


@pytest.mark.parametrize("event", sorted({*audit_events.REFUSALS.values(), "audit_gap", "cache_cleared"}))
def test_events_are_documented(event: str) -> None:
    assert f"`{event}`" in DOCUMENT.read_text(encoding="utf-8")


def test_every_recorded_event_is_documented() -> None:
    """Every literal name that the code hands to `record` or returns as an entry's name."""
    known = set(re.findall(r"`([a-z_]+)`", DOCUMENT.read_text(encoding="utf-8")))
    recorded: set[str] = set()
    for package in ("hubcore", "api_sidecar", "ui"):
        for path in (ROOT / package).rglob("*.py"):
            recorded |= set(re.findall(r"\.record\(\s*\"([a-z_]+)\"", path.read_text(encoding="utf-8")))
    recorded |= set(
        re.findall(r"return \"([a-z_]+)\", ", (ROOT / "hubcore/audit_events.py").read_text(encoding="utf-8"))
    )
    assert {"cache_cleared", "token_created", "token_revoked", "command_requested", "command_finished"} <= recorded
    assert recorded - known == set()


def main() -> None:
    """Write the table anew."""
    with tempfile.TemporaryDirectory() as folder:
        made = table(all_routes(Path(folder)))
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    DOCUMENT.write_text(before + BEGIN + made + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
