"""Rows of the history: rates need two samples in order and a counter that went on."""

from __future__ import annotations

import pytest

from hubcore.compose_file import SERVICE_NAME
from hubcore.history_rows import host_row, service_row
from hubcore.models import Condition, Figures, Health, HostFigures
from hubcore.series import HOST, HOST_COLUMNS, SERVICE_COLUMNS


@pytest.mark.parametrize(
    ("before", "rate"),
    [
        (None, None),
        (Figures(taken_at=10.0, network_rx=1000), 100.0),
        (Figures(taken_at=20.0, network_rx=1000), None),  # no time between the two
        (Figures(taken_at=10.0, network_rx=9000), None),  # the container was started anew
    ],
)
def test_a_rate(before: Figures | None, rate: float | None) -> None:
    row = service_row(before, Figures(taken_at=20.0, network_rx=2000), Condition.WORKS, Health(duration=0.25))
    assert row["network_rx_rate"] == rate
    assert (row["condition"], row["response_ms"]) == (0.0, 250.0)


def test_a_service_that_does_not_run_has_a_condition_only() -> None:
    assert service_row(None, None, Condition.STOPPED, Health()) == {"condition": 3.0}


def test_the_columns_are_those_that_are_kept() -> None:
    host = host_row(HostFigures(taken_at=1.0), HostFigures(taken_at=3.0, disk_write=8))
    assert set(host) == set(HOST_COLUMNS) and host["disk_write_rate"] == 4.0
    service = service_row(None, Figures(taken_at=1.0), Condition.WORKS, Health())
    assert set(service) == set(SERVICE_COLUMNS)


def test_no_service_can_be_named_like_the_machine() -> None:
    assert SERVICE_NAME.fullmatch("host") and not SERVICE_NAME.fullmatch(HOST)
