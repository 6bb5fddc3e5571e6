"""The one table: on a terminal, and in Markdown."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from e2e.bench.machine import Machine
from e2e.bench.rows import Section

BEGIN = "<!-- the last table -->"
END = "<!-- its end -->"

_FILE_COLUMNS = 130
"""Of a table in a file, which is as wide as it needs to be; no title is broken there."""


def show(machine: Machine, sections: Iterable[Section]) -> None:
    """Print the table."""
    table = Table(title="\n".join(machine.lines()), title_justify="left", title_style="", expand=False)
    table.add_column("measured", max_width=60)
    for name in ("figure", "samples", "goal"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for section in sections:
        table.add_section()
        table.add_row(f"[bold]{section.title}[/bold]")
        for row in section.rows:
            style = "red" if row.verdict == "missed" else ""
            table.add_row(f"  {row.what}", row.figure, row.spread, row.goal, row.verdict, style=style)
    Console(width=None if sys.stdout.isatty() else _FILE_COLUMNS).print(table)


def markdown(machine: Machine, sections: Iterable[Section]) -> str:
    """Return the table as Markdown, the machine above it."""
    return "\n".join((*machine.lines(), "", *_table(sections)))


def _table(sections: Iterable[Section]) -> Iterator[str]:
    yield "| measured | figure | samples | goal | |"
    yield "|---|---:|---:|---:|---|"
    for section in sections:
        yield f"| **{section.title}** | | | | |"
        for row in section.rows:
            yield f"| {row.what} | {row.figure} | {row.spread} | {row.goal} | {row.verdict} |"


def save(page: Path, table: str) -> None:
    """Put a table in the place of the last one; raises `ValueError` where the page has no such place."""
    text = page.read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks {BEGIN} or {END}")
    page.write_text(f"{head}{begin}\n{table}\n{end}{tail}")
