"""The one way to the engine: a request under a deadline for all of it, with foreign errors translated."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests
from docker import errors as sdk

from hubcore.errors import EngineTimeout, HubError
from hubcore.userinfo import scrubbed

from .engine_client import CONNECT_TIMEOUT, Address, Client, ClientPool, Guard, resolve_address
from .engine_errors import FOREIGN, Kind, kind_of, timeout_error, translate
from .engine_streams import RawStream

T = TypeVar("T")
log = logging.getLogger(__name__)


class Connection:
    """Requests to the engine from any thread, each with a client of its own. Finds the engine when first used."""

    def __init__(self) -> None:
        self.clients = ClientPool()
        self._address: Address | None = None

    def address(self) -> Address:
        """Where the engine is. Raises EngineUnavailable when Docker's settings cannot be used."""
        if self._address is None:
            self._address = resolve_address()
        return self._address

    def call(self, action: Callable[[Client], T], *, seconds: float, container_id: str = "") -> T:
        """Run `action` with a client; all of it, connecting included, ends within `seconds`.

        Raises EngineUnavailable, EngineTimeout, EngineRefused or NoContainer (then `container_id` is named).
        """
        address = self.address()
        client: Client | None = None
        with Guard(seconds) as guard:
            try:
                client = self.clients.borrow(address, seconds)
                result = action(client)
            except EngineTimeout:
                self._put_away(client, None)
                raise
            except FOREIGN as error:
                self._put_away(client, error)
                raise _translated(error, address, guard, container_id) from error
            if guard.expired:  # the connection was cut, and what had been read until then looked complete
                client.close()
                raise timeout_error(seconds)
        self.clients.give_back(client)
        return result

    def stream(self, path: str, params: Mapping[str, str], *, seconds: float, container_id: str = "") -> RawStream:
        """Open a lasting stream: `seconds` for the answer to begin, no limit afterwards. Errors as for `call`."""
        address = self.address()
        client: Client | None = None
        guard = Guard(seconds)
        with guard:
            try:
                client = self.clients.borrow(address, seconds)
                response = get(client, path, params, stream=True, timeout=(CONNECT_TIMEOUT, None))
            except FOREIGN as error:
                self._put_away(client, error)
                raise _translated(error, address, guard, container_id) from error
            guard.keep()
        return RawStream(client, response, guard, address.shown)

    def _put_away(self, client: Client | None, error: BaseException | None) -> None:
        """Keep the connection after an error answer; after anything else forget all of them."""
        if client is not None and (error is None or kind_of(error) in (Kind.REFUSED, Kind.MISSING)):
            self.clients.give_back(client)
            return
        if isinstance(error, LookupError | TypeError):
            log.warning("an answer of the engine of the wrong shape", exc_info=error)
        if client is not None:
            client.close()
        self.clients.clear()


def _translated(error: BaseException, address: Address, guard: Guard, container_id: str) -> HubError:
    """Our error for a foreign one; a password in the address is not repeated."""
    ours = translate(
        error, address=address.shown, seconds=guard.seconds, expired=guard.expired, container_id=container_id
    )
    ours.detail = scrubbed(ours.detail, address.url) if ours.detail else ours.detail
    return ours


def get(client: Client, path: str, params: Mapping[str, str], **options: Any) -> requests.Response:
    """GET an API path; an error answer raises the SDK's APIError. For what the SDK's methods cannot do."""
    options.setdefault("timeout", client.timeout)
    return _checked(client.get(client.url(path), params=params, **options))


def post(client: Client, path: str, **options: Any) -> requests.Response:
    """POST to an API path, as `get`."""
    options.setdefault("timeout", client.timeout)
    return _checked(client.post(client.url(path), **options))


def _checked(response: requests.Response) -> requests.Response:
    try:
        response.raise_for_status()
    except requests.HTTPError as error:
        sdk.create_api_error_from_http_exception(error)
    return response
