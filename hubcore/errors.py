"""The exceptions of the dashboard. Foreign errors are translated into these once, in the adapters.

HubError
├── SettingsError                 a setting has a wrong value; the program does not start
├── BadRequest            400
├── AccessRefused         403
│   ├── OriginRefused             a foreign web page asked for a change
│   └── ServiceProtected          the dashboard itself, or what it needs
├── HostRefused           421
├── NotFound              404
│   ├── UnknownService
│   ├── UnknownOperation
│   └── NoContainer               the service exists, a container for it does not
├── MethodRefused         405
├── OperationActive       409     another operation works on the service
├── BodyTooLarge          413
├── Unavailable           503
│   ├── NotReady                  nothing collected yet
│   ├── TooBusy                   too many streams at once
│   ├── EngineUnavailable         the Docker engine cannot be reached
│   ├── EngineTimeout             it does not answer in time
│   ├── StoreBusy                 the store on disk did not answer in time
│   └── ComposeUnavailable        neither Compose v2 nor v1 is installed
├── EngineRefused         500     the engine answered with an error
├── ComposeFailed         500
├── StoreRefused          500     the store holds what we never write
└── LeaseLost             500     this process is not the leader any more
"""

from __future__ import annotations

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


class AccessRefused(HubError):
    code = "access_refused"
    status = 403


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


class BodyTooLarge(HubError):
    code = "body_too_large"
    status = 413


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


class ComposeUnavailable(Unavailable):
    code = "compose_unavailable"


class EngineRefused(HubError):
    code = "engine_refused"


class ComposeFailed(HubError):
    code = "compose_failed"


class StoreRefused(HubError):
    code = "store_refused"


class LeaseLost(HubError):
    code = "lease_lost"
