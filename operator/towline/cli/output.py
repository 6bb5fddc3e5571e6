"""Print what a command found: tables, JSON, YAML and names, never a control character that somebody wrote.

On a terminal a table is drawn by rich, with colours unless `NO_COLOR` or `--no-color` says otherwise; in a pipe it is
plain text in columns, as kubectl's.
"""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

import click
import orjson

from towline import text
from towline.render import dump

_GAP = "   "
_LINE_BYTES = 8192
_LEAST = 40
"""How many columns of a terminal a long text takes at least beside the others."""

_ABSENT = "-"
"""What stands in a table where there is nothing to say."""


class OutputForm(StrEnum):
    """The forms of `-o`."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"
    MARKDOWN = "markdown"
    JSONL = "jsonl"
    CSV = "csv"

    @property
    def is_table(self) -> bool:
        """Whether it is for people."""
        return self in {OutputForm.TABLE, OutputForm.WIDE}


COMMON_FORMS = (OutputForm.TABLE, OutputForm.WIDE, OutputForm.JSON, OutputForm.YAML, OutputForm.NAME)
"""The forms that most commands have."""


class Tone(StrEnum):
    """What a cell means; on a terminal it has a colour."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    DOUBTFUL = "doubtful"
    QUIET = "quiet"


_STYLES: Mapping[Tone, str] = MappingProxyType(
    {Tone.PLAIN: "", Tone.GOOD: "green", Tone.BAD: "red", Tone.DOUBTFUL: "yellow", Tone.QUIET: "dim"}
)


class Cell(NamedTuple):
    """A text of a table, with what it means; `indent` is put before it as it is."""

    text: str
    tone: Tone = Tone.PLAIN
    indent: str = ""


BLANK = Cell("", indent=" ")
"""A cell in which not even a dash stands."""

Row: TypeAlias = Sequence[str | Cell]


class Column(NamedTuple):
    """A column of a table; a `wide` one is shown by `-o wide` alone, a `long` one may wrap on a terminal."""

    name: str
    wide: bool = False
    long: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputStyle:
    """How to print: the form of `-o`, and whether colours are allowed (where standard output is a terminal)."""

    format: OutputForm = OutputForm.TABLE
    color: bool = True

    @property
    def is_rich(self) -> bool:
        """Whether tables are drawn for a terminal."""
        return sys.stdout.isatty()

    @property
    def is_colored(self) -> bool:
        """Whether there are colours."""
        return self.is_rich and self.color and not os.environ.get("NO_COLOR")


class _Layout(Enum):
    """How the rows of a table are laid out."""

    UNDECIDED = auto()
    DRAWN = auto()
    """By rich, which wraps long texts within their column."""
    COLUMNS = auto()
    """One line for each row."""
    STACKED = auto()
    """Long texts on a line of their own, below the row."""


class Table:
    """Prints rows in columns; the header comes with the first ones, and rows that come later keep its widths.

    Args:
        columns: all columns; each row has a text for each of them.
        style: how to print.
        grows: whether rows come one by one, so that nothing may depend on those that are still to come.
    """

    def __init__(self, columns: Sequence[Column], style: OutputStyle, *, grows: bool = False) -> None:
        wide = style.format is OutputForm.WIDE
        self._style = style
        self._grows = grows
        self._shown = [index for index, column in enumerate(columns) if wide or not column.wide]
        self._columns = [columns[index] for index in self._shown]
        self._widths = [_width(column.name) for column in self._columns]
        self._layout = _Layout.UNDECIDED

    def show(self, rows: Iterable[Row]) -> None:
        """Print some more rows."""
        cells = [[_cell(row[index]) for index in self._shown] for row in rows]
        self._widths = [
            max((width, *(_width(row[index].text) for row in cells)))
            for index, width in enumerate(self._widths)
        ]
        if self._layout is not _Layout.UNDECIDED:
            self._print(cells)
            return
        self._layout = self._fitting()
        if self._layout is _Layout.DRAWN:
            self._draw(cells)
            self._layout = _Layout.COLUMNS
            return
        self._print([[Cell(column.name) for column in self._columns]], is_header=True)
        self._print(cells)

    def _fitting(self) -> _Layout:
        """Choose what shows every word: nothing is cut, however narrow the terminal is."""
        if not self._style.is_rich:
            return _Layout.COLUMNS
        room = shutil.get_terminal_size().columns
        needed = [
            min(width, _LEAST) if column.long else width
            for column, width in zip(self._columns, self._widths, strict=True)
        ]
        if sum(needed) + len(_GAP) * (len(needed) - 1) > room:
            return _Layout.STACKED
        return _Layout.COLUMNS if self._grows else _Layout.DRAWN

    def _print(self, rows: Iterable[Sequence[Cell]], *, is_header: bool = False) -> None:
        for row in rows:
            for line in self._lines(row, is_header=is_header):
                click.echo(line, color=self._style.is_colored)

    def _lines(self, row: Sequence[Cell], *, is_header: bool) -> Iterable[str]:
        """Yield a row; where the terminal is too narrow, long texts come below it."""
        stacked = self._layout is _Layout.STACKED
        placed = list(zip(row, self._columns, self._widths, strict=True))
        padded = [
            _toned(cell, self._style) + " " * (width - _width(cell.text))
            for cell, column, width in placed
            if not (stacked and column.long)
        ]
        yield _GAP.join(padded).rstrip()
        for cell, column, _ in placed:
            if stacked and column.long and not is_header and cell.text.strip():
                yield f"  {_toned(cell, self._style)}"

    def _draw(self, rows: Sequence[Sequence[Cell]]) -> None:
        from rich import box, console, table
        from rich.text import Text

        drawn = table.Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for column in self._columns:
            drawn.add_column(column.name, no_wrap=not column.long, overflow="fold")
        for row in rows:
            drawn.add_row(*(Text(cell.text, style=_STYLES[cell.tone]) for cell in row))
        colors: Literal["auto"] | None = "auto" if self._style.is_colored else None
        width = shutil.get_terminal_size().columns
        console.Console(highlight=False, color_system=colors, width=width).print(drawn)


def document(value: Any, form: OutputForm) -> None:
    """Print a value as JSON or YAML."""
    click.echo(as_yaml(value) if form is OutputForm.YAML else as_json(value), nl=form is not OutputForm.YAML)


def document_of_stream(value: Any, form: OutputForm) -> None:
    """Print one of many values that come as time goes by: a line of JSON, or a YAML document."""
    click.echo(
        f"---\n{as_yaml(value)}" if form is OutputForm.YAML else as_json(value, indent=False),
        nl=form is not OutputForm.YAML,
    )


def as_json(value: Any, *, indent: bool = True) -> str:
    """Return JSON in which what a terminal would obey, or hide, is escaped."""
    written = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0, default=_plain).decode()
    if written.replace("\n", "").isprintable():
        return written
    return "".join(_escape(char) if text.is_hidden(char) and char != "\n" else char for char in written)


def as_yaml(value: Any) -> str:
    """Return YAML in which what a terminal would obey, or hide, is escaped."""
    return dump.written(orjson.loads(orjson.dumps(value, default=_plain)))


def object_name(written: str) -> str:
    """Return an object that is written `Kind.group/namespace/name` as `-o name` prints it: `kind.group/name`."""
    kind, _, rest = written.partition("/")
    return f"{kind.lower()}/{rest.rpartition('/')[2]}"


def line(told: str, style: OutputStyle | None = None, tone: Tone = Tone.PLAIN) -> None:
    """Print one line of text; what would control the terminal is left out."""
    shown = Cell(text.printable(told, _LINE_BYTES), tone)
    click.echo(_toned(shown, style) if style else shown.text, color=style.is_colored if style else None)


def note(told: str) -> None:
    """Print one line on standard error: what a reader must know, and a program must not read as part of the answer."""
    click.echo(text.printable(told, _LINE_BYTES), err=True)


def _cell(given: str | Cell) -> Cell:
    found = given if isinstance(given, Cell) else Cell(given)
    return found._replace(text=found.indent + text.printable(found.text) or _ABSENT)


def _toned(cell: Cell, style: OutputStyle) -> str:
    if not style.is_colored or cell.tone is Tone.PLAIN:
        return cell.text
    quiet = cell.tone is Tone.QUIET
    return click.style(cell.text, dim=True) if quiet else click.style(cell.text, fg=_STYLES[cell.tone])


def _width(shown: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if shown.isascii():
        return len(shown)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in shown
    )


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
