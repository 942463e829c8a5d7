"""The exceptions of the dashboard. Foreign errors are translated into these once, in the adapters.

HubError
├── SettingsError                 a setting has a wrong value; the program does not start
├── BadRequest            400
│   └── InvalidChange             a configuration that cannot be saved; `errors` lists every reason
├── TokenRequired         401     no token, or one that is unknown
├── AccessRefused         403
│   ├── RoleRefused               the token's role does not reach that far
│   ├── OriginRefused             a foreign web page asked for a change
│   └── ServiceProtected          the dashboard itself, or what it needs
├── HostRefused           421
├── NotFound              404
│   ├── UnknownService
│   ├── UnknownOperation
│   ├── UnknownBackup
│   └── NoContainer               the service exists, a container for it does not
├── MethodRefused         405
├── OperationActive       409     another operation works on the service
├── ChangedMeanwhile      409     the configuration is not what the change was based on; `difference` tells
├── LengthRequired        411
├── BodyTooLarge          413
├── TooManyAttempts       429     too many wrong tokens
├── Unavailable           503
│   ├── NotReady                  nothing collected yet
│   ├── TooBusy                   too many streams at once
│   ├── EngineUnavailable         the Docker engine cannot be reached
│   ├── EngineTimeout             it does not answer in time
│   ├── StoreBusy                 the store on disk did not answer in time
│   ├── UpstreamFailed            a service behind the dashboard refused, or cannot be reached
│   ├── TokensUnreadable          the list of tokens is damaged: it lets nobody in
│   └── ComposeUnavailable        neither Compose v2 nor v1 is installed
├── EngineRefused         500     the engine answered with an error
├── ComposeFailed         500
├── ServiceDown           500     a service did not come up after a change
├── FileRefused           500     a file of the stack cannot be read or written
├── StoreRefused          500     the store holds what we never write
└── LeaseLost             500     this process is not the leader any more
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .models import Text, text


class HubError(Exception):
    """Base of all errors. `code` is stable and documented, `status` the HTTP status, `text` for people."""

    code = "internal"
    status = 500

    def __init__(self, message: Text, *, remedy: Text | None = None, detail: str | None = None) -> None:
        super().__init__(message.english())
        self.text = message
        self.remedy = remedy
        self.detail = detail


class SettingsError(HubError):
    code = "settings"


class BadRequest(HubError):
    code = "bad_request"
    status = 400


class InvalidChange(BadRequest):
    """A configuration that cannot be saved; `errors` are all the reasons, the first of them is the message."""

    code = "invalid_change"

    def __init__(self, errors: Sequence[Text]) -> None:
        super().__init__(errors[0])
        self.errors = tuple(errors)


class TokenRequired(HubError):
    code = "token_required"
    status = 401


class AccessRefused(HubError):
    code = "access_refused"
    status = 403


class RoleRefused(AccessRefused):
    code = "role_refused"


class OriginRefused(AccessRefused):
    code = "origin_refused"


class ServiceProtected(AccessRefused):
    code = "service_protected"


class HostRefused(HubError):
    code = "host_refused"
    status = 421


class NotFound(HubError):
    code = "not_found"
    status = 404


class UnknownService(NotFound):
    code = "unknown_service"

    def __init__(self, name: str) -> None:
        super().__init__(text("There is no service named “{name}”.", name=name[:100]))


class UnknownOperation(NotFound):
    code = "unknown_operation"

    def __init__(self, operation_id: str) -> None:
        super().__init__(text("There is no operation “{id}”.", id=operation_id[:100]))


class UnknownBackup(NotFound):
    code = "unknown_backup"

    def __init__(self, backup_id: str) -> None:
        super().__init__(text("There is no backup “{id}”.", id=backup_id[:100]))


class NoContainer(NotFound):
    code = "no_container"

    def __init__(self, service: str) -> None:
        super().__init__(
            text("{service} has not been created yet.", service=service),
            remedy=text("Start the service; it is created then."),
        )


class MethodRefused(HubError):
    code = "method_refused"
    status = 405


class OperationActive(HubError):
    """Another operation works on one of the services; `operation_id` is its id."""

    code = "operation_active"
    status = 409

    def __init__(self, service: str, operation_id: str) -> None:
        super().__init__(
            text("Something is already being done to {service}.", service=service),
            remedy=text("Wait until it has ended, then try again."),
        )
        self.service = service
        self.operation_id = operation_id


class ChangedMeanwhile(HubError):
    """The configuration is another one than the change was based on.

    `version` is the present one, `difference` a unified diff from it to what was to be saved, secrets masked.
    """

    code = "changed_meanwhile"
    status = 409

    def __init__(self, service: str, version: str, difference: str) -> None:
        super().__init__(
            text("The configuration of {service} has been changed since you opened it.", service=service),
            remedy=text("Look at the difference, then save again if it is still what you want."),
        )
        self.version = version
        self.difference = difference


class LengthRequired(HubError):
    code = "length_required"
    status = 411


class BodyTooLarge(HubError):
    code = "body_too_large"
    status = 413


class TooManyAttempts(HubError):
    """`wait`: seconds after which another attempt is looked at."""

    code = "too_many_attempts"
    status = 429

    def __init__(self, wait: float) -> None:
        super().__init__(
            text("Too many wrong tokens."),
            remedy=text("Wait {seconds} seconds, then try again.", seconds=math.ceil(wait)),
        )
        self.wait = wait


class Unavailable(HubError):
    code = "unavailable"
    status = 503


class NotReady(Unavailable):
    code = "not_ready"


class TooBusy(Unavailable):
    code = "too_busy"


class EngineUnavailable(Unavailable):
    code = "engine_unavailable"


class EngineTimeout(Unavailable):
    code = "engine_timeout"


class StoreBusy(Unavailable):
    code = "store_busy"


class UpstreamFailed(Unavailable):
    """A service behind the dashboard refused or cannot be reached; `upstream_status` is its HTTP status, if any."""

    code = "upstream_failed"

    def __init__(
        self,
        message: Text,
        *,
        remedy: Text | None = None,
        detail: str | None = None,
        upstream_status: int | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy, detail=detail)
        self.upstream_status = upstream_status


class ComposeUnavailable(Unavailable):
    code = "compose_unavailable"


class TokensUnreadable(Unavailable):
    code = "tokens_unreadable"


class EngineRefused(HubError):
    code = "engine_refused"


class ComposeFailed(HubError):
    code = "compose_failed"


class ServiceDown(HubError):
    code = "service_down"


class FileRefused(HubError):
    code = "file_refused"


class StoreRefused(HubError):
    code = "store_refused"


class LeaseLost(HubError):
    code = "lease_lost"
