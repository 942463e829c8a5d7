"""Which services a command touches, and in which order."""

from __future__ import annotations

import pytest

from hubcore.actions.control import plan
from hubcore.errors import BadRequest, ServiceProtected, UnknownService
from hubcore.models import Container, OperationKind, ServiceState, Snapshot


def service(name: str, *depends: str, container: bool = True, **fields: object) -> ServiceState:
    fields.setdefault("defined", True)
    return ServiceState(
        name=name,
        title=name.title(),
        description=name,
        depends_on=depends,
        container=Container(id=name, name=name) if container else None,
        **fields,  # type: ignore[arg-type]
    )


SNAPSHOT = Snapshot(
    services={
        s.name: s
        for s in (
            service("web", "app"),
            service("app", "db"),
            service("db"),
            service("new", container=False),
            service("tika", container=False, defined=False),
            service("hub", protected=True),
            service("ollama", container=False, native=True),
        )
    }
)


def names(kind: OperationKind, services: list[str] | None) -> list[str | None]:
    return [step.service for step in plan(kind, services, SNAPSHOT)]


def test_start_goes_by_dependencies_and_stop_the_other_way() -> None:
    assert names(OperationKind.START, ["web", "db", "app"]) == ["db", "app", "web"]
    assert names(OperationKind.STOP, ["db", "web", "app"]) == ["web", "app", "db"]


def test_all_means_the_stack_without_the_dashboard_itself() -> None:
    assert names(OperationKind.START, None) == ["db", "new", "app", "web"]
    assert names(OperationKind.STOP, None) == ["web", "app", "db"], "what does not exist need not be stopped"


def test_a_name_given_twice_counts_once() -> None:
    assert names(OperationKind.STOP, ["db", "db"]) == ["db"]


@pytest.mark.parametrize(
    ("services", "error"),
    [(["nobody"], UnknownService), (["hub"], ServiceProtected), (["ollama"], BadRequest), ([], BadRequest)],
)
def test_refusals(services: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        plan(OperationKind.STOP, services, SNAPSHOT)


def test_an_empty_stack_is_told() -> None:
    with pytest.raises(BadRequest, match="no service"):
        plan(OperationKind.STOP, None, Snapshot())


def test_steps_are_in_words() -> None:
    assert plan(OperationKind.RESTART, ["db"], SNAPSHOT)[0].text.english() == "Restart Db"
