"""The pages of an older dashboard, served from a folder at `/`: the same origin as the API, for reading only.

Only ordinary files that lie in the folder itself are served; links that lead out of it, hidden files and everything
else are not there, and nothing is listed. What the API answers always comes first.

Such pages put the API's texts into HTML unescaped and have their scripts inline. Their policy therefore cannot keep a
script from running, but it keeps it from talking to anybody but this API.
"""

from __future__ import annotations

import mimetypes
import stat
from collections.abc import Callable, Iterator
from hashlib import blake2b
from os import stat_result
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import bottle

from hubcore.errors import TooBusy
from hubcore.models import text

from .call import Answer, Call
from .errors import routing_error, spoken
from .reads import same_tag
from .slots import Slots

FILES = 8  # large files that may be sent at once, each holds a thread
AT_ONCE = 256 * 1024  # bytes; a file up to this size is read and handed over, a larger one goes out in chunks
CHUNK = 64 * 1024
INDEX = "index.html"
MEDIA = mimetypes.MimeTypes(filenames=())  # the same on every machine
for _ending, _kind in {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".webp": "image/webp",
    ".ico": "image/vnd.microsoft.icon",
    ".wasm": "application/wasm",
    ".md": "text/plain",
}.items():
    MEDIA.add_type(_kind, _ending)


def policy(port: int) -> str:
    """The Content-Security-Policy of the pages; `port`: of the API, whose address they may have built in."""
    api = f"http://localhost:{port} http://127.0.0.1:{port}"
    directives = {
        "default-src": "'self' data: blob:",
        # Where inline scripts have to be allowed, refusing eval would protect nothing.
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
        "connect-src": f"'self' {api}",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


class Found(NamedTuple):
    """A file that may be served."""

    path: Path
    size: int
    etag: str


class Frontend:
    """Answers for all addresses that are not the API's. `folder` must exist."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder.resolve()
        later = text("Try again in a moment.")
        self.files = Slots(FILES, text("Too many large files are being sent at once."), later)
        self._headers = {
            "Content-Security-Policy": policy(port),
            "X-Frame-Options": "SAMEORIGIN",
            "Cache-Control": "no-cache",
        }

    @staticmethod
    def takes(path: str) -> bool:
        """Whether an unknown path is asked of the folder; those below /api never are."""
        return path != "/api" and not path.startswith("/api/")

    def answer(self, call: Call) -> Answer:
        """The file at the path, or a plain 404. Raises MethodRefused, TooBusy."""
        if call.method not in ("GET", "HEAD"):
            raise routing_error(405, call.method, "GET")
        path = call.path
        try:
            found = self._find(path)
        except (OSError, ValueError, RuntimeError):  # not there, a name that cannot be, a loop of links
            return self._nothing(call)
        if found is None:
            return self._nothing(call)
        if isinstance(found, str):
            return Answer(301, b"", {**self._headers, "Location": found})
        return self._sent(call, found)

    def _find(self, path: str) -> Found | str | None:
        """The file, the address to go to instead, or None."""
        *folders, name = path.removeprefix("/").split("/")
        if not path.startswith("/") or not all(map(_harmless, [*folders, name or INDEX])):
            return None
        target = self._within(self._folder.joinpath(*folders, name or INDEX))
        if target is None:
            return None
        if target.is_dir() and name:
            return quote(path + "/")  # so that the page's own relative addresses are right
        facts = target.stat()
        return Found(target, facts.st_size, _etag(facts)) if stat.S_ISREG(facts.st_mode) else None

    def _within(self, target: Path) -> Path | None:
        """Where a path really leads, if that is in the folder and not hidden."""
        real = target.resolve(strict=True)
        if not real.is_relative_to(self._folder):
            return None
        return real if all(map(_harmless, real.relative_to(self._folder).parts)) else None

    def _nothing(self, call: Call) -> Answer:
        words = spoken(call, text("There is no such page."))
        return Answer(404, f"{words}\n".encode(), {**self._headers, "Content-Type": "text/plain; charset=utf-8"})

    def _sent(self, call: Call, found: Found) -> Answer:
        headers = {**self._headers, "ETag": found.etag}
        if (wanted := call.header("If-None-Match")) is not None:
            if same_tag(wanted, found.etag):
                return Answer(304, b"", headers)
            call.environ.pop("HTTP_IF_MODIFIED_SINCE", None)  # it only counts where there is no entity tag
        if call.header("If-Range") not in (None, found.etag):
            call.environ.pop("HTTP_RANGE", None)  # the client has part of another version
        name = found.path.relative_to(self._folder).as_posix()
        kind, encoding = MEDIA.guess_type(name)
        kind = kind if kind and not encoding else "application/octet-stream"
        made = bottle.static_file(name, root=str(self._folder), mimetype=kind, charset="utf-8", etag=False)
        if isinstance(made, bottle.HTTPError):
            return self._nothing(call) if made.status_code != 416 else Answer(416, b"", headers)
        own = {key: value for key, value in made.headerlist if key.lower() not in ("date", "content-length")}
        return self._body(call, made, {**own, **headers})

    def _body(self, call: Call, made: bottle.HTTPResponse, headers: dict[str, str]) -> Answer:
        length = int(made.get_header("Content-Length", "0"))
        sized = {**headers, "Content-Length": str(length)}
        if made.status_code == 304 or call.method == "HEAD":
            return Answer(made.status_code, b"", headers if made.status_code == 304 else sized)
        chunks = Chunks(made.body)
        if length <= AT_ONCE:
            try:
                return Answer(made.status_code, b"".join(chunks), headers)
            finally:
                chunks.close()
        try:
            chunks.release = self.files.take()
        except TooBusy:
            chunks.close()
            raise
        return Answer(made.status_code, chunks, sized)


class Chunks:
    """A file, or part of one, piece by piece; `close` closes it and calls `release`, once."""

    def __init__(self, body: Any) -> None:
        """`body`: a file opened for reading, or chunks with a `close`."""
        self._body = body
        self._chunks: Iterator[bytes] = iter(lambda: body.read(CHUNK), b"") if hasattr(body, "read") else iter(body)
        self._closed = False
        self.release: Callable[[], None] = lambda: None

    def __iter__(self) -> Chunks:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except BaseException:  # also at its end
            self.close()
            raise

    def close(self) -> None:
        """Also called by the server when the client has gone."""
        if not self._closed:
            self._closed = True
            try:
                self._body.close()
            finally:
                self.release()

    def __del__(self) -> None:
        # A server that drops the iterable without closing it must not keep the place.
        self.close()


def _harmless(part: str) -> bool:
    """Whether part of a path can be the name of a file that is served."""
    return bool(part) and not part.startswith(".") and not any(c in part for c in "\\:\0") and part.isprintable()


def _etag(facts: stat_result) -> str:
    known = f"{facts.st_mtime_ns}-{facts.st_size}-{facts.st_ino}"
    return f'"{blake2b(known.encode(), digest_size=9).hexdigest()}"'
