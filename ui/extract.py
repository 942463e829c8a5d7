"""Collect the sentences of the program and bring the translation catalogues up to date.

    python -m ui.extract           update locales/*/LC_MESSAGES/hub.po; new sentences come in untranslated
    python -m ui.extract --check   change nothing; tell what is missing or left over, exit status 1 if anything is

Calls named `t` and `text` (first argument; `text` also a second one, the plural) and `n` (two arguments) are read.
`extract_calls` is an extraction method for Babel's own tools as well, see `babel.cfg`.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("app.py", "server.py", "pages", "ui", "hubcore", "api_sidecar")
TRANSLATED = ("ru",)
ARGUMENTS = {"t": 1, "text": 2, "n": 2}

Found = tuple[int, str, Any, list[str]]


def extract_calls(fileobj: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Found]:
    """Sentences of one Python file: (line, function, message or (singular, plural), comments)."""
    tree = ast.parse(fileobj.read())
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = []
        for argument in node.args[: ARGUMENTS.get(name, 0)]:
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                break
            words.append(argument.value)
        if len(words) == 2:
            yield node.lineno, "ngettext", tuple(words), []
        elif len(words) == 1 and name != "n" and words[0]:
            yield node.lineno, "gettext", words[0], []


def source_files(root: Path = ROOT) -> list[Path]:
    """Every Python file whose sentences are shown to people."""
    files: list[Path] = []
    for source in SOURCES:
        path = root / source
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.is_file() else []
    return files


def template(root: Path = ROOT) -> Catalog:
    """All sentences of the program, untranslated."""
    found = Catalog(project="hub-dashboard", charset="utf-8")
    for path in source_files(root):
        with path.open("rb") as file:
            for _line, _function, message, _comments in extract_calls(file, None, None, None):
                found.add(message, locations=[(path.relative_to(root).as_posix(), None)])  # type: ignore[list-item]  # no line: it would change all the time
    return found


def catalogue_path(language: str, root: Path = ROOT) -> Path:
    """Where the translations into a language lie."""
    return root / "locales" / language / "LC_MESSAGES" / "hub.po"


def load(language: str, root: Path = ROOT) -> Catalog:
    """The catalogue of a language as it lies on disk."""
    with catalogue_path(language, root).open("rb") as file:
        return read_po(file, locale=language)


def update(language: str, root: Path = ROOT) -> Catalog:
    """Bring a language's file up to date: new sentences in, unused ones out, no guessed translations."""
    catalog = load(language, root)
    catalog.update(template(root), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    with catalogue_path(language, root).open("wb") as file:
        write_po(file, catalog, width=120, sort_output=True, omit_header=False, ignore_obsolete=True)
    return catalog


def _is_translated(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, (tuple, list)) else bool(message.string)


def problems(language: str, root: Path = ROOT) -> Iterable[str]:
    """What is wrong with a language's file, one sentence each."""
    catalog, wanted = load(language, root), template(root)
    for message in wanted:
        if not message.id:
            continue
        known = catalog.get(message.id)
        if known is None or not _is_translated(known):
            yield f"{language}: not translated: {message.id!r}"
        elif known.fuzzy:
            yield f"{language}: marked as a guess: {message.id!r}"
        elif isinstance(message.id, (tuple, list)) != isinstance(known.id, (tuple, list)):
            yield f"{language}: plural here, not there: {message.id!r}"
    for message in catalog:
        if message.id and wanted.get(message.id) is None:
            yield f"{language}: not used any more: {message.id!r}"
    for message in catalog.obsolete.values():
        yield f"{language}: obsolete: {message.id!r}"


def main() -> int:
    """Command line entry."""
    parser = argparse.ArgumentParser(prog="python -m ui.extract", description="Update the translation catalogues.")
    parser.add_argument("--check", action="store_true", help="only tell what is missing or left over")
    check = parser.parse_args().check
    wrong: list[str] = []
    for language in TRANSLATED:
        if not check:
            update(language)
        wrong += problems(language)
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
