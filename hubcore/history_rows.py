"""From two samples to the row of figures that the history keeps. Pure."""

from __future__ import annotations

from .models import Condition, Figures, Health, HostFigures

HOST = "host"
_CONDITION_LEVEL = {Condition.WORKS: 0.0, Condition.ATTENTION: 1.0, Condition.BROKEN: 2.0, Condition.STOPPED: 3.0}


def entity_of(service: str) -> str:
    """The name under which a service's figures are kept: its own, unless the machine's figures have that one."""
    return f"service {service}" if service == HOST else service


def per_second(before: int | None, after: int, seconds: float) -> float | None:
    """Rate of a counter of bytes; None without an earlier value, and when the counter began anew."""
    if before is None or after < before or seconds <= 0:
        return None
    return (after - before) / seconds


def host_row(before: HostFigures | None, now: HostFigures) -> dict[str, float | None]:
    """The columns of the entity `host`."""
    seconds = now.taken_at - before.taken_at if before else 0.0

    def rate(name: str) -> float | None:
        return per_second(getattr(before, name) if before else None, getattr(now, name), seconds)

    return {
        "cpu_percent": now.cpu_percent,
        "memory_percent": now.memory_percent,
        "memory_used": float(now.memory_used),
        "swap_percent": 100.0 * now.swap_used / now.swap_total if now.swap_total else 0.0,
        "disk_percent": now.disk_percent,
        "disk_used": float(now.disk_used),
        "load1": now.load[0] if now.load else None,
        "network_rx_rate": rate("network_rx"),
        "network_tx_rate": rate("network_tx"),
        "disk_read_rate": rate("disk_read"),
        "disk_write_rate": rate("disk_write"),
    }


def service_row(
    before: Figures | None, now: Figures | None, condition: Condition, health: Health
) -> dict[str, float | None]:
    """The columns of a service; figures are None while it does not run."""
    row: dict[str, float | None] = {"condition": _CONDITION_LEVEL.get(condition)}
    if now is None:
        return row
    seconds = now.taken_at - before.taken_at if before else 0.0

    def rate(name: str) -> float | None:
        return per_second(getattr(before, name) if before else None, getattr(now, name), seconds)

    return row | {
        "cpu_percent": now.cpu_percent,
        "memory_usage": float(now.memory_usage),
        "memory_percent": now.memory_percent,
        "network_rx_rate": rate("network_rx"),
        "network_tx_rate": rate("network_tx"),
        "block_read_rate": rate("block_read"),
        "block_write_rate": rate("block_write"),
        "response_ms": health.duration * 1000 if health.duration is not None else None,
    }
