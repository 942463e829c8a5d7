"""Configurations of a real stack: what is saved acts, what does not work comes back, what is wrong changes nothing."""

from __future__ import annotations

import json
import os
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api_sidecar.schemas.config import Backups, Saved, ServiceConfig, Verdict
from tests.stack import needs
from tests.stack.hub import HubProcess
from tests.stack.small import SINGLE_FILE, small_stack
from tests.stack.stack import Stack
from tests.stack.waiting import wait_until

pytestmark = pytest.mark.stack

MASK = "*" * 8
RICH = """\ufeff# Where others are found.  Kept as it is: ’ ä ж

SEARXNG_NAME="The search"
# a key
  SEARXNG_KEY = abc=def
export LATER=1
#OFF=1
DATABASE_URL=postgresql://postgres:p@ss/w:rd@db:5432/openwebui
LEVEL=info
PASSED_THROUGH
LEVEL=debug   """
SETTINGS = "conf/searxng/settings.yml"
NGINX, SITE = "conf/nginx/nginx.conf", "conf/nginx/conf.d/default.conf"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    missing = needs.stack()
    if missing:
        pytest.skip(missing)
    made = small_stack(tmp_path_factory.mktemp("small") / "stack")
    yield made
    made.down()


@pytest.fixture(scope="module")
def hub(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    running = HubProcess(tmp_path_factory.mktemp("hub"), stack.environment()).start()
    for name in ("nginx", "redis", "searxng"):
        works(running, name)
    yield running
    running.stop()


@pytest.fixture
def tree(stack: Stack) -> Iterator[Path]:
    """The stack's folder; env and configuration files are as before after the test."""
    before = files_of(stack.directory)
    yield stack.directory
    for path, data in before.items():
        place = stack.directory / path
        if place.is_symlink() or not place.exists() or place.read_bytes() != data:
            place.unlink(missing_ok=True)
            place.write_bytes(data)


def files_of(directory: Path) -> dict[str, bytes]:
    found = [p for folder in ("env", "conf") for p in (directory / folder).rglob("*") if p.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}


def works(hub: HubProcess, name: str) -> None:
    wait_until(lambda: hub.get("/api/status").json()[name]["health_status"] == "healthy", 60, f"{name} works")


def config(hub: HubProcess, name: str) -> dict[str, Any]:
    answer = hub.get(f"/api/service/{name}/config")
    assert answer.status_code == 200, answer.text
    ServiceConfig.model_validate_json(answer.content)
    return answer.json()


def save(hub: HubProcess, name: str, body: object, **options: Any) -> httpx.Response:
    answer = hub.post(f"/api/service/{name}/config", **({"json": body, "timeout": 300.0} | options))
    if answer.status_code == 200:
        Saved.model_validate_json(answer.content)
    return answer


def backup_of(directory: Path, backup_id: str) -> dict[str, Any]:
    folder = directory / "backups" / backup_id
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return {f["path"]: (folder / f["name"]).read_bytes() for f in manifest["files"]}


def test_only_the_changed_line_differs_and_it_acts(tree: Path, stack: Stack, hub: HubProcess) -> None:
    path = tree / "env" / "searxng.env"
    path.write_bytes(RICH.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    os.chown(path, 0, 4)
    before = path.read_bytes()
    shown = config(hub, "searxng")
    assert shown["env_vars"]["SEARXNG_KEY"] == MASK
    assert shown["env_vars"]["DATABASE_URL"] == f"postgresql://postgres:{MASK}@db:5432/openwebui"
    assert (shown["env_vars"]["LEVEL"], shown["env_vars"]["SEARXNG_NAME"]) == ("debug", '"The search"')
    assert shown["config_files"][SETTINGS]["type"] == "yaml" and shown["config_files"][SETTINGS]["parsed"]
    assert shown["service_info"]["category"] == "search"

    contents = {name: {"content": file["content"]} for name, file in shown["config_files"].items()}
    same = save(hub, "searxng", {"env_vars": shown["env_vars"], "config_files": contents}).json()
    assert (same["success"], same["files_updated"]) == (True, []), same
    assert path.read_bytes() == before
    assert config(hub, "searxng")["version"] == shown["version"]

    container = stack.container("searxng")
    edited = {**shown["env_vars"], "LEVEL": "warning", "NEW_ONE": "42"}
    answer = save(hub, "searxng", {"env_vars": edited, "config_files": contents, "restart_service": True}).json()
    assert (answer["success"], answer["restart_success"], answer["restart_error"]) == (True, True, None), answer
    assert path.read_bytes() == before.replace(b"LEVEL=debug   ", b"LEVEL=warning   \r\nNEW_ONE=42")
    now = path.stat()
    assert (stat.S_IMODE(now.st_mode), now.st_uid, now.st_gid) == (0o640, 0, 4)
    assert backup_of(tree, answer["backup_id"])["env/searxng.env"] == before
    assert stack.container("searxng") != container, "the container was made anew"
    variables = stack.docker("exec", stack.container("searxng"), "env").splitlines()
    assert "NEW_ONE=42" in variables and "LEVEL=warning" in variables
    assert hub.get("/api/status").json()["searxng"]["health_status"] == "healthy"


def test_no_value_of_a_variable_gets_into_records_logs_or_the_audit(tree: Path, hub: HubProcess) -> None:
    secret = "s3cret-value-of-a-variable"
    answer = save(hub, "searxng", {"env_vars": {"SOMETHING": secret, "A_TOKEN": secret + "2"}}).json()
    assert answer["success"]
    assert secret in (tree / "env" / "searxng.env").read_text()
    assert secret not in hub.get("/api/operations").text
    assert secret not in hub.get(f"/api/operations/{answer['operation_id']}").text
    logged = hub.get("/api/security/logs").json()["logs"]
    events = [entry["event_type"] for entry in logged if entry["details"].get("service") == "searxng"]
    assert events[:2] == ["config_updated", "config_update_attempt"], events
    assert secret not in json.dumps(logged)
    assert secret.encode() not in hub.log.read_bytes()
    assert not list((hub.state_dir / "pending").iterdir())
    kept = [p for p in hub.state_dir.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
    assert kept == []


LONG = "x" * 1001
BAD: list[tuple[str, object, str]] = [
    ("PATH", {"env_vars": {"PATH": "/evil"}}, "PATH"),
    ("line break in a value", {"env_vars": {"A": "b\nLD_PRELOAD=/x"}}, "line break"),
    ("carriage return in a value", {"env_vars": {"A": "b\rC=d"}}, "line break"),
    ("line break at the end", {"env_vars": {"A": "b\n"}}, "line break"),
    ("NUL", {"env_vars": {"A": "b\x00"}}, "control"),
    ("line break in a key", {"env_vars": {"A\nB": "b"}}, "line break"),
    ("= in a key", {"env_vars": {"A=B": "b"}}, "equals"),
    ("blank in a key", {"env_vars": {"A B": "b"}}, "blank"),
    ("no key", {"env_vars": {"": "b"}}, "no name"),
    ("digit first", {"env_vars": {"1A": "b"}}, "digit"),
    ("shell sign", {"env_vars": {"A$B": "b"}}, "not allowed"),
    ("long key", {"env_vars": {"A" * 101: "b"}}, "100"),
    ("long value", {"env_vars": {"A": LONG}}, "1000"),
    ("mask for nothing", {"env_vars": {"NEW_TOKEN": MASK}}, "asterisks"),
    ("number as value", {"env_vars": {"A": 1}}, "text"),
    ("list of variables", {"env_vars": ["A=b"]}, "object"),
    ("undefined", {"config_files": {SETTINGS: "undefined"}}, "undefined"),
    ("undefined in an object", {"config_files": {SETTINGS: {"content": " undefined\n"}}}, "undefined"),
    ("traversal", {"config_files": {"../../etc/passwd": "x"}}, "not a configuration file"),
    ("traversal in between", {"config_files": {"conf/searxng/../../env/searxng.env": "x"}}, "not a configuration file"),
    ("absolute", {"config_files": {"/etc/passwd": "x"}}, "not a configuration file"),
    ("file of another service", {"config_files": {NGINX: "events {}"}}, "not a configuration file"),
    ("101 kB", {"config_files": {SETTINGS: "a: " + "x" * 101_000}}, "100000"),
    ("broken YAML", {"config_files": {SETTINGS: "a: [b"}}, "YAML"),
    ("YAML tag", {"config_files": {SETTINGS: "a: !!python/object:os.system x"}}, "tags"),
    ("YAML bomb", {"config_files": {SETTINGS: "a: &a [x,x]\n" + "".join(
        f"k{i}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))}}, "aliases"),
    ("deep YAML", {"config_files": {SETTINGS: "[" * 1000 + "]" * 1000}}, "levels"),
    ("forbidden word", {"config_files": {SETTINGS: "run: Sudo reboot"}}, "sudo"),
    ("content is no text", {"config_files": {SETTINGS: {"content": None}}}, "text"),
    ("restart is no bool", {"restart_service": "yes"}, "restart_service"),
    ("one good and one bad", {"env_vars": {"GOOD": "1", "BAD KEY": "2"}, "config_files": {SETTINGS: "a: 1"}}, "blank"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "word"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_is_wrong_is_refused_and_changes_nothing(
    body: object, word: str, tree: Path, stack: Stack, hub: HubProcess
) -> None:
    before, backups = files_of(tree), hub.get("/api/backups").json()["backups"]
    answer = save(hub, "searxng", body)
    assert answer.status_code == 400, answer.text
    told = answer.json()
    assert (told["success"], told["code"]) == (False, "invalid_change")
    assert word in told["error"] and any(word in error for error in told["errors"]), told
    judged = hub.post("/api/service/searxng/validate", json=body)
    assert judged.status_code == 200
    Verdict.model_validate_json(judged.content)
    assert (judged.json()["valid"], judged.json()["errors"]) == (False, told["errors"])
    assert files_of(tree) == before
    assert hub.get("/api/backups").json()["backups"] == backups


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"x"', b"\xff"])
def test_a_body_that_is_no_object(body: bytes, hub: HubProcess) -> None:
    headers = {"Content-Type": "application/json"}
    for path in ("config", "validate", "backup"):
        assert save(hub, "searxng", None, json=None, content=body).status_code == 400
        assert hub.post(f"/api/service/searxng/{path}", content=body, headers=headers).status_code == 400
        assert hub.post(f"/api/service/nosuch/{path}", content=body, headers=headers).status_code == 404


def test_all_errors_are_told_at_once_and_warnings_beside_them(hub: HubProcess) -> None:
    body = {"env_vars": {"A B": "1", "PATH": "2", "_reserved": "3"}, "config_files": {"nope": "x", SETTINGS: "a: ["}}
    told = hub.post("/api/service/searxng/validate", json=body).json()
    assert len(told["errors"]) == 4
    assert any("_reserved" in warning for warning in told["warnings"])
    good = hub.post("/api/service/searxng/validate", json={"env_vars": {"A": "1"}}).json()
    assert good == {"valid": True, "errors": [], "warnings": []}


@pytest.mark.parametrize("level", ["file", "folder"])
def test_links_are_refused_at_every_level(level: str, tree: Path, hub: HubProcess, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "settings.yml").write_text("outside: 1\n")
    (outside / "uwsgi.ini").write_text("[uwsgi]\n")
    here = tree / "conf" / "searxng"
    aside = tree / "conf" / "aside"
    if level == "folder":
        here.rename(aside)
        here.symlink_to(outside)
    else:
        (here / "settings.yml").unlink()
        (here / "settings.yml").symlink_to(outside / "settings.yml")
    try:
        shown = config(hub, "searxng")
        assert SETTINGS not in shown["config_files"] and shown["problems"]
        assert "outside" not in json.dumps(shown)
        answer = save(hub, "searxng", {"config_files": {SETTINGS: "a: 1\n"}})
        assert answer.status_code == 400 and "link" in answer.json()["error"]
        assert (outside / "settings.yml").read_text() == "outside: 1\n"
        assert hub.post("/api/service/searxng/backup").status_code == 500
    finally:
        if level == "folder":
            here.unlink()
            aside.rename(here)


def test_the_later_of_two_changes_is_told_the_difference(tree: Path, hub: HubProcess) -> None:
    path = tree / "env" / "searxng.env"
    path.write_text("A=1\nSEARXNG_SECRET=old\nB=2\n")
    version = config(hub, "searxng")["version"]
    first = save(hub, "searxng", {"env_vars": {"A": "one", "SEARXNG_SECRET": "new"}, "version": version})
    assert first.json()["success"]
    for options in ({"json": {"env_vars": {"B": "two", "SEARXNG_SECRET": "third"}, "version": version}},
                    {"json": {"env_vars": {"B": "two", "SEARXNG_SECRET": "third"}},
                     "headers": {"If-Match": f'"{version}"'}}):  # fmt: skip
        answer = save(hub, "searxng", None, **options)
        assert answer.status_code == 409, answer.text
        told = answer.json()
        assert (told["code"], told["success"]) == ("changed_meanwhile", False)
        assert "-B=2" in told["difference"] and "+B=two" in told["difference"]
        assert f"-SEARXNG_SECRET={MASK}" in told["difference"] and "third" not in answer.text
        assert told["version"] == config(hub, "searxng")["version"]
    assert path.read_text() == "A=one\nSEARXNG_SECRET=new\nB=2\n"
    again = save(hub, "searxng", {"env_vars": {"B": "two"}, "version": told["version"]})
    assert again.json()["success"]
    assert path.read_text() == "A=one\nSEARXNG_SECRET=new\nB=two\n"


def test_of_several_changes_at_once_one_is_saved(tree: Path, hub: HubProcess) -> None:
    path = tree / "env" / "searxng.env"
    path.write_text("A=0\n")
    version = config(hub, "searxng")["version"]
    answers: list[httpx.Response] = []

    def go(number: int) -> None:
        answers.append(save(hub, "searxng", {"env_vars": {"A": str(number)}, "version": version}))

    threads = [threading.Thread(target=go, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200, 409, 409, 409, 409, 409]
    assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"operation_active", "changed_meanwhile"}
    assert re.fullmatch(r"A=[1-6]\n", path.read_text())


def test_a_service_that_does_not_come_up_gets_its_old_file_back(tree: Path, stack: Stack, hub: HubProcess) -> None:
    path = tree / "env" / "redis.env"
    before, container = path.read_bytes(), stack.container("redis")
    answer = save(hub, "redis", {"env_vars": {"REDIS_MEMORY": "much"}, "restart_service": True})
    told = answer.json()
    assert answer.status_code == 200, told
    assert (told["success"], told["restart_success"], told["rolled_back"]) == (False, False, True), told
    assert "old one is back" in told["error"] and "works again" in told["error"]
    assert told["restart_error"]
    assert path.read_bytes() == before
    assert backup_of(tree, told["backup_id"])["env/redis.env"] == before
    assert stack.container("redis") != container
    works(hub, "redis")
    assert "REDIS_MEMORY=16mb" in stack.docker("exec", stack.container("redis"), "env").splitlines()
    logged = [e for e in hub.get("/api/security/logs").json()["logs"] if e["details"].get("service") == "redis"]
    events = [e["event_type"] for e in logged][:4]
    assert events == ["config_update_error", "service_restarted", "config_updated", "config_update_attempt"]
    assert logged[1]["details"]["success"] is False and "old one is back" in logged[0]["details"]["error"]
    steps = {s["text"]: s["status"] for s in hub.get(f"/api/operations/{told['operation_id']}").json()["steps"]}
    assert steps["Put the old configuration back"] == "done"


def test_one_that_runs_without_answering_gets_it_back_too(tree: Path, hub: HubProcess) -> None:
    path = tree / "env" / "redis.env"
    before = path.read_bytes()
    works(hub, "redis")
    told = save(hub, "redis", {"env_vars": {"REDIS_PORT": "7000"}, "restart_service": True}).json()
    assert (told["success"], told["rolled_back"]) == (False, True), told
    assert path.read_bytes() == before
    works(hub, "redis")


def test_one_that_did_not_work_before_keeps_the_new_file(tree: Path, stack: Stack, hub: HubProcess) -> None:
    path = tree / "env" / "redis.env"
    good = path.read_bytes()
    works(hub, "redis")
    path.write_bytes(good.replace(b"16mb", b"much"))
    stack.compose("up", "--detach", "--force-recreate", "redis")
    wait_until(lambda: hub.get("/api/status").json()["redis"]["condition"] == "broken", 30, "redis is broken")
    told = save(hub, "redis", {"env_vars": {"REDIS_MEMORY": "plenty"}, "restart_service": True}).json()
    assert (told["success"], told["restart_success"], told["rolled_back"]) == (True, False, False), told
    assert b"REDIS_MEMORY=plenty" in path.read_bytes()
    mended = save(hub, "redis", {"env_vars": {"REDIS_MEMORY": "16mb"}, "restart_service": True}).json()
    assert (mended["success"], mended["restart_success"]) == (True, True), mended
    assert path.read_bytes() == good
    works(hub, "redis")


def trials(stack: Stack) -> str:
    return stack.docker("ps", "-aq", "--filter", "label=dashboard.trial").strip()


@pytest.fixture(params=["whole folder", "single file"])
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Stack, HubProcess]]:
    if request.param == "whole folder":
        yield request.getfixturevalue("stack"), request.getfixturevalue("hub")
        return
    made = small_stack(tmp_path / "single", "nginx", mounts=SINGLE_FILE)
    running = HubProcess(tmp_path / "single-hub", made.environment()).start()
    works(running, "nginx")
    yield made, running
    running.stop()
    made.down()


def test_nginx_itself_refuses_what_it_cannot_read(proxy: tuple[Stack, HubProcess]) -> None:
    stack, hub = proxy
    before, container = files_of(stack.directory), stack.container("nginx")
    contents = {path: file["content"] for path, file in config(hub, "nginx")["config_files"].items()}
    broken = {
        NGINX: contents[NGINX].replace("worker_connections 256;", "worker_connectionz 256;"),
        SITE: contents[SITE].replace("listen 80;", "listen eighty;"),
    }
    for path, content in broken.items():
        answer = save(hub, "nginx", {"config_files": {path: {"content": content}}, "restart_service": True})
        told = answer.json()
        assert (answer.status_code, told["code"]) == (400, "invalid_change"), told
        assert ("worker_connectionz" if path == NGINX else "eighty") in told["error"]
        assert files_of(stack.directory) == before
        assert stack.container("nginx") == container
        assert not trials(stack)
    good = contents[SITE].replace('"ok\\n"', '"very well\\n"')
    told = save(hub, "nginx", {"config_files": {SITE: good}, "restart_service": True}).json()
    assert (told["success"], told["restart_success"]) == (True, True), told
    steps = {s["text"]: s for s in hub.get(f"/api/operations/{told['operation_id']}").json()["steps"]}
    assert steps["Have nginx test the configuration"]["status"] == "done"
    main = contents[NGINX].replace("worker_connections 256;", "worker_connections 128;")
    told = save(hub, "nginx", {"config_files": {NGINX: main}, "restart_service": True}).json()
    assert (told["success"], told["restart_success"]) == (True, True), told
    served = httpx.get(f"http://127.0.0.1:{stack.ports['nginx']}/nginx-health", timeout=5)
    assert served.text == "very well\n"
    place = "/etc/nginx/nginx.conf" if "single" in str(stack.directory) else "/etc/nginx/stack/nginx.conf"
    inside = stack.docker("exec", stack.container("nginx"), "cat", place)
    assert "worker_connections 128;" in inside
    assert not [p for p in (stack.directory / "backups").iterdir() if p.name.startswith(".")]
    save(hub, "nginx", {"config_files": contents, "restart_service": True})


def test_a_backup_by_hand_and_the_list(tree: Path, hub: HubProcess) -> None:
    ids = [hub.post("/api/service/searxng/backup").json()["backup_id"] for _ in range(3)]
    assert len(set(ids)) == 3 and all(re.fullmatch(r"searxng_\d{8}_\d{6}", i) for i in ids)
    old = tree / "backups" / "my_old_service_20200102_030405"
    old.mkdir()
    (old / "my.env").write_text("A=1\n")
    (tree / "backups" / "something else").mkdir()
    (tree / "backups" / "link_20200102_030405").symlink_to(old)
    (tree / "backups" / ".hub-0123456789ab.tmp").mkdir()
    answer = hub.get("/api/backups")
    Backups.model_validate_json(answer.content)
    listed = answer.json()["backups"]
    assert [entry["id"] for entry in listed][:3] == sorted(ids, reverse=True)
    assert listed[-1] | {"created": 0} == {
        "id": old.name, "service": "my_old_service", "date": "20200102", "time": "030405",
        "files": ["my.env"], "created": 0, "reason": "",
    }  # fmt: skip
    assert sum(entry["id"] == old.name for entry in listed) == 1
    assert not any("else" in entry["id"] or entry["id"].startswith(("link", ".")) for entry in listed)
    saved = backup_of(tree, ids[0])
    assert saved == {path: data for path, data in files_of(tree).items() if "searxng" in path}
    folder = tree / "backups" / ids[0]
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_what_belongs_to_the_dashboard_is_not_changed(tree: Path, hub: HubProcess) -> None:
    before = files_of(tree)
    body = {"config_files": {"conf/mcposerver/config.json": "{}"}}
    assert save(hub, "mcposerver", body).status_code == 403
    assert hub.post("/api/service/mcposerver/validate", json=body).json()["valid"] is False
    assert files_of(tree) == before
    assert config(hub, "mcposerver")["config_files"]["conf/mcposerver/config.json"]["type"] == "json"


def test_a_service_without_a_container_is_saved_and_warned_of(tree: Path, hub: HubProcess) -> None:
    told = save(hub, "litellm", {"env_vars": {"LEVEL": "1"}, "restart_service": True}).json()
    assert (told["success"], told["restart_success"]) == (True, False), told
    assert told["restart_error"]
    warned = hub.post("/api/service/redis/validate", json={"env_vars": {"X": "1"}}).json()
    assert warned["warnings"] == []


def test_a_known_service_always_answers(hub: HubProcess) -> None:
    for name in ("litellm", "ollama", "watchtower", "tika"):
        answer = hub.get(f"/api/service/{name}/config")
        assert answer.status_code == 200 and answer.json()["version"]
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    assert hub.get("/api/service/nosuch/config").status_code == 404


def test_a_file_that_is_not_mounted_is_warned_of(tree: Path, stack: Stack, hub: HubProcess) -> None:
    body = {"config_files": {"conf/mcposerver/config.json": '{"mcpServers": {}}'}}
    warnings = hub.post("/api/service/mcposerver/validate", json=body).json()["warnings"]
    assert any("not mounted" in warning for warning in warnings), warnings
