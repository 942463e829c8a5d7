"""No foreign error leaves the adapter: the table is complete, and what people meet has plain words and a remedy."""

from __future__ import annotations

import http.client
import inspect
import socket
import ssl
from types import ModuleType

import pytest
import requests
import requests.exceptions
import urllib3.exceptions
from docker import errors as sdk

from hubcore.adapters.engine_errors import FOREIGN, KINDS, Kind, MalformedAnswer, kind_of, translate
from hubcore.errors import EngineRefused, EngineTimeout, EngineUnavailable, HubError, NoContainer

ADDRESS = "unix:///var/run/docker.sock"


def exceptions_of(module: ModuleType) -> list[type[BaseException]]:
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Exception) and not issubclass(value, Warning)
    ]


@pytest.mark.parametrize(
    "error", {*exceptions_of(sdk), *exceptions_of(requests.exceptions), *exceptions_of(urllib3.exceptions)}
)
def test_every_foreign_class_is_mapped_and_caught(error: type[BaseException]) -> None:
    assert issubclass(error, FOREIGN)
    assert any(base in KINDS for base in error.__mro__)


def test_the_table_holds_each_family() -> None:
    assert kind_of(sdk.NotFound("x")) is Kind.MISSING
    assert kind_of(sdk.ImageNotFound("x")) is Kind.REFUSED
    assert kind_of(requests.ReadTimeout()) is Kind.TIMEOUT
    assert kind_of(requests.ConnectTimeout()) is Kind.TIMEOUT
    assert kind_of(requests.ConnectionError()) is Kind.UNAVAILABLE
    assert kind_of(urllib3.exceptions.ReadTimeoutError(None, "", "")) is Kind.TIMEOUT  # type: ignore[arg-type]
    refused = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]
    assert kind_of(refused) is Kind.UNAVAILABLE
    assert kind_of(KeyboardInterrupt()) is None


def translated(error: BaseException, **options: object) -> HubError:
    return translate(error, address=ADDRESS, seconds=5.0, **options)  # type: ignore[arg-type]


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("root", "words", "remedy"),
    [
        (FileNotFoundError(2, "No such file"), "not installed or not started", "install"),
        (PermissionError(13, "denied"), "not allowed", "usermod -aG docker"),
        (ConnectionRefusedError(111, "refused"), "not started", "Start Docker"),
        (socket.gaierror(-2, "unknown"), "cannot be found", "DOCKER_HOST"),
        (ssl.SSLError("bad certificate"), "secure connection", "DOCKER_CERT_PATH"),
        (ConnectionResetError(104, "reset"), "was lost", "keeps trying"),
        (http.client.BadStatusLine("SSH-2.0-OpenSSH"), "does not speak like", "docker context"),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_why_the_engine_is_away_is_said_in_plain_words(
    root: BaseException, words: str, remedy: str, wrapped: bool
) -> None:
    error: BaseException = requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", root))
    if wrapped:  # as the SDK does while it negotiates the version
        error = caused(sdk.DockerException(f"Error while fetching server API version: {error}"), error)
    found = translated(error)
    assert isinstance(found, EngineUnavailable)
    assert words in found.text.english()
    assert found.remedy is not None and remedy in found.remedy.english()
    assert type(root).__name__ in (found.detail or "")


def test_timeouts_in_any_wrapping() -> None:
    inner = urllib3.exceptions.ReadTimeoutError(None, "/x", "Read timed out.")  # type: ignore[arg-type]
    for error in (requests.ReadTimeout(inner), requests.ConnectionError(inner), TimeoutError("timed out"), inner):
        found = translated(error)
        assert isinstance(found, EngineTimeout), error
        assert "5" in found.text.english()


def test_what_our_own_deadline_cut_is_a_timeout_whatever_it_looks_like() -> None:
    for error in (requests.ConnectionError("reset"), requests.exceptions.JSONDecodeError("x", "", 0), ValueError("x")):
        assert isinstance(translated(error, expired=True), EngineTimeout)


def test_a_missing_container_and_a_refusal() -> None:
    found = translated(sdk.NotFound("404", explanation="No such container: abc"), container_id="ab" * 32)
    assert isinstance(found, NoContainer)
    assert "abababababab" in found.text.english()
    refused = translated(sdk.APIError("500", explanation="something odd"))
    assert isinstance(refused, EngineRefused)
    assert refused.detail == "something odd"
    assert refused.remedy is not None


@pytest.mark.parametrize(
    ("explanation", "words"),
    [
        (
            "driver failed programming external connectivity on endpoint web (8f): Bind for 0.0.0.0:8080 failed: "
            "port is already allocated",
            "Port 8080 is already used",
        ),
        (
            "driver failed programming external connectivity: Error starting userland proxy: listen tcp4 "
            "127.0.0.1:5432: bind: address already in use",
            "Port 5432 is already used",
        ),
        ("Container 12ab is not running", "not running"),
        ("No such image: nginx:alpine", "image nginx:alpine is not"),
        ("mkdir /x: no space left on device", "disk is full"),
        ("network stack_default not found", "network stack_default"),
        ('error while creating mount source path "/srv/x": mkdir', "file or directory"),
    ],
)
def test_common_refusals_are_explained(explanation: str, words: str) -> None:
    found = translated(sdk.APIError("409", explanation=explanation))
    assert words in found.text.english()
    assert found.remedy is not None
    assert found.detail == explanation


def test_malformed_answers_and_wrong_settings_make_the_engine_unavailable() -> None:
    for error in (MalformedAnswer("x"), requests.exceptions.JSONDecodeError("x", "", 0), KeyError("ApiVersion")):
        assert "does not speak" in translated(error).text.english()
    for other in (sdk.TLSParameterError("x"), sdk.ContextException("x"), requests.exceptions.InvalidURL("x")):
        found = translated(other)
        assert isinstance(found, EngineUnavailable)
        assert "cannot be used" in found.text.english()


def test_a_circle_of_causes_ends() -> None:
    first, second = requests.ConnectionError("a"), OSError("b")
    first.__cause__, second.__cause__ = second, first
    assert isinstance(translated(first), EngineUnavailable)
