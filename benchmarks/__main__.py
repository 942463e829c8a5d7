"""`python -m benchmarks [store|history|api …] [--json FILE]`: measure and print a table."""

from __future__ import annotations

import argparse
import json
import logging
import platform
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import api, history, reads
from .measure import Result

SUBJECTS = {"reads": reads.run, "api": api.run, "history": history.run}


def shown(seconds: float | None) -> str:
    """A duration in the unit that fits."""
    if seconds is None:
        return ""
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("subjects", nargs="*", metavar="|".join(SUBJECTS), help="all when none is named")
    parser.add_argument("--json", type=Path, help="write the results to this file as well")
    options = parser.parse_args()
    if unknown := set(options.subjects) - SUBJECTS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    logging.basicConfig(level=logging.ERROR)
    table = Table("What", "Ours", "Beside it", "", "Ratio", box=None, pad_edge=False)
    results: list[Result] = []
    for subject in options.subjects or SUBJECTS:
        with tempfile.TemporaryDirectory(prefix="hub-bench-") as directory:
            for result in SUBJECTS[subject](Path(directory)):
                results.append(result)
                ratio = f"{result.ratio:.1f} x" if result.ratio is not None else ""
                table.add_row(result.name, shown(result.ours), result.other_name, shown(result.other), ratio)
    Console(width=130).print(table)
    if options.json is not None:
        machine = f"{platform.machine()}, Python {platform.python_version()}"
        measured = [{**result._asdict(), "ratio": result.ratio} for result in results]
        options.json.write_text(
            json.dumps({"machine": machine, "seconds": measured}, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
