"""Where files are: env files of services, mounts of containers, and nginx's own test."""

from __future__ import annotations

import pytest

from hubcore.mounts import outward, pairs_of, targets
from hubcore.nginx_check import checking_command, complaint
from hubcore.stackpaths import EnvPath, env_path, relative


@pytest.mark.parametrize(
    ("named", "usual", "found"),
    [
        (None, "redis.env", EnvPath("env/redis.env", True)),
        (None, None, EnvPath(None, True)),
        ((), "redis.env", EnvPath("env/redis.env", False)),
        (("./env/redis.env",), "redis.env", EnvPath("env/redis.env", True)),
        ((".env", "env/redis.env"), "redis.env", EnvPath("env/redis.env", True)),
        (("config/my.env", "b.env"), None, EnvPath("config/my.env", True)),
        (("config/my.env",), "redis.env", EnvPath("config/my.env", True)),
        (("/etc/my.env",), "redis.env", EnvPath("env/redis.env", False)),
        (("../my.env", "~/x", "C:\\x"), None, EnvPath(None, False)),
    ],
)
def test_the_env_file_of_a_service(named: tuple[str, ...] | None, usual: str | None, found: EnvPath) -> None:
    assert env_path(named, usual) == found


@pytest.mark.parametrize(
    ("raw", "path"),
    [("./a/../b", "b"), ("a\\b", "a/b"), ("a//b/./c", "a/b/c"), ("..", None), (".", None), ("a/../../b", None)],
)
def test_paths_in_their_plain_form(raw: str, path: str | None) -> None:
    assert relative(raw) == path


MOUNTS = [("/s/conf", "/etc/x"), ("/s/other.conf", "/etc/x/a.conf"), ("/s/one.conf", "/one"), ("data", "/data")]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/s/conf/b.conf", ["/etc/x/b.conf"]),
        ("/s/conf/a.conf", []),  # another file lies over it
        ("/s/other.conf", ["/etc/x/a.conf"]),
        ("/s/one.conf", ["/one"]),
        ("/s/configuration", []),
        ("/elsewhere", []),
    ],
)
def test_where_a_file_is_seen_in_a_container(path: str, found: list[str]) -> None:
    assert targets(path, MOUNTS) == found


def test_from_inside_a_container_outwards() -> None:
    own = [("/home/u/stack", "/stack"), ("/home/u/deep", "/stack/deep")]
    assert outward("/stack/conf/a", own) == "/home/u/stack/conf/a"
    assert outward("/stack/deep/a", own) == "/home/u/deep/a"
    assert outward("/tmp/a", own) is None
    assert pairs_of(["/a:/b", "vol:/c", ":/d"]) == [("/a", "/b"), ("vol", "/c")]


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"], ("nginx", "-g", "daemon off;", "-t")),
        (["nginx", "-c", "/etc/x.conf", "-t"], ("nginx", "-c", "/etc/x.conf", "-t")),
        (["/usr/sbin/nginx-debug"], ("/usr/sbin/nginx-debug", "-t")),
        (["sh", "-c", "nginx -g 'daemon off;'"], None),
        (["/start.sh"], None),
        ([], None),
    ],
)
def test_how_nginx_is_asked(command: list[str], asked: tuple[str, ...] | None) -> None:
    assert checking_command(command) == asked


def test_what_nginx_says() -> None:
    said = b'nginx: [warn] old\nnginx: [emerg] unknown directive "x" in /a/b.conf:3\nnginx: configuration file failed\n'
    assert complaint(said) == 'unknown directive "x" in /a/b.conf:3'
    assert complaint(b'2026/01/01 00:00:00 [emerg] 1#1: host not found in upstream "a" in /x:1\n').startswith(
        "host not"
    )
    assert complaint(b"something else") == "something else"
    assert complaint(b"") == ""
