"""Answers of Ollama, LiteLLM, SearXNG, PostgreSQL's and Redis's tools: what they mean, and that nonsense is noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubcore import upstream_parse as parse
from hubcore.errors import BadRequest
from hubcore.models import dump
from hubcore.models.upstream import MOST, PullProgress

GB = 10**9

# --- names of models


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("llama3", "llama3:latest"),
        ("llama3.2:3b", "llama3.2:3b"),
        (" llama3 \n", "llama3:latest"),
        ("library/llama3", "library/llama3:latest"),
        ("hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M", "hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M"),
        ("registry.example:5000/me/model", "registry.example:5000/me/model:latest"),
        ("_x", "_x:latest"),
    ],
)
def test_names_of_models(raw: str, name: str) -> None:
    assert parse.ollama_name(raw) == name
    assert parse.ollama_name(name) == name


@pytest.mark.parametrize(
    "raw",
    [
        *("", " ", ":", "-", "--help", "-insecure", "a b", "a:", ":latest", "a:b:c", "a/", "/a", "a//b", "a/b/c/d"),
        *("..", "../a", "a/../b", "a\0", "a\nb", "a\x1b[31m", "модель", "a?b", "a#b", "a&b=c", "a%2fb", "a@sha256:0"),
        *("http://x/y/z", "a\\b", '"a"', "a" * 201, "a" * 81, "x/" + "a" * 200),
    ],
)
def test_what_is_no_name_is_refused(raw: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse.ollama_name(raw)
    assert caught.value.remedy is not None
    assert caught.value.text.english().isprintable()


@given(st.text(max_size=220))
def test_any_text_is_a_name_or_refused(raw: str) -> None:
    try:
        name = parse.ollama_name(raw)
    except BadRequest:
        return
    assert name.isascii() and name.isprintable() and not name.startswith("-") and ".." not in name.split("/")
    assert len(name) <= parse.LONGEST_NAME + len(":latest")


# --- nonsense

READERS: list[Callable[[bytes], Any]] = [
    parse.ollama_version,
    parse.ollama_models,
    parse.loaded_models,
    parse.litellm_models,
    parse.litellm_health,
    lambda body: parse.completion("m", body),
    parse.engines,
    lambda body: parse.advanced(PullProgress(), body),
    parse.database_status,
    parse.redis_info,
]
NONSENSE = [b"", b"<html>", b"null", b"[]", b'"x"', b"1", b"\xff\xfe", b"{", b"[" * 5000, b'{"a": NaN}']
WRONG = [b'{"models": 1, "data": 1, "engines": 1, "choices": 1, "version": 1}', b'{"data": [{}], "choices": "x"}']


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("body", NONSENSE)
def test_nonsense_is_a_value_error(reader: Callable[[bytes], Any], body: bytes) -> None:
    with pytest.raises(ValueError):
        reader(body)


LENIENT = (parse.litellm_health, READERS[7])  # any object will do: its fields may all be absent


@pytest.mark.parametrize("reader", [reader for reader in READERS if reader not in LENIENT])
@pytest.mark.parametrize("body", WRONG)
def test_an_object_without_what_was_asked_for_is_a_value_error(reader: Callable[[bytes], Any], body: bytes) -> None:
    with pytest.raises(ValueError):
        reader(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_readers_raise_nothing_else(value: Any) -> None:
    try:
        body = orjson.dumps(value)
    except TypeError:
        return  # a number that JSON of ours cannot carry
    for reader in READERS:
        try:
            reader(body)
        except ValueError:
            continue


# --- lists


def test_models_of_ollama_keep_their_own_fields() -> None:
    body = {
        "models": [
            {"name": "a:1", "size": 5, "digest": "d", "modified_at": "t", "details": {"family": "f"}},
            {"name": "b:1", "size": "many", "digest": None},
            {"size": 3},
            {"name": 7},
            "c",
            {"name": "huge", "size": MOST + 1},
        ]
    }
    models = parse.ollama_models(orjson.dumps(body, option=orjson.OPT_PASSTHROUGH_SUBCLASS))
    assert [model.name for model in models] == ["a:1", "b:1", "huge"]
    assert dump(models[0])["details"] == {"family": "f"}
    assert dump(models[1]) == {"name": "b:1", "size": 0, "digest": "", "modified_at": ""}
    assert models[2].size == 0
    assert parse.ollama_models(b'{"models": null}') == ()
    assert parse.loaded_models(b'{"models": [{"name": "a", "size_vram": 3}]}')[0].size_vram == 3


def test_the_list_of_litellm_stays_as_it_is() -> None:
    body = {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "x"}], "more": 1}
    assert dump(parse.litellm_models(orjson.dumps(body))) == body


@pytest.mark.parametrize(
    ("body", "healthy", "unhealthy"),
    [
        ({"healthy_count": 2, "unhealthy_count": 1}, 2, 1),
        ({"healthy_endpoints": [{}, {}], "unhealthy_endpoints": []}, 2, 0),
        ({"healthy_count": True, "healthy_endpoints": [1]}, 1, None),
        ({"healthy_count": -1}, 0, None),
        ({}, None, None),
    ],
)
def test_health_of_litellm(body: dict[str, Any], healthy: int | None, unhealthy: int | None) -> None:
    found = parse.litellm_health(orjson.dumps(body))
    assert (found.healthy, found.unhealthy) == (healthy, unhealthy)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"choices": [{"message": {"content": "Hello <b>"}}]}, "Hello <b>"),
        ({"choices": []}, ""),
        ({"choices": [{"message": {"content": None}}]}, ""),
        ({"choices": ["x"]}, ""),
        ({"choices": [{"text": "x"}]}, ""),
    ],
)
def test_completions(body: dict[str, Any], words: str) -> None:
    found = parse.completion("m", orjson.dumps(body))
    assert (found.words, found.raw, found.model) == (words, body, "m")


def test_search_engines_that_are_no_objects_are_left_out() -> None:
    assert parse.engines(b'{"engines": [{"name": "a"}, "b", null]}').engines == ({"name": "a"},)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "no"}', "no"),
        (b'{"error": {"message": "bad key", "code": 1}}', "bad key"),
        (b'{"detail": "gone"}', "gone"),
        (b'{"message": "x\\n\\u001b[1my"}', "x [1my"),
        (b'{"error": {}, "detail": "d"}', "d"),
        (b"<html>busy</html>", "<html>busy</html>"),
        (b"[1]", "[1]"),
        (b"", ""),
        (b'{"error": "' + b"x" * 5000 + b'"}', "x" * 300),
    ],
)
def test_words_of_an_error_answer(body: bytes, words: str) -> None:
    assert parse.error_words(body) == words


# --- downloads


def told(*lines: dict[str, Any]) -> PullProgress:
    progress = PullProgress()
    for line in lines:
        progress = parse.advanced(progress, orjson.dumps(line))
    return progress


def layer(digest: str, total: int, completed: int | None = None) -> dict[str, Any]:
    line = {"status": f"pulling {digest}", "digest": f"sha256:{digest}", "total": total}
    return line if completed is None else {**line, "completed": completed}


MANIFEST = {"status": "pulling manifest"}
VERIFYING = {"status": "verifying sha256 digest"}


@pytest.mark.parametrize(
    ("lines", "share", "note"),
    [
        ((), 0.0, "looking for it"),
        ((MANIFEST,), 0.0, "looking for it"),
        ((MANIFEST, layer("a", 4 * GB)), 0.0, "0.0 of 4.0 GB"),
        ((layer("a", 4 * GB, 1 * GB),), 0.25, "1.0 of 4.0 GB"),
        ((layer("a", 4 * GB, 2 * GB), layer("a", 4 * GB, 1 * GB)), 0.5, "1.0 of 4.0 GB"),
        ((layer("a", 8_000_000, 8_000_000), layer("b", 2_000_000)), 0.99, "8.0 of 10.0 MB"),
        ((layer("a", 500, 250),), 0.5, "0.2 of 0.5 KB"),
        ((layer("a", 100, 100),), 0.99, "0.1 of 0.1 KB"),
        ((layer("a", 100, 900),), 0.99, "0.1 of 0.1 KB"),
        ((layer("a", 100, -5),), 0.0, "0.0 of 0.1 KB"),
        ((layer("a", 100, 100), VERIFYING), 0.99, "checking what was downloaded"),
        ((layer("a", 100, 50), {"status": "success"}), 1.0, "complete"),
        (({**MANIFEST, "digest": 1, "total": "x", "completed": []},), 0.0, "looking for it"),
        (({"status": 5},), 0.0, "looking for it"),
    ],
)
def test_progress(lines: tuple[dict[str, Any], ...], share: float, note: str) -> None:
    progress = told(*lines)
    assert progress.share == pytest.approx(share)
    assert parse.pull_note(progress).english() == note
    assert progress.done is (share == 1.0)


def test_only_while_it_downloads_new_bytes_are_expected() -> None:
    assert PullProgress().downloading
    assert told(MANIFEST, layer("a", 5, 1)).downloading
    assert not told(MANIFEST, layer("a", 5, 5), VERIFYING).downloading


def test_an_error_in_the_stream() -> None:
    assert told(MANIFEST, {"error": "no\nspace"}).failure == "no space"
    assert told(MANIFEST).failure is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-5, 2000), st.integers(-5, 2000))))
def test_the_share_never_shrinks_and_is_whole_only_at_the_end(steps: list[tuple[str, int, int]]) -> None:
    progress, before = PullProgress(), 0.0
    for digest, total, completed in steps:
        progress = parse.advanced(progress, orjson.dumps(layer(digest, total, completed)))
        assert before <= progress.share < 1.0
        before = progress.share


# --- PostgreSQL and Redis


@pytest.mark.parametrize(("code", "ready"), [(0, True), (1, False), (2, False), (3, False), (126, False), (-1, False)])
def test_readiness(code: int, ready: bool) -> None:
    found = parse.readiness(code, b"/var/run/postgresql:5432 - rejecting connections\n")
    assert found.ready is ready
    assert (found.reason is None) is (found.remedy is None) is ready
    assert "rejecting" in found.detail


def test_the_answer_of_psql_is_found_among_warnings() -> None:
    output = b'WARNING: x\n{"version" : "PostgreSQL 16.3 on x86_64", "tables" : 12}\n'
    assert parse.database_status(output) == ("PostgreSQL 16.3 on x86_64", 12)


@pytest.mark.parametrize(
    "output",
    [b"psql: error: connection failed\n", b'{"version": 16, "tables": 1}', b'{"version": "x", "tables": true}', b"{}"],
)
def test_what_psql_says_else_is_no_answer(output: bytes) -> None:
    with pytest.raises(ValueError):
        parse.database_status(output)


def test_redis_info() -> None:
    output = (
        b"# Server\r\nredis_version:7.0.15\r\n\r\nused_memory_human:1.20M\r\nuptime_in_seconds:\r\nexecutable:/x:y\r\n"
    )
    assert dump(parse.redis_info(output)) == {
        "version": "7.0.15",
        "memory_used": "1.20M",
        "connected_clients": "unknown",
        "total_commands_processed": "unknown",
        "uptime_in_seconds": "unknown",
    }


@pytest.mark.parametrize("output", [b"NOAUTH Authentication required.\n", b"", b"a:b\n", b"\xff:\xff"])
def test_what_redis_says_else_is_no_answer(output: bytes) -> None:
    with pytest.raises(ValueError):
        parse.redis_info(output)
