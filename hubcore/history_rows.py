"""From two samples to the row of figures that the history keeps. Pure."""

from __future__ import annotations

from .models import Condition, Figures, Health, HostFigures

_CONDITION_LEVEL = {Condition.WORKS: 0.0, Condition.ATTENTION: 1.0, Condition.BROKEN: 2.0, Condition.STOPPED: 3.0}


Sample = HostFigures | Figures


def _rates(before: Sample | None, now: Sample, **columns: str) -> dict[str, float | None]:
    """Rates per second of counters of bytes: column → the counter's field.

    None without an earlier sample, without time between the two, and when the counter began anew.
    """
    rates: dict[str, float | None] = dict.fromkeys(columns)
    seconds = now.taken_at - before.taken_at if before is not None else 0.0
    if seconds <= 0:
        return rates
    for column, field in columns.items():
        grown = getattr(now, field) - getattr(before, field)
        rates[column] = grown / seconds if grown >= 0 else None
    return rates


def host_row(before: HostFigures | None, now: HostFigures) -> dict[str, float | None]:
    """The columns of the entity `HOST`."""
    return {
        "cpu_percent": now.cpu_percent,
        "memory_percent": now.memory_percent,
        "memory_used": float(now.memory_used),
        "swap_percent": 100.0 * now.swap_used / now.swap_total if now.swap_total else 0.0,
        "disk_percent": now.disk_percent,
        "disk_used": float(now.disk_used),
        "load1": now.load[0] if now.load else None,
        **_rates(
            before,
            now,
            network_rx_rate="network_rx",
            network_tx_rate="network_tx",
            disk_read_rate="disk_read",
            disk_write_rate="disk_write",
        ),
    }


def service_row(
    before: Figures | None, now: Figures | None, condition: Condition, health: Health
) -> dict[str, float | None]:
    """The columns of a service; figures are None while it does not run."""
    row: dict[str, float | None] = {"condition": _CONDITION_LEVEL.get(condition)}
    if now is None:
        return row
    return row | {
        "cpu_percent": now.cpu_percent,
        "memory_usage": float(now.memory_usage),
        "memory_percent": now.memory_percent,
        **_rates(
            before,
            now,
            network_rx_rate="network_rx",
            network_tx_rate="network_tx",
            block_read_rate="block_read",
            block_write_rate="block_write",
        ),
        "response_ms": health.duration * 1000 if health.duration is not None else None,
    }
