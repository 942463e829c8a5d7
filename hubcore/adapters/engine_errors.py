"""The one place where errors of the docker SDK and of the HTTP client beneath it become ours.

`KINDS` is the table; `tests/unit/test_engine_errors.py` proves that no error class of docker, requests or urllib3 is
missing.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from enum import Enum

import requests.exceptions as http_errors
import urllib3.exceptions as transport
from docker import errors as sdk

from hubcore.errors import EngineRefused, EngineTimeout, EngineUnavailable, HubError, NoContainer
from hubcore.models import Text, text


class MalformedAnswer(ValueError):
    """The engine answered with something that is not what its API promises."""


class Kind(Enum):
    """What a foreign error means for us."""

    UNAVAILABLE = "unavailable"  # no connection
    TIMEOUT = "timeout"
    SETUP = "setup"  # the Docker settings of this user are wrong: context, certificates, address
    REFUSED = "refused"  # the engine answered with an error status
    MISSING = "missing"  # it knows no such container
    MALFORMED = "malformed"  # the answer makes no sense


# The nearest base class of an error that is listed here decides.
KINDS: dict[type[BaseException], Kind] = {
    sdk.DockerException: Kind.SETUP,
    sdk.APIError: Kind.REFUSED,
    sdk.NotFound: Kind.MISSING,
    sdk.ImageNotFound: Kind.REFUSED,
    sdk.InvalidArgument: Kind.REFUSED,
    sdk.InvalidRepository: Kind.REFUSED,
    sdk.DeprecatedMethod: Kind.REFUSED,
    sdk.NullResource: Kind.MISSING,
    sdk.ContainerError: Kind.REFUSED,
    sdk.BuildError: Kind.REFUSED,
    sdk.ImageLoadError: Kind.REFUSED,
    sdk.StreamParseError: Kind.MALFORMED,
    http_errors.RequestException: Kind.UNAVAILABLE,
    http_errors.Timeout: Kind.TIMEOUT,
    http_errors.HTTPError: Kind.REFUSED,
    http_errors.InvalidJSONError: Kind.MALFORMED,
    http_errors.ContentDecodingError: Kind.MALFORMED,
    http_errors.InvalidHeader: Kind.MALFORMED,
    http_errors.TooManyRedirects: Kind.MALFORMED,
    http_errors.InvalidURL: Kind.SETUP,
    http_errors.InvalidSchema: Kind.SETUP,
    http_errors.MissingSchema: Kind.SETUP,
    transport.HTTPError: Kind.UNAVAILABLE,
    transport.TimeoutError: Kind.TIMEOUT,
    transport.NewConnectionError: Kind.UNAVAILABLE,  # a ConnectTimeoutError by descent only
    transport.DecodeError: Kind.MALFORMED,
    transport.InvalidHeader: Kind.MALFORMED,
    transport.LocationValueError: Kind.SETUP,
    http.client.HTTPException: Kind.MALFORMED,
    TimeoutError: Kind.TIMEOUT,
    OSError: Kind.UNAVAILABLE,
    # What parsers, the SDK's included, stumble with over an answer of the wrong shape.
    ValueError: Kind.MALFORMED,
    LookupError: Kind.MALFORMED,
    TypeError: Kind.MALFORMED,
}
FOREIGN: tuple[type[BaseException], ...] = tuple(KINDS)

START_DOCKER = text(
    "Start Docker. If it is not installed yet, install it first: https://docs.docker.com/engine/install/"
)
TRY_AGAIN = text("It may be restarting. The dashboard keeps trying by itself.")
CHECK_ADDRESS = text("Check DOCKER_HOST and the Docker context: `docker context ls` shows which one is in use.")
READ_DETAILS = text("Read the details below: they are Docker's own words.")


def kind_of(error: BaseException) -> Kind | None:
    """The kind of an error, by its nearest listed class; None for one that is not listed."""
    for base in type(error).__mro__:
        if base in KINDS:
            return KINDS[base]
    return None


def translate(
    error: BaseException, *, address: str, seconds: float, expired: bool = False, container_id: str = ""
) -> HubError:
    """Our error for a foreign one.

    `address` names the engine, `seconds` the deadline that applied, `expired` that our own deadline cut the connection
    (whatever the error then looks like). `container_id` is the container the request was about.
    """
    chain = list(causes(error))
    detail = " ← ".join(dict.fromkeys(_words(link) for link in chain[:4]))[:1000]
    kind = Kind.TIMEOUT if expired else _kind_of_chain(chain)
    if kind is Kind.TIMEOUT:
        return timeout_error(seconds, detail=detail)
    if kind is Kind.MISSING:
        return NoContainer(container_id[:12] or "?")
    if kind is Kind.REFUSED:
        return _refusal(error)
    message, remedy = _why_unavailable(chain, kind, address)
    return EngineUnavailable(message, remedy=remedy, detail=detail)


def timeout_error(seconds: float, *, detail: str | None = None) -> EngineTimeout:
    """The error of a deadline that passed."""
    message = text("Docker did not answer within {seconds} s.", seconds=round(seconds, 1))
    return EngineTimeout(message, remedy=text("The computer may be very busy. Try again in a moment."), detail=detail)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, then what it was made from: causes, and errors that wrappers carry as `reason` or argument."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting and len(seen) < 20:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        inner = [link.__cause__, getattr(link, "reason", None), *link.args, link.__context__]
        waiting.extend(item for item in inner if isinstance(item, BaseException))


def _kind_of_chain(chain: list[BaseException]) -> Kind:
    # While connecting, the SDK wraps whatever happened into a bare DockerException: what it wraps decides then.
    wrapped = type(chain[0]) is sdk.DockerException and len(chain) > 1
    kinds = [kind for kind in map(kind_of, chain[1:] if wrapped else chain) if kind is not None]
    if not kinds:
        return Kind.MALFORMED  # the SDK stumbled over the answer
    if kinds[0] is Kind.UNAVAILABLE and Kind.TIMEOUT in kinds:
        return Kind.TIMEOUT  # requests says ConnectionError for a read that timed out while the body was read
    if kinds[0] is Kind.UNAVAILABLE and any(_is_nonsense(link) for link in chain):
        return Kind.MALFORMED
    return kinds[0]


def _is_nonsense(error: BaseException) -> bool:
    ended = isinstance(error, http.client.RemoteDisconnected | http.client.IncompleteRead)
    return isinstance(error, http.client.HTTPException) and not ended


def _why_unavailable(chain: list[BaseException], kind: Kind, address: str) -> tuple[Text, Text]:
    """Message and remedy for a connection that could not be made."""
    if any(isinstance(link, FileNotFoundError) for link in chain):
        return text(
            "Docker is not installed or not started: there is nothing at {address}.", address=address
        ), START_DOCKER
    if any(isinstance(link, PermissionError) for link in chain):
        return (
            text("This user is not allowed to use Docker."),
            text("Add the user to the group “docker” (`sudo usermod -aG docker $USER`), log in again and start again."),
        )
    if any(isinstance(link, ConnectionRefusedError) for link in chain):
        return text("Docker is not started: nobody answers at {address}.", address=address), START_DOCKER
    if any(isinstance(link, socket.gaierror | transport.NameResolutionError) for link in chain):
        return text("The computer in Docker’s address {address} cannot be found.", address=address), CHECK_ADDRESS
    if any(isinstance(link, ssl.SSLError | transport.SSLError) for link in chain):
        return (
            text("The secure connection to Docker at {address} failed.", address=address),
            text("Check DOCKER_TLS_VERIFY, and that DOCKER_CERT_PATH holds the right ca.pem, cert.pem and key.pem."),
        )
    if kind is Kind.MALFORMED:
        return text("What answers at {address} does not speak like a Docker engine.", address=address), CHECK_ADDRESS
    if kind is Kind.SETUP:
        return text("Docker’s address {address} cannot be used.", address=address), CHECK_ADDRESS
    return text("The connection to Docker at {address} was lost.", address=address), TRY_AGAIN


# What the engine says (first group: what to name) → what a person can do with it.
REFUSALS: tuple[tuple[re.Pattern[str], Text, Text], ...] = (
    (
        re.compile(
            r"(?:bind for|listen \w+)\s+\S*?:(\d+)\S*\s+(?:failed: port is already|bind: address already)", re.I
        ),
        text("Port {what} is already used by another program."),
        text("Stop the other program, or give the service another port in the Compose file."),
    ),
    (
        re.compile(r"no such image:? ?([^\s\"]+)|pull access denied for ([^\s,\"]+)", re.I),
        text("The image {what} is not on this computer."),
        text("Pull or build it first: `docker compose pull`, or `docker compose build`."),
    ),
    (
        re.compile(r"(?:container )?\S+ is not running()", re.I),
        text("The container is not running."),
        text("Start the service first."),
    ),
    (
        re.compile(r"no space left on device()", re.I),
        text("The disk is full."),
        text("Free some space, then try again; `docker system df` shows what Docker uses."),
    ),
    (
        re.compile(r"network (\S+) not found", re.I),
        text("The network {what} that the container needs is gone."),
        text("Create the service anew with `docker compose up -d`."),
    ),
    (
        re.compile(r"error while creating mount source path|bind source path does not exist|not a directory()", re.I),
        text("A file or directory the container needs is missing."),
        text("Create it, or correct the volume in the Compose file; the details name it."),
    ),
)


def _refusal(error: BaseException) -> EngineRefused:
    """What an error answer of the engine means, in plain words where it is one that people meet."""
    words = str(getattr(error, "explanation", None) or error).strip()[:1000]
    for pattern, message, remedy in REFUSALS:
        found = pattern.search(words)
        if found:
            what = next((group for group in found.groups() if group), "")
            return EngineRefused(message.model_copy(update={"params": {"what": what}}), remedy=remedy, detail=words)
    return EngineRefused(text("Docker refused: it answered with an error."), remedy=READ_DETAILS, detail=words)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
