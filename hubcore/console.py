"""What the command line says, in the owner's language."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .doctor import Finding, Level
from .errors import HubError
from .listening import reachable
from .log import configure_logging
from .models import Text, text
from .settings import LANGUAGES, Settings, environment, load_settings
from .texts import Translator

MARKS = {Level.OK: "[green]✓[/green]", Level.ATTENTION: "[yellow]![/yellow]", Level.PROBLEM: "[red]✗[/red]"}
PLAIN_MARKS = {Level.OK: "+", Level.ATTENTION: "!", Level.PROBLEM: "x"}


def begin() -> tuple[Settings, Voice]:
    """Read the settings and set up the log; a wrong setting ends the program with one line and exit code 2."""
    try:
        settings = load_settings()
    except HubError as error:
        Voice(language_of(None, environment())).complain(error)
        raise SystemExit(2) from error
    configure_logging(settings)
    return settings, Voice(language_of(settings, environment()))


def language_of(settings: Settings | None, variables: Mapping[str, str]) -> str:
    """The language to speak: the setting, else the terminal's (LC_ALL, LC_MESSAGES, LANG), else English."""
    if settings is not None and settings.language is not None:
        return settings.language
    terminal = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := variables.get(name))), "")
    return code if (code := terminal[:2].lower()) in LANGUAGES else "en"


class Voice:
    """Writes to standard output and, what is wrong, to standard error."""

    def __init__(self, language: str) -> None:
        self._translator = Translator(language)
        self.out = Console(highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)
        encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
        self._marks = MARKS if encoding.startswith("utf") else PLAIN_MARKS

    def say(self, message: Text, style: str = "") -> None:
        """One sentence."""
        self.out.print(escape(self._translator.text(message)), style=style)

    def note(self, message: Text) -> None:
        """One sentence beside what a program reads from standard output."""
        self._err.print(escape(self._translator.text(message)), style="dim")

    def table(self, columns: Sequence[Text], rows: Sequence[Sequence[str]]) -> None:
        """Rows of plain text under their headings."""
        shown = Table(box=None, pad_edge=False, header_style="dim")
        for column in columns:
            shown.add_column(escape(self._translator.text(column)), overflow="fold")
        for row in rows:
            shown.add_row(*map(escape, row))
        self.out.print(shown)

    def started(self, settings: Settings) -> None:
        """The two addresses."""
        rows = [
            (text("Dashboard"), settings.ui_host, settings.ui_port),
            (text("API"), reachable(settings.api_host), settings.api_port),
        ]
        names = [self._translator.text(name) for name, _, _ in rows]
        width = max(map(len, names))
        lines = [f"[bold]{self._line(text('The dashboard is running.'))}[/bold]"]
        for name, (_, host, port) in zip(names, rows, strict=True):
            lines.append(f"  {escape(name.ljust(width))}  [cyan]{escape(address(host, port))}[/cyan]")
        lines.append(f"[dim]{self._line(text('Press Ctrl-C to stop it.'))}[/dim]")
        self.out.print("\n" + "\n".join(lines) + "\n")

    def complain(self, error: HubError) -> None:
        """What went wrong on one line, and the next step on another."""
        self._err.print(escape(self._line(error.text)), style="red")
        if error.remedy is not None:
            self._err.print(escape(self._line(error.remedy)))

    def report(self, finding: Finding) -> None:
        """The outcome of one check."""
        self.out.print(f"{self._marks[finding.level]} {escape(self._line(finding.text))}")
        for more in (self._translator.text(finding.remedy), finding.detail or ""):
            if more and finding.level is not Level.OK:
                self.out.print(
                    "  " + escape(" ".join(more.split())[:500]), style="dim" if more == finding.detail else ""
                )

    def plain(self, finding: Finding) -> dict[str, str | None]:
        """The outcome of one check for `--json`."""
        remedy = self._translator.text(finding.remedy) or None
        words = self._translator.text(finding.text)
        return {"name": finding.name, "level": finding.level, "text": words, "remedy": remedy, "detail": finding.detail}

    def _line(self, message: Text) -> str:
        return " ".join(self._translator.text(message).split())


def address(host: str, port: int) -> str:
    """An address to open in a browser."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
