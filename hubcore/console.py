"""What the command line says, in the owner's language."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape

from .doctor import Finding, Level
from .errors import HubError
from .models import Text, text
from .settings import LANGUAGES, Settings
from .texts import Translator

MARKS = {Level.OK: "[green]✓[/green]", Level.ATTENTION: "[yellow]![/yellow]", Level.PROBLEM: "[red]✗[/red]"}
PLAIN_MARKS = {Level.OK: "+", Level.ATTENTION: "!", Level.PROBLEM: "x"}


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

    def started(self, settings: Settings) -> None:
        """The two addresses."""
        rows = [
            (text("Dashboard"), settings.ui_host, settings.ui_port),
            (text("API"), settings.api_host, settings.api_port),
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
