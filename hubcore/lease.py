"""The lease that makes one process the leader.

A record in the store names the owner and when its right expires; the owner renews it well before, inside a transaction.
The process that was started to collect is *preferred*: where another one leads meanwhile, a wish in the store asks it
to hand over. A process that was stopped for longer than the lease finds it gone when it wakes and steps down.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable

import orjson

from .adapters.store import Store

LEASE_KEY = "lease"
WISH_KEY = "lease:wish"


class Lease:
    """One candidate's view of the lease.

    `ttl`: seconds after which a leader that does not renew has lost it. `clock`: epoch seconds, the same for all
    processes of the machine.
    """

    def __init__(
        self, store: Store, *, preferred: bool = False, ttl: float = 3.0, clock: Callable[[], float] = time.time
    ) -> None:
        self.owner = f"{socket.gethostname()}-{secrets.token_hex(6)}"
        self.preferred = preferred
        self.ttl = ttl
        self._store = store
        self._clock = clock
        self._held_until = 0.0

    @property
    def held(self) -> bool:
        """Whether this candidate leads, as far as it can know without asking the store."""
        return self._clock() < self._held_until

    def acquire(self, *, keep: bool = False) -> bool:
        """Take or renew the lease; whether this candidate leads now.

        `keep`: do not hand over to a preferred candidate now, for there is work that it would find interrupted.
        """
        now = self._clock()
        with self._store.transaction():
            taken = self._take(now, keep)
        # Only now: as long as the transaction has not ended well, nobody else knows of it.
        self._held_until = now + self.ttl if taken else 0.0
        return taken

    def _take(self, now: float, keep: bool) -> bool:
        owner, expires = self._read()
        mine = owner == self.owner
        # A lease that seems to last longer than any lease can was written before the clock was set back.
        free = owner is None or expires <= now or expires > now + 2 * self.ttl
        if not mine and not free:
            if self.preferred:
                self._store.put(WISH_KEY, self.owner, expire=self.ttl)
            return False
        if not self.preferred and not (mine and keep) and self._store.has(WISH_KEY):
            if mine:
                self._store.delete(LEASE_KEY)
            return False
        if self.preferred:
            self._store.delete(WISH_KEY)
        self._store.put(LEASE_KEY, orjson.dumps([self.owner, now + self.ttl]))
        return True

    def release(self) -> None:
        """Give the lease back, if it is still this candidate's."""
        self._held_until = 0.0
        with self._store.transaction():
            owner, _ = self._read()
            if owner == self.owner:
                self._store.delete(LEASE_KEY)

    def holder(self) -> str | None:
        """The owner named in the store whose right has not expired, or None."""
        owner, expires = self._read()
        return owner if expires > self._clock() else None

    def _read(self) -> tuple[str | None, float]:
        raw = self._store.get_bytes(LEASE_KEY)
        if raw is None:
            return None, 0.0
        try:
            owner, expires = orjson.loads(raw)
            return str(owner), float(expires)
        except (ValueError, TypeError) as error:
            self._store.discard(LEASE_KEY, str(error))
            return None, 0.0
