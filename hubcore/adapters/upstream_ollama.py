"""Ollama's HTTP API: https://docs.ollama.com/api"""

from __future__ import annotations

import re
import time
from collections.abc import Generator

from hubcore.errors import UpstreamFailed
from hubcore.models import Text, text
from hubcore.models.upstream import LoadedModel, OllamaModel, PullProgress
from hubcore.places import Place
from hubcore.probing import Failure
from hubcore.upstream_parse import advanced, loaded_models, ollama_models, ollama_version

from .upstream_errors import failed, makes_no_sense
from .upstream_http import Lines, UpstreamHttp

READ = 10.0  # seconds a reading may take
DELETE = 25.0
STALL = 60.0  # seconds without a new byte after which a download has stalled
CHECKING = 1800.0  # seconds the check of a large download may take without a word

# What Ollama says → what a person can do about it.
_PULL_FAILURES: tuple[tuple[re.Pattern[str], Text, Text], ...] = (
    (
        re.compile("file does not exist|not found|invalid model name", re.I),
        text("Ollama’s library has no model “{model}”."),
        text("Check the name, for example at https://ollama.com/library."),
    ),
    (
        re.compile("no space left|disk full", re.I),
        text("There is no room on the disk for the model “{model}”."),
        text("Delete models that are not needed, or free some space, then try again."),
    ),
    (
        re.compile("no such host|dial tcp|lookup |connection refused|i/o timeout|TLS handshake", re.I),
        text("Ollama cannot reach the library it downloads from."),
        text("Check the internet connection of this machine, then try again."),
    ),
    (
        re.compile("newer version of ollama", re.I),
        text("The model “{model}” needs a newer Ollama."),
        text("Update Ollama, then try again."),
    ),
)


class Ollama:
    """One Ollama server; every method raises UpstreamFailed."""

    def __init__(self, http: UpstreamHttp) -> None:
        self._http = http

    def version(self, place: Place) -> str:
        """Its version."""
        return self._http.get(place, "/api/version", ollama_version, seconds=READ)

    def models(self, place: Place) -> tuple[OllamaModel, ...]:
        """The models on its disk."""
        return self._http.get(place, "/api/tags", ollama_models, seconds=READ)

    def loaded(self, place: Place) -> tuple[LoadedModel, ...]:
        """The models in its memory."""
        return self._http.get(place, "/api/ps", loaded_models, seconds=READ)

    def delete(self, place: Place, model: str) -> None:
        """Delete a model from its disk."""
        try:
            self._http.delete(place, "/api/delete", json={"model": model}, seconds=DELETE)
        except UpstreamFailed as error:
            if error.upstream_status != 404:
                raise
            raise UpstreamFailed(
                text("Ollama has no model “{model}”.", model=model),
                remedy=text("Look at the list of models; it may be deleted already."),
                detail=error.detail,
                upstream_status=404,
            ) from error

    def pull(self, place: Place, model: str, *, stall: float = STALL) -> Generator[PullProgress]:
        """Download a model: how far it is, again and again, until it is complete. Close the iterator to stop.

        Raises UpstreamFailed, also when nothing new has come for `stall` seconds: Ollama itself goes on repeating how
        far it is.
        """
        progress, moved = PullProgress(), time.monotonic()
        with self._http.lines(place, "/api/pull", json={"model": model, "stream": True}) as lines:
            while not progress.done:
                patience = stall if progress.downloading else CHECKING
                newer = _after(place, progress, _line(place, lines, moved + patience))
                if newer.failure is not None:
                    raise _not_pulled(model, newer.failure)
                if (newer.status, newer.completed, newer.total) != (
                    progress.status,
                    progress.completed,
                    progress.total,
                ):
                    moved = time.monotonic()
                progress = newer
                yield progress


def _line(place: Place, lines: Lines, until: float) -> bytes:
    try:
        line = lines.next(max(until - time.monotonic(), 0.0))
    except TimeoutError as error:
        raise UpstreamFailed(
            text("The download has stalled: nothing new has come for a while."),
            remedy=text("Check the internet connection of this machine, then try again; it goes on where it was."),
        ) from error
    if line is None:
        raise failed(place, Failure.CUT, 0.0, EOFError("the stream ended before the download was complete"))
    return line


def _after(place: Place, progress: PullProgress, line: bytes) -> PullProgress:
    try:
        return advanced(progress, line)
    except ValueError as error:
        raise makes_no_sense(place, type(error).__name__) from error


def _not_pulled(model: str, words: str) -> UpstreamFailed:
    """What Ollama's refusal means, in plain words where it is one that people meet."""
    for pattern, message, remedy in _PULL_FAILURES:
        if pattern.search(words):
            named = message.model_copy(update={"params": {"model": model}})
            return UpstreamFailed(named, remedy=remedy, detail=words)
    return UpstreamFailed(
        text("Ollama could not download the model “{model}”.", model=model),
        remedy=text("The log of Ollama says more."),
        detail=words,
    )
