"""What an answer, or its absence, means for a service."""

from __future__ import annotations

import struct

import pytest
from pydantic import SecretStr

from hubcore import probing
from hubcore.models import HealthStatus, Means, dump
from hubcore.probing import Failure, ProbeSpec

HTTP = ProbeSpec(means=Means.HTTP, port=4000, path="/v1/models")
POSTGRES = ProbeSpec(means=Means.POSTGRES, port=5432)
REDIS = ProbeSpec(means=Means.REDIS, port=6379)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, HealthStatus.HEALTHY),
        (204, HealthStatus.DEGRADED),
        (401, HealthStatus.DEGRADED),
        (403, HealthStatus.DEGRADED),
        (404, HealthStatus.DEGRADED),
        (500, HealthStatus.DEGRADED),
        (502, HealthStatus.UNHEALTHY),
        (503, HealthStatus.UNHEALTHY),
        (504, HealthStatus.UNHEALTHY),
    ],
)
def test_http_statuses(status: int, expected: HealthStatus) -> None:
    found = probing.http_answer(HTTP, status, "", b"<b>words</b>")
    assert found.status is expected
    if expected is not HealthStatus.HEALTHY:
        assert found.reason is not None and str(status) in found.reason.english()
        assert found.remedy is not None
        assert found.detail == f"HTTP {status}: <b>words</b>"


def test_a_redirect_elsewhere_shows_that_it_works() -> None:
    assert probing.http_answer(HTTP, 302, "", b"", elsewhere=True).status is HealthStatus.HEALTHY


def test_a_refused_key_names_the_setting() -> None:
    spec = HTTP.model_copy(update={"bearer": SecretStr("sk-1"), "key_setting": "DASHBOARD_LITELLM_API_KEY"})
    found = probing.http_answer(spec, 401, "", b"")
    assert found.reason is not None and "refuses the dashboard’s key" in found.reason.english()
    assert found.remedy is not None and "DASHBOARD_LITELLM_API_KEY" in found.remedy.english()
    without = probing.http_answer(HTTP, 401, "", b"")
    assert without.reason is not None and "asks for a key" in without.reason.english()


@pytest.mark.parametrize(
    ("head", "body", "healthy"),
    [
        ("server: tika", b"", True),
        ("", b'{"x": "tika"}', True),
        ("server: nginx", b"hello", False),
        ("", "täka".encode("latin-1"), False),
    ],
)
def test_the_service_must_be_the_one_expected(head: str, body: bytes, healthy: bool) -> None:
    found = probing.http_answer(HTTP.model_copy(update={"expect": "tika"}), 200, head, body)
    assert found.status is (HealthStatus.HEALTHY if healthy else HealthStatus.DEGRADED)


@pytest.mark.parametrize("failure", list(Failure))
def test_every_failure_has_a_status_a_reason_and_a_remedy(failure: Failure) -> None:
    expected = {
        Failure.TIMEOUT: HealthStatus.TIMEOUT,
        Failure.REFUSED: HealthStatus.UNREACHABLE,
        Failure.CLOSED: HealthStatus.UNREACHABLE,
        Failure.UNREACHABLE: HealthStatus.UNREACHABLE,
        Failure.NAME: HealthStatus.ERROR,
        Failure.SECURITY: HealthStatus.ERROR,
        Failure.CUT: HealthStatus.DEGRADED,
        Failure.NONSENSE: HealthStatus.DEGRADED,
    }
    found = probing.failed(failure, HTTP, 5.0, "raw")
    assert found.status is expected[failure]
    assert found.reason is not None and found.reason.english()
    assert found.remedy is not None and found.remedy.english()
    assert found.detail == "raw"


def test_the_deadline_is_named() -> None:
    found = probing.failed(Failure.TIMEOUT, HTTP, 5.0)
    assert found.reason is not None and "within 5" in found.reason.english()


def test_the_startup_message_is_the_one_of_the_manual() -> None:
    message = probing.postgres_startup("me", "")
    length, version = struct.unpack("!ii", message[:8])
    assert (length, version) == (len(message), 196608)
    assert message[8:] == b"user\0me\0database\0me\0application_name\0hub-dashboard\0\0"


def error(code: str, message: str) -> bytes:
    body = b"SFATAL\0VFATAL\0" + f"C{code}\0M{message}\0".encode() + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


@pytest.mark.parametrize(
    ("data", "status", "starting"),
    [
        (b"R\0\0\0\x08\0\0\0\0", HealthStatus.HEALTHY, False),
        (b"R\0\0\0\x17\0\0\0\nSCRAM-SHA-256\0\0", HealthStatus.HEALTHY, False),
        (b"v\0\0\0\x0c\0\0\0\0\0\0\0\0", HealthStatus.HEALTHY, False),
        (error("28P01", "password authentication failed"), HealthStatus.HEALTHY, False),
        (error("3D000", 'database "x" does not exist'), HealthStatus.HEALTHY, False),
        (error("57P03", "the database system is starting up"), HealthStatus.UNHEALTHY, True),
        (error("57P03", "система баз данных запускается"), HealthStatus.UNHEALTHY, True),
        (error("57P03", "the database system is shutting down"), HealthStatus.UNHEALTHY, False),
        (error("53300", "sorry, too many clients already"), HealthStatus.DEGRADED, False),
        (b"Eout of memory\0", HealthStatus.DEGRADED, False),
        (b"HTTP/1.1 400 Bad Request\r\n", HealthStatus.DEGRADED, False),
        (b"E", HealthStatus.DEGRADED, False),
        (b"\0\0\0", HealthStatus.DEGRADED, False),
    ],
)
def test_postgres_answers(data: bytes, status: HealthStatus, starting: bool) -> None:
    found = probing.postgres_answer(POSTGRES, data)
    assert (found.status, found.starting) == (status, starting)
    assert (found.reason is None) is (status is HealthStatus.HEALTHY)


@pytest.mark.parametrize(
    ("data", "status", "starting"),
    [
        (b"+PONG\r\n", HealthStatus.HEALTHY, False),
        (b"PONG\n", HealthStatus.HEALTHY, False),  # redis-cli
        (b"-NOAUTH Authentication required.\r\n", HealthStatus.HEALTHY, False),
        (b"-DENIED Redis is running in protected mode\r\n", HealthStatus.HEALTHY, False),
        (b"-LOADING Redis is loading the dataset in memory\r\n", HealthStatus.DEGRADED, True),
        (b"-MISCONF Redis is configured to save RDB snapshots\r\n", HealthStatus.DEGRADED, False),
        (b"-MASTERDOWN Link with MASTER is down\r\n", HealthStatus.DEGRADED, False),
        (b"-ERR max number of clients reached\r\n", HealthStatus.DEGRADED, False),
        (b"HTTP/1.1 400 Bad Request\r\n", HealthStatus.DEGRADED, False),
        (b"\xff\x00\x01", HealthStatus.DEGRADED, False),
        (b"", HealthStatus.DEGRADED, False),
    ],
)
def test_redis_answers(data: bytes, status: HealthStatus, starting: bool) -> None:
    found = probing.redis_answer(REDIS, data)
    assert (found.status, found.starting) == (status, starting)


@pytest.mark.parametrize(
    ("command", "code", "output", "status", "starting"),
    [
        (("true",), 0, b"", HealthStatus.HEALTHY, False),
        (("check",), 1, b"broken", HealthStatus.UNHEALTHY, False),
        (("nosuch",), 126, b"executable file not found", HealthStatus.ERROR, False),
        (("/bin/nosuch",), 127, b"", HealthStatus.ERROR, False),
        (("pg_isready", "-U", "postgres"), 0, b"accepting connections", HealthStatus.HEALTHY, False),
        (("/usr/bin/pg_isready",), 1, b"rejecting connections", HealthStatus.UNHEALTHY, True),
        (("pg_isready",), 2, b"no response", HealthStatus.UNHEALTHY, False),
        (("redis-cli", "ping"), 0, b"PONG\n", HealthStatus.HEALTHY, False),
        (("redis-cli", "ping"), 0, b"LOADING Redis is loading\n", HealthStatus.DEGRADED, True),
        (("redis-cli", "ping"), 0, b"NOAUTH Authentication required.\n", HealthStatus.HEALTHY, False),
        (("redis-cli", "ping"), 1, b"Could not connect", HealthStatus.UNHEALTHY, False),
    ],
)
def test_commands(command: tuple[str, ...], code: int, output: bytes, status: HealthStatus, starting: bool) -> None:
    found = probing.exec_result(ProbeSpec(means=Means.EXEC, command=command), code, output)
    assert (found.status, found.starting) == (status, starting)


@pytest.mark.parametrize(
    ("word", "status", "starting"),
    [
        ("healthy", HealthStatus.HEALTHY, False),
        ("unhealthy", HealthStatus.UNHEALTHY, False),
        ("starting", HealthStatus.UNKNOWN, True),
        (None, HealthStatus.UNKNOWN, False),
    ],
)
def test_dockers_own_check(word: str | None, status: HealthStatus, starting: bool) -> None:
    found = probing.docker_finding(word, "curl: (7)\x1b[31m\n failed")
    assert (found.status, found.starting) == (status, starting)
    if word == "unhealthy":
        assert found.detail == "curl: (7)[31m failed"


def test_the_key_is_in_no_text_form_of_a_probe() -> None:
    spec = HTTP.model_copy(update={"bearer": SecretStr("sk-secret"), "fallbacks": (HTTP,)})
    spec = ProbeSpec(means=Means.TCP, fallbacks=(spec,))
    for words in (repr(spec), str(spec), spec.model_dump_json(), str(dump(spec)), str(spec.fallbacks[0].target)):
        assert "sk-secret" not in words


@pytest.mark.parametrize(
    ("spec", "target"),
    [
        (HTTP, "http://127.0.0.1:4000/v1/models"),
        (ProbeSpec(means=Means.HTTP, scheme="https", host="::1", port=443), "https://[::1]:443/"),
        (POSTGRES, "postgres://127.0.0.1:5432"),
        (ProbeSpec(means=Means.EXEC, command=("redis-cli", "ping")), "redis-cli ping"),
        (ProbeSpec(means=Means.DOCKER), None),
    ],
)
def test_targets(spec: ProbeSpec, target: str | None) -> None:
    assert spec.target == target


def test_a_services_words_are_cut_and_made_one_line() -> None:
    words = probing.printable(b"a\r\n\tb\x00\x1b " + b"x" * 5000)
    assert words.startswith("a b xxx")
    assert len(words) == probing.DETAIL_LIMIT
