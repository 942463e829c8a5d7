"""Which values are secret, how they are shown, and what comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubcore.masking import MASK, MaskStandsForNothing, mask, names_secret, scrub, unmask

SECRET = (
    "POSTGRES_PASSWORD",
    "DB_PASSWD",
    "PGPASSWORD",
    "WEBUI_SECRET_KEY",
    "JWT_SECRET",
    "OPENAI_API_KEY",
    "OPENAI_API_KEYS",
    "apiKey",
    "API-KEY",
    "AWS_ACCESS_KEY_ID",
    "HF_TOKEN",
    "GITHUB_TOKEN",
    "credential",
    "GOOGLE_CREDENTIALS",
    "APIKEY",
    "MASTERKEY",
    "SSH_KEY",
    "REDISCLI_AUTH",
    "ADMIN_PASS",
    "DB_PW",
    "PASSPHRASE",
    "clientSecret",
    "SENTRY_AUTH_TOKEN",
)
OPEN = (
    "OLLAMA_KEEP_ALIVE", "KEYCLOAK_URL", "MAX_TOKENS", "LIMIT_TOKENS", "TOKENIZERS_PARALLELISM", "MONKEY", "AUTHOR",
    "COMPASS", "BYPASS", "LOG_LEVEL", "PORT", "TZ", "DEFAULT_VOICE", "",
)  # fmt: skip


@pytest.mark.parametrize("key", SECRET)
def test_names_of_secrets(key: str) -> None:
    assert names_secret(key)
    assert mask(key, "value") == MASK
    assert mask(key, "") == ""


@pytest.mark.parametrize("key", OPEN)
def test_names_of_others(key: str) -> None:
    assert not names_secret(key)
    assert mask(key, "value") == "value"


@pytest.mark.parametrize("value", ["true", "False", '"yes"', "off"])
def test_a_switch_is_shown(value: str) -> None:
    assert mask("WEBUI_AUTH", value) == mask("ENABLE_API_KEY", value) == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgresql://postgres:pw@db:5432/x", "postgresql://postgres:********@db:5432/x"),
        ("postgresql://postgres:p@ss/w:rd@db:5432/x", "postgresql://postgres:********@db:5432/x"),
        ("x://u:a?b@c#d@h/x", "x://u:********@h/x"),
        ("redis://:pw@redis:6379/0", "redis://:********@redis:6379/0"),
        ("redis://:p/a@ss@h", "redis://:********@h"),
        ("redis://redis:6379/0", "redis://redis:6379/0"),
        ("http://u:p@h/x?mail=a@b", "http://u:********@h/x?mail=a@b"),
        ("http://searxng:8080/search?q=a@b", "http://searxng:8080/search?q=a@b"),
        ("redis://:a@h1,redis://:b@h2", "redis://:********@h1,redis://:********@h2"),
        ("'postgres://u:p@h/d'", "'postgres://u:********@h/d'"),
        ("host=db user=x password=pw dbname=y", "host=db user=x password=******** dbname=y"),
        ("jdbc:postgresql://db/x?user=a&password=b&ssl=1", "jdbc:postgresql://db/x?user=a&password=********&ssl=1"),
        ("https://h/?api_key=abc", "https://h/?api_key=********"),
        ("ssh://git@github.com/x", "ssh://git@github.com/x"),
        ("http://h:80", "http://h:80"),
        ("a:b@c", "a:b@c"),
    ],
)
def test_passwords_inside_of_values(value: str, shown: str) -> None:
    assert mask("URL", value) == shown
    assert unmask("URL", shown, value) == value


URL = "postgresql://postgres:pw@db:5432/x"


@pytest.mark.parametrize(
    ("key", "value", "stored", "meant"),
    [
        ("API_KEY", MASK, "sk", "sk"),
        ("API_KEY", "new", "sk", "new"),
        ("API_KEY", "", "sk", ""),
        ("API_KEY", "new", None, "new"),
        ("URL", f"postgresql://postgres:{MASK}@other:5432/y", URL, "postgresql://postgres:pw@other:5432/y"),
        ("URL", f"postgresql://another:{MASK}@db/x", URL, "postgresql://another:pw@db/x"),
        ("URL", "postgresql://postgres:new@db:5432/x", URL, "postgresql://postgres:new@db:5432/x"),
        ("URLS", f"r://:{MASK}@h,r://:new@i", "r://:a@h1,r://:b@h2", "r://:a@h,r://:new@i"),
        ("URLS", f"r://:{MASK}@h,r://:{MASK}@i", "r://:a@h1,r://:b@h2", "r://:a@h,r://:b@i"),
        ("URLS", f"r://:new@g,r://:{MASK}@i", "r://:a@h1", "r://:new@g,r://:a@i"),
        ("LINE", "******** decoration ********", None, "******** decoration ********"),
    ],
)
def test_what_comes_back(key: str, value: str, stored: str | None, meant: str) -> None:
    assert unmask(key, value, stored) == meant


@pytest.mark.parametrize(
    ("key", "value", "stored"),
    [
        ("API_KEY", MASK, None),
        ("API_KEY", MASK, ""),
        ("API_KEY", f'"{MASK}"', "sk"),
        ("API_KEY", f"sk-{MASK}", "sk"),
        ("PORT", MASK, "80"),
        ("URL", f"postgresql://u:{MASK}@h/x", "none"),
        ("URL", f"postgresql://u:{MASK}@h/x", None),
        ("URLS", f"r://:{MASK}@h,r://:{MASK}@i", "r://:a@h1"),
        ("URLS", f"r://:{MASK}@h", "r://:a@h1,r://:b@h2"),
    ],
)
def test_a_mask_that_stands_for_nothing(key: str, value: str, stored: str | None) -> None:
    with pytest.raises(MaskStandsForNothing):
        unmask(key, value, stored)


PARTS = st.lists(st.sampled_from(["://", ":", "@", "/", "a", "b.c", "password=", " ", "&", "?", '"', "80", "x", ","]))


@given(st.sampled_from(["URL", "API_KEY", "WEBUI_AUTH"]), PARTS.map("".join))
def test_what_is_shown_and_sent_back_is_what_is_stored(key: str, value: str) -> None:
    assert unmask(key, mask(key, value), value) == value


def test_scrubbing_foreign_words() -> None:
    said = "failed near secret-longer and secret, in line 1"
    assert scrub(said, ["secret", "secret-longer", "in", ""]) == f"failed near {MASK} and {MASK}, in line 1"
