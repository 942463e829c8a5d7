"""The folder of old pages: what is served, how, and that nothing else ever is."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from api_sidecar import frontend
from api_sidecar.app import routes
from hubcore.errors import SettingsError
from hubcore.settings import load_settings

from .sidecar_kit import LOCAL, Bench, Response, bench, state

PAGE = b"<!doctype html><script>fetch('/api/status')</script>"
SECRET = b"LITELLM_MASTER_KEY=sk-secret"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of pages, and beside it what must never be served."""
    pages = tmp_path / "pages"
    (pages / "sub" / "deep").mkdir(parents=True)
    (pages / "empty").mkdir()
    (pages / ".git").mkdir()
    (pages / "index.html").write_bytes(PAGE)
    (pages / "sub" / "index.html").write_bytes(b"sub")
    (pages / "sub" / "app.js").write_bytes(b"let a = '\xd0\xb0'")
    (pages / "страница один.html").write_bytes("один".encode())
    (pages / ".env").write_bytes(SECRET)
    (pages / ".git" / "config").write_bytes(SECRET)
    (pages / "big.bin").write_bytes(bytes(range(256)) * 8192)  # 2 MB
    (tmp_path / "secret.env").write_bytes(SECRET)
    (tmp_path / "pages-beside").mkdir()
    (tmp_path / "pages-beside" / "index.html").write_bytes(SECRET)
    (pages / "out.html").symlink_to(tmp_path / "secret.env")
    (pages / "outdir").symlink_to(tmp_path)
    (pages / "hidden.html").symlink_to(".env")
    (pages / "inside.html").symlink_to("sub/index.html")
    (pages / "loop.html").symlink_to("loop.html")
    os.mkfifo(pages / "pipe.html")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(pages / "socket.html"))
    return pages


@pytest.fixture
def pages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("DASHBOARD_LEGACY_FRONTEND_DIR", str(folder))
    with bench(monkeypatch) as made:
        made.publish(state("redis"))
        yield made


def get(pages: Bench, path: str, **headers: str) -> Response:
    return pages.client("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("path", "kind", "content"),
    [
        ("/", "text/html; charset=utf-8", PAGE),
        ("/index.html", "text/html; charset=utf-8", PAGE),
        ("/sub/", "text/html; charset=utf-8", b"sub"),
        ("/sub/app.js", "text/javascript; charset=utf-8", b"let a = '\xd0\xb0'"),
        ("/inside.html", "text/html; charset=utf-8", b"sub"),
        ("/страница один.html", "text/html; charset=utf-8", "один".encode()),
    ],
)
def test_files_are_served_with_their_type(pages: Bench, path: str, kind: str, content: bytes) -> None:
    answer = get(pages, path)
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["content-type"] == kind
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-length"] == str(len(content))
    head = pages.client("HEAD", path)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(content)))


ESCAPES = [
    "/../secret.env", "/sub/../../secret.env", "/..", "/../", "/./index.html", "/sub/./app.js",
    "/..\\secret.env", "\\..\\secret.env", "/..\\", "/sub\\..\\..\\secret.env", "//secret.env",
    "//etc/passwd", "/sub//app.js",
    "/%2e%2e/secret.env", "/..%2fsecret.env", "/%252e%252e%252fsecret.env", "/.../secret.env", "/….//secret.env",
    "/out.html", "/outdir/secret.env", "/outdir/", "/outdir",
    "/../pages-beside/index.html", "/.env", "/.git/config", "/.git/", "/hidden.html",
    "/pipe.html", "/socket.html", "/loop.html", "/empty/", "/sub/deep/", "/index.html/", "/index.html/x",
    "/nothing", "/index.html\0", "/index.html\n", "/index.html:x", "/C:/secret.env", "/" + "a" * 300, "/" + "a/" * 3000,
    "/\udcff", "index.html", "*", "",
]  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES, ids=lambda path: ascii(path[:40]))
def test_nothing_else_is_there(pages: Bench, path: str) -> None:
    path = path.encode("utf-8", "replace").decode()
    for method in ("GET", "HEAD"):
        answer = pages.client(method, path)
        assert answer.status == 404, answer.headers
        assert b"secret" not in answer.body.lower()
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_nothing_is_listed(pages: Bench, folder: Path) -> None:
    (folder / "index.html").unlink()
    for path in ("/", "/empty/", "/sub/deep/"):
        assert get(pages, path).status == 404
        assert b"app.js" not in get(pages, path).body


def test_a_folder_without_its_slash_is_sent_there(pages: Bench, folder: Path) -> None:
    answer = get(pages, "/sub")
    assert (answer.status, answer.headers["location"]) == (301, "/sub/")
    (folder / "папка").mkdir()
    assert re.fullmatch(r"/(%[0-9A-F]{2})+/", get(pages, "/папка").headers["location"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_the_folder_is_for_reading_only(pages: Bench, folder: Path, method: str) -> None:
    before = sorted(folder.rglob("*"))
    for path in ("/", "/index.html", "/nothing"):
        answer = pages.client(method, path, b"x", {"Origin": LOCAL})
        assert answer.status == 405
        assert {"GET", "HEAD"} == {m.strip() for m in answer.headers["allow"].split(",")}
    assert sorted(folder.rglob("*")) == before
    assert (folder / "index.html").read_bytes() == PAGE


def test_the_api_always_wins(pages: Bench, folder: Path) -> None:
    for path in ("api/status", "healthz", "docs", "openapi.json", "api/mine", "api/index.html"):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"shadow")
    assert get(pages, "/api/status").json()["redis"]
    assert get(pages, "/healthz").json() == {"status": "ok"}
    assert get(pages, "/openapi.json").json()["openapi"]
    assert b"shadow" not in get(pages, "/docs").body
    for path in ("/api/mine", "/api/index.html", "/api/", "/api", "/api/status/"):
        answer = get(pages, path)
        assert answer.status == 404
        assert answer.json()["code"] == "not_found"
    assert get(pages, "/api/cache/clear").status == 405
    for route in routes(pages.hub):
        path = re.sub("<.*?>", "redis", route.rule)
        assert pages.client("OPTIONS", path).status == 204, "the folder took a route of the API"


def test_unchanged_files_are_not_sent_again(pages: Bench, folder: Path) -> None:
    first = get(pages, "/")
    tag, when = first.headers["etag"], first.headers["last-modified"]
    assert re.fullmatch(r'"[0-9a-f]+"', tag)
    assert first.headers["cache-control"] == "no-cache"
    for header, status in [
        ({"If_None_Match": tag}, 304),
        ({"If_None_Match": f'"other", W/{tag}'}, 304),
        ({"If_None_Match": '"other"'}, 200),
        ({"If_Modified_Since": when}, 304),
        ({"If_Modified_Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 200),
        ({"If_Modified_Since": "nonsense"}, 200),
        ({"If_None_Match": '"other"', "If_Modified_Since": when}, 200),
    ]:
        answer = get(pages, "/", **header)
        assert answer.status == status, header
        assert answer.headers["etag"] == tag
        assert answer.body == (PAGE if status == 200 else b"")
    (folder / "index.html").write_bytes(b"new")
    assert get(pages, "/", If_None_Match=tag).body == b"new"


def test_parts_of_a_file(pages: Bench) -> None:
    whole = get(pages, "/big.bin")
    assert len(whole.body) == int(whole.headers["content-length"]) == 2**21
    part = get(pages, "/big.bin", Range="bytes=10-19")
    assert (part.status, part.body) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == f"bytes 10-19/{2**21}"
    tail = get(pages, "/big.bin", Range="bytes=-400000")
    assert (tail.status, tail.body) == (206, whole.body[-400000:])
    assert get(pages, "/big.bin", Range=f"bytes={2**22}-").status == 416
    assert get(pages, "/big.bin", Range="bytes=0-9", If_Range=whole.headers["etag"]).status == 206
    assert get(pages, "/big.bin", Range="bytes=0-9", If_Range='"older"').status == 200
    assert get(pages, "/big.bin", Range="nonsense").status in (200, 416)


def test_a_large_file_goes_out_in_pieces_and_gives_its_place_back(pages: Bench) -> None:
    taken = []
    for _ in range(frontend.FILES):
        status, _, chunks = pages.client.open("GET", "/big.bin")
        assert status == 200
        assert len(next(iter(chunks))) == frontend.CHUNK
        taken.append(chunks)
    full = get(pages, "/big.bin")
    assert full.status == 503
    assert full.headers["retry-after"]
    assert get(pages, "/").status == 200, "small files need no place"
    assert pages.client("HEAD", "/big.bin").status == 200
    taken.pop().close()
    assert len(get(pages, "/big.bin").body) == 2**21
    for chunks in taken:
        chunks.close()


def test_the_policy_lets_old_pages_work_and_talk_to_nobody_else(pages: Bench) -> None:
    for path in ("/", "/nothing", "/big.bin"):
        headers = get(pages, path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert "'unsafe-inline'" in policy["script-src"] and "'unsafe-inline'" in policy["style-src"]
        port = pages.hub.settings.api_port
        assert policy["connect-src"].split() == ["'self'", f"http://localhost:{port}", f"http://127.0.0.1:{port}"]
        assert "*" not in headers["content-security-policy"] and "https:" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "SAMEORIGIN"
    assert get(pages, "/api/status").headers["content-security-policy"].startswith("default-src 'none'")


def test_a_foreign_host_reads_nothing(pages: Bench) -> None:
    assert pages.client("GET", "/", host="evil.example").status == 421


def test_pages_load_without_a_token_but_the_api_does_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_REQUIRE_TOKEN", "true")
    monkeypatch.setenv("DASHBOARD_LEGACY_FRONTEND_DIR", str(folder))
    with bench(monkeypatch) as made:
        assert made.client("GET", "/").body == PAGE
        assert made.client("GET", "/api/status").status == 401
        assert made.client("GET", "/api/nothing").status == 401


def test_without_the_setting_nothing_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    with bench(monkeypatch) as made:
        assert made.client("GET", "/").json()["code"] == "not_found"


def test_a_folder_that_cannot_be_served_stops_the_start(
    tmp_path: Path, state_dir: Path, stack_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    state_dir.mkdir()
    for wrong, reason in [
        (tmp_path / "absent", "no such folder"),
        (file, "no such folder"),
        (stack_dir, "DASHBOARD_STACK_DIR is in it"),
        (tmp_path, "is in it"),
        (state_dir, "DASHBOARD_STATE_DIR is in it"),
    ]:
        monkeypatch.setenv("DASHBOARD_LEGACY_FRONTEND_DIR", str(wrong))
        with pytest.raises(SettingsError, match=f"DASHBOARD_LEGACY_FRONTEND_DIR .*{reason}") as caught:
            load_settings()
        assert "\n" not in str(caught.value)
    inside = stack_dir / "pages"
    inside.mkdir()
    monkeypatch.setenv("DASHBOARD_LEGACY_FRONTEND_DIR", str(inside))
    assert load_settings().legacy_frontend_dir == inside
