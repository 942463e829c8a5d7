"""Passwords in addresses are shown nowhere."""

from __future__ import annotations

import pytest

from hubcore.userinfo import scrubbed, userinfo, without_userinfo


@pytest.mark.parametrize(
    ("url", "shown", "hidden"),
    [
        ("tcp://me:geheim@host:2375", "tcp://host:2375", "me:geheim"),
        ("tcp://me:ge@he:im@host:2375", "tcp://host:2375", "me:ge@he:im"),
        ("me:geheim@host:2375", "host:2375", "me:geheim"),
        ("ssh://me@host", "ssh://host", "me"),
        ("https://me:geheim@[::1]:2376/path", "https://[::1]:2376/path", "me:geheim"),
        ("tcp://host:2375", "tcp://host:2375", ""),
        ("unix:///var/run/a@b.sock", "unix:///var/run/a@b.sock", ""),
        ("http+unix:///var/run/a@b.sock", "http+unix:///var/run/a@b.sock", ""),
        ("npipe:////./pipe/docker@engine", "npipe:////./pipe/docker@engine", ""),
        ("", "", ""),
    ],
)
def test_addresses(url: str, shown: str, hidden: str) -> None:
    assert without_userinfo(url) == shown
    assert userinfo(url) == hidden


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Failed to parse: http://me:ge%40heim@host", "Failed to parse: http://…@host"),
        ("user me:ge@heim refused", "user … refused"),
        ("password ge@heim", "password …"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_foreign_words(words: str, expected: str) -> None:
    assert scrubbed(words, "tcp://me:ge%40heim@host:2375") == expected


def test_short_words_are_no_secrets() -> None:
    assert scrubbed("a cab", "tcp://a@host") == "a cab"
