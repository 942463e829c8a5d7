"""The OpenAPI document: valid, complete, and made from the models; the page /docs shows it without anything foreign."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api_sidecar.app import routes
from api_sidecar.examples import body_example, curl, example_of, filled
from api_sidecar.openapi import document, path_of, usual_errors
from api_sidecar.route import Route
from hubcore.roles import Role
from hubcore.settings import VERSION

from .sidecar_kit import Bench, bench, state

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with bench(monkeypatch) as made:
        made.publish(state("redis"))
        yield made


def fetched(ready: Bench) -> dict[str, Any]:
    found: dict[str, Any] = ready.client("GET", "/openapi.json").json()
    return found


def operations(found: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(m.upper(), path): o for path, methods in found["paths"].items() for m, o in methods.items()}


def test_it_is_a_valid_document(ready: Bench) -> None:
    found = fetched(ready)
    assert found["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(found).iter_errors()] == []


def test_every_route_is_in_it_and_nothing_else(ready: Bench) -> None:
    assert set(operations(fetched(ready))) == {(r.method, path_of(r.rule)) for r in routes(ready.hub)}


def test_every_operation_tells_all_that_a_client_needs(ready: Bench) -> None:
    table = {(r.method, path_of(r.rule)): r for r in routes(ready.hub)}
    found = operations(fetched(ready))
    identifiers = [operation["operationId"] for operation in found.values()]
    assert len(set(identifiers)) == len(identifiers)
    for key, operation in found.items():
        route = table[key]
        assert operation["summary"] and operation["tags"] != [""], key
        assert operation["x-role"] == (route.role.value if route.role else None)
        assert operation["responses"]["200"]["content"], f"{key}: no model of its answer"
        assert {int(s) for s in operation["responses"]} == {200, *usual_errors(route), *route.doc.errors}
        wildcards = set(re.findall(r"{(\w+)}", key[1]))
        assert {p["name"] for p in operation["parameters"] if p["in"] == "path"} == wildcards
        assert all(p["description"] for p in operation["parameters"]), key
        assert ("requestBody" in operation) is (key[0] == "POST")


def test_errors_are_described_by_one_schema(ready: Bench) -> None:
    for key, operation in operations(fetched(ready)).items():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                reference = response["content"]["application/json"]["schema"]["$ref"]
                assert reference.endswith("/Error"), (key, status)


def test_answers_may_grow_but_nothing_may_be_missing(ready: Bench) -> None:
    schemas = fetched(ready)["components"]["schemas"]
    entry = schemas["StatusEntry"]
    assert "additionalProperties" not in entry
    assert {"name", "description", "container_status", "health_status", "url"} <= set(entry["required"])
    assert "container_error" not in entry["required"]


@pytest.mark.parametrize(("needs_token", "security"), [(True, [{"bearer": []}]), (False, [{}, {"bearer": []}])])
def test_what_a_client_has_to_send(needs_token: bool, security: list[Any]) -> None:
    table = [Route("GET", "/a", print, Role.VIEWER), Route("GET", "/healthz", print, None)]  # type: ignore[arg-type]
    made = document(table, version="1", needs_token=needs_token)
    assert made["paths"]["/a"]["get"]["security"] == security
    assert made["paths"]["/healthz"]["get"]["security"] == []


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("/a/<name>/b", "/a/{name}/b"),
        ("/a/<name:re:[a-z]+>/<id:int>", "/a/{name}/{id}"),
        ("/plain", "/plain"),
    ],
)
def test_paths(rule: str, path: str) -> None:
    assert path_of(rule) == path


def test_the_version_is_that_of_the_project(ready: Bench) -> None:
    assert fetched(ready)["info"]["version"] == VERSION
    assert f'\nversion = "{VERSION}"\n' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_an_unchanged_description_is_not_sent_again(ready: Bench) -> None:
    for path in ("/openapi.json", "/docs"):
        tag = ready.client("GET", path).headers["etag"]
        again = ready.client("GET", path, headers={"If-None-Match": tag})
        assert (again.status, again.body) == (304, b"")


# --- the page


class Seen(HTMLParser):
    """What a page holds."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


def page(ready: Bench, language: str = "en") -> str:
    answer = ready.client("GET", "/docs", headers={"Accept-Language": language})
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.body.decode()


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(ready: Bench) -> None:
    seen = Seen(page(ready))
    assert not {"script", "img", "link", "iframe", "form", "object"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name in ("src", "style")]
    assert all(link.startswith(("#", "?")) or link == "openapi.json" for link in seen.values("href"))


def test_the_pages_policy_allows_its_style_and_nothing_else(ready: Bench) -> None:
    answer = ready.client("GET", "/docs")
    style = re.search(r"<style>(.*?)</style>", answer.body.decode(), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(sha256(style[1].encode()).digest()).decode()
    directives = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert directives.pop("style-src") == f"'sha256-{digest}'"
    assert set(directives.values()) == {"'none'"}
    assert {"default-src", "base-uri", "form-action", "frame-ancestors"} <= set(directives)


def test_every_link_within_the_page_leads_somewhere_and_no_name_stands_twice(ready: Bench) -> None:
    seen = Seen(page(ready))
    names = seen.values("id")
    assert len(set(names)) == len(names)
    assert {link[1:] for link in seen.values("href") if link.startswith("#")} <= set(names)


def test_every_operation_is_shown_with_an_example(ready: Bench) -> None:
    shown = page(ready)
    for (method, path), operation in operations(fetched(ready)).items():
        part = shown.split(f'<article id="{operation["operationId"]}"')[1].split("</article>")[0]
        assert f"<code>{path}</code>" in part and method in part
        assert "curl" in part
        assert all(f"{kind}</code>" in part for kind in operation["responses"]["200"]["content"] if "text" in kind)
    assert "…" not in shown, "a field of a sentence was not filled in"


@pytest.mark.parametrize(("language", "word"), [("en", "Contents"), ("ru", "Содержание")])
def test_the_frame_speaks_the_readers_language(ready: Bench, language: str, word: str) -> None:
    assert word in page(ready, language)
    chosen = ready.client("GET", "/docs", query=f"language={language}", headers={"Accept-Language": "de"})
    assert word in chosen.body.decode()
    assert f'<html lang="{language}">' in chosen.body.decode()


def test_examples_of_bodies() -> None:
    schemas = {"Inner": {"properties": {"a": {"examples": ["x"]}, "b": {"type": "string"}}}}
    assert example_of({"$ref": "#/components/schemas/Inner"}, schemas) == {"a": "x"}
    assert example_of({"properties": {"b": {"type": "string"}}}, schemas) is None


def test_every_example_asks_for_its_address_with_a_body_that_fits(ready: Bench) -> None:
    found = fetched(ready)
    schemas = found["components"]["schemas"]
    for route in routes(ready.hub):
        operation = found["paths"][path_of(route.rule)][route.method.lower()]
        path = filled(path_of(route.rule), operation)
        assert re.fullmatch(re.sub("<[^>]*>", "[^/]+", route.rule), path.partition("?")[0]), path
        command = curl(route.method.lower(), path_of(route.rule), operation, schemas, base="http://x", token=True)
        assert f"http://x{path}" in command
        assert ("Authorization" in command) is (route.role is not None)
        if route.doc.body is not None:
            route.doc.body.model_validate(body_example(operation, schemas))
