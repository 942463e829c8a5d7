"""Compose files, containers and presets become one list of services."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hubcore.adapters.stackfile import StackFiles
from hubcore.catalog import build, dependency_levels, detect_project
from hubcore.compose_file import interpolate, parse_compose, project_name
from hubcore.models import Container, ContainerStatus
from hubcore.presets import PRESETS, image_name, preset_for


def container(name: str, *, project: str | None = "p", service: str | None = None, **fields: object) -> Container:
    fields.setdefault("status", ContainerStatus.RUNNING)
    return Container(id=f"id-{name}", name=name, project=project, service=service, **fields)  # type: ignore[arg-type]


COMPOSE = {
    "name": "${NAME:-demo}",
    "services": {
        "db": {"image": "postgres:16", "env_file": ["./env/db.env"]},
        "notes": {
            "image": "busybox",
            "depends_on": {"db": {"condition": "service_healthy"}, "redis": None},
            "labels": ["dashboard.title=My notes", "dashboard.category=frontend", "dashboard.probe=http://:8080/"],
        },
        "vector": {"image": "registry.example/pgvector/pgvector:pg16", "container_name": "vec", "depends_on": ["db"]},
        "odd": None,
    },
}


def test_a_compose_file_is_read_with_its_variables() -> None:
    stack = parse_compose(COMPOSE, path="compose.yml", variables={"NAME": "mine"})
    assert stack.project == "mine"
    assert stack.services["notes"].depends_on == {"db": "service_healthy", "redis": "service_started"}
    assert stack.services["vector"].depends_on == {"db": "service_started"}
    assert stack.services["db"].env_files == ("./env/db.env",)


@pytest.mark.parametrize(("data"), [None, [], "text", {"services": []}, {"services": {"a": 3}}])
def test_nonsense_in_place_of_a_compose_file_is_survived(data: object) -> None:
    assert parse_compose(data, path="x", variables={}).project is None


@pytest.mark.parametrize(
    ("value", "result"),
    [("$A-x", "1-x"), ("${A}", "1"), ("${B:-d}", "d"), ("${B-d}", "d"), ("$$A", "$A"), ("${B}", ""), ("${B:?why}", "")],
)
def test_interpolation(value: str, result: str) -> None:
    assert interpolate(value, {"A": "1"}) == result


def test_services_come_from_file_containers_and_presets() -> None:
    stack = parse_compose(COMPOSE, path="x", variables={})
    services = build(stack, "demo", [container("demo-extra-1", project="demo", service="extra")])
    assert set(PRESETS) <= services.keys()
    assert services["extra"].defined and not services["extra"].known
    assert services["db"].defined and services["db"].container_name == "demo-db-1"
    assert not services["tika"].defined and services["tika"].container_name == "open-webui-hub-tika-1"
    notes = services["notes"]
    assert (notes.title, notes.category, notes.group, notes.probe_label) == (
        "My notes",
        "frontend",
        "chat",
        "http://:8080/",
    )
    assert services["vector"].kind == "db" and services["vector"].container_name == "vec"


def test_replicas_come_running_first() -> None:
    stack = parse_compose({"services": {"web": {}}}, path="x", variables={})
    replicas = [
        container("p-web-1", service="web", number=1, status=ContainerStatus.EXITED),
        container("p-web-2", service="web", number=2),
    ]
    assert [c.name for c in build(stack, "p", replicas)["web"].containers] == ["p-web-2", "p-web-1"]


def test_a_container_of_another_project_is_not_taken() -> None:
    stack = parse_compose({"services": {"db": {"image": "postgres"}}}, path="x", variables={})
    other = container("open-webui-hub-db-1", project="other", service="db")
    assert build(stack, "p", [other])["db"].containers == ()


def test_containers_started_by_hand_belong_to_known_services() -> None:
    stack = parse_compose({}, path="x", variables={})
    lone = [container("my-llm", project=None, image="ollama/ollama:latest"), container("redis", project=None)]
    services = build(stack, None, lone)
    assert services["ollama"].containers[0].name == "my-llm"
    assert services["redis"].containers[0].name == "redis"
    assert not services["db"].defined


def test_labels_and_ids_protect() -> None:
    stack = parse_compose(
        {"services": {"a": {"labels": {"dashboard.protected": "true"}}, "b": {}}}, path="x", variables={}
    )
    services = build(stack, "p", [container("p-b-1", service="b")], frozenset({"id-p-b-1"}))
    assert services["a"].protected and services["b"].protected and not services["db"].protected


def test_the_project_with_most_known_services_is_found() -> None:
    containers = [
        container("a", project="blog", service="web"),
        container("b", project="ai", service="ollama"),
        container("c", project="ai", service="db"),
    ]
    assert detect_project(containers) == "ai"
    assert detect_project([]) is None


def test_dependency_levels() -> None:
    depends = {"web": ["db", "cache"], "db": ["disk"], "cache": ["elsewhere"]}
    assert dependency_levels(["web", "db", "cache", "disk"], depends) == [["cache", "disk"], ["db"], ["web"]]
    assert dependency_levels(["a", "b", "c"], {"a": ["b"], "b": ["a"]}) == [["c"], ["a", "b"]]


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("postgres:16", "postgres"),
        ("ghcr.io/open-webui/open-webui:main", "open-webui"),
        ("a:5000/x/redis@sha256:00", "redis"),
    ],
)
def test_image_names(image: str, name: str) -> None:
    assert image_name(image) == name


def test_presets_are_found_by_name_before_image() -> None:
    assert preset_for("tika", "postgres") is PRESETS["tika"]
    assert preset_for("data", "postgres:16") is PRESETS["db"]
    assert preset_for("data", "") is None


@pytest.mark.parametrize(("folder", "name"), [("My Stack", "mystack"), ("_x-1", "x-1"), ("Ünï", "n")])
def test_project_names_follow_compose(folder: str, name: str) -> None:
    assert project_name(folder) == name


def files(folder: Path, *, explicit: bool = False, name: str = "compose.local.yml") -> StackFiles:
    return StackFiles(folder, name, explicit=explicit, environment={})


def test_usual_names_are_tried_unless_one_was_named(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {}}")
    assert set(files(tmp_path).load().services) == {"a"}
    problem = files(tmp_path, explicit=True).load().problem
    assert problem is not None and "no compose file" in problem.english()


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_text("services: {a: {}}")
    reader = files(tmp_path)
    assert reader.load().project == project_name(tmp_path.name)
    path.write_text("name: fresh\nservices: {a: {}, b: {}}")
    assert reader.load().project == "fresh" and set(reader.load().services) == {"a", "b"}


@pytest.mark.parametrize(
    "content", ["services: [", "a: &a [*a, *a]\nb: !!python/object/apply:os.system ['true']", "\x00"]
)
def test_a_broken_file_is_a_problem_in_words(tmp_path: Path, content: str) -> None:
    (tmp_path / "compose.yml").write_text(content)
    problem = files(tmp_path).load().problem
    assert problem is not None and "cannot be read" in problem.english()


def test_env_files_are_read_inside_their_folder_only(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "litellm.env").write_text("# c\nLITELLM_MASTER_KEY='sk-1'\n")
    (tmp_path / "secret.env").write_text("LITELLM_MASTER_KEY=no\n")
    reader = files(tmp_path)
    assert reader.variable("litellm.env", "LITELLM_MASTER_KEY") == "sk-1"
    assert reader.variable("../secret.env", "LITELLM_MASTER_KEY") is None
    assert reader.variable("missing.env", "X") is None


def test_while_a_file_is_broken_its_last_readable_version_stays(tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_text("name: mine\nservices: {a: {}}")
    reader = files(tmp_path)
    reader.load()
    path.write_text("name: mine\nservices: {a: {}}\n  b: [")
    for _ in range(2):
        found = reader.load()
        assert (found.project, set(found.services)) == ("mine", {"a"})
        assert found.problem is not None and "line 3" in found.problem.english()
    path.write_text("name: mine\nservices: {c: {}}")
    assert reader.load().problem is None and set(reader.load().services) == {"c"}
    path.unlink()
    assert reader.load().services == {}


def test_the_override_file_counts_as_it_does_for_compose(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("services: {a: {image: one}}")
    (tmp_path / "compose.override.yml").write_text("services: {a: {image: two}, b: {}}")
    found = files(tmp_path).load()
    assert found.services["a"].image == "two" and "b" in found.services
    assert found.more_paths == (str(tmp_path / "compose.override.yml"),)
    named = files(tmp_path, explicit=True, name="compose.yml").load()
    assert set(named.services) == {"a"} and named.more_paths == ()
    (tmp_path / "compose.override.yml").write_text("services: [")
    broken = files(tmp_path).load()
    assert broken.problem is not None and "compose.override.yml" in broken.problem.english()


def test_an_env_file_that_is_a_pipe_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    for pipe in (tmp_path / ".env", tmp_path / "env" / "a.env"):
        os.mkfifo(pipe)
    (tmp_path / "compose.yml").write_text("services: {a: {}}")
    reader = files(tmp_path)
    assert set(reader.load().services) == {"a"}
    assert reader.variable("a.env", "X") is None
    assert reader.variable("a\0b.env", "X") is None


def test_a_service_of_a_profile_is_optional() -> None:
    stack = parse_compose({"services": {"a": {"profiles": ["debug"]}, "b": {}}}, path="x", variables={})
    services = build(stack, "p", [])
    assert services["a"].optional and not services["b"].optional
