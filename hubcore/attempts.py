"""How many wrong tokens are looked at: per address, and all together. Pure; the clock is given.

Tokens cannot be guessed; this keeps somebody who tries from filling the log and the processor. Each wrong token adds
one to a level that sinks by `limit` in `window` seconds; at `limit` the address has to wait. Addresses of one IPv6
network (/64) are one: whoever has one of them has all.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

PER_ADDRESS, OVERALL = 10, 100  # wrong tokens in WINDOW seconds
WINDOW = 60.0
REMEMBERED = 1024  # addresses; the one that was quiet for longest is forgotten first


class Attempts:
    """Levels of wrong attempts; the memory is bounded. Times are monotonic seconds. Not safe for threads."""

    def __init__(
        self,
        *,
        per_address: int = PER_ADDRESS,
        overall: int = OVERALL,
        window: float = WINDOW,
        remembered: int = REMEMBERED,
    ) -> None:
        self._per_address = per_address
        self._overall = overall
        self._window = window
        self._remembered = remembered
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._all = (0.0, 0.0)

    def wait(self, address: str, now: float) -> float:
        """Seconds until a token from this address is looked at; 0.0: now."""
        level = self._sunk(self._levels.get(_network(address), (0.0, now)), now, self._per_address)
        return self._until(level, self._per_address)

    def failed(self, address: str, now: float) -> float:
        """Note a wrong token. Seconds until wrong tokens, whoever sends them, are fewer again; 0.0: they are few."""
        network = _network(address)
        level = self._sunk(self._levels.pop(network, (0.0, now)), now, self._per_address)
        self._levels[network] = (level + 1, now)
        while len(self._levels) > self._remembered:
            self._levels.popitem(last=False)
        everybody = self._sunk(self._all, now, self._overall)
        self._all = (min(everybody + 1, self._overall), now)
        return self._until(everybody, self._overall)

    def _sunk(self, level: tuple[float, float], now: float, limit: int) -> float:
        return max(0.0, level[0] - max(0.0, now - level[1]) * limit / self._window)

    def _until(self, level: float, limit: int) -> float:
        over = level - (limit - 1)
        return 0.0 if over <= 0 else over * self._window / limit

    def __len__(self) -> int:
        return len(self._levels)


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
