"""A long answer that ends when its reader may not see it any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator


class WhileAllowed:
    """The chunks of a body for as long as `allowed` says so; asked before each. Closing it closes the body (PEP 3333).

    A token that was revoked, or whose time is over, must not go on following a log that it once opened.
    """

    def __init__(self, body: Iterable[bytes], allowed: Callable[[], bool]) -> None:
        self._body = body
        self._chunks: Iterator[bytes] = iter(body)
        self._allowed = allowed

    def __iter__(self) -> WhileAllowed:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)  # it may have taken long to come
        if not self._allowed():
            self.close()
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Close the body."""
        closing = getattr(self._body, "close", None)
        if closing is not None:
            closing()
