"""docs/reliability.md: one row for each part, and only runs write what was tried and survived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.soak.outcome import Outcome
from e2e.soak.parts import PARTS, Part

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN = "<!-- written by make soak SAVE=1 -->"
END = "<!-- its end -->"

_HEAD = (
    "| part | what it shows | tried | survived | seed | duration | commit | date | conditions | command |",
    "|---|---|---:|---:|---:|---:|---|---|---|---|",
)
_NEVER = ("not run yet", "", "", "", "", "", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a part: how it was asked for, what became of it, and where and when that was."""

    part: Part
    size: int
    seed: int
    outcome: Outcome
    commit: str
    day: str
    conditions: str

    def cells(self) -> tuple[str, ...]:
        """Return what the page says of it, from the points tried to the conditions."""
        points = f"{self.outcome.tried:,} {self.part.points}"
        duration = f"{self.outcome.seconds:,.0f} s"
        survived = f"{self.outcome.survived:,}"
        seed = str(self.seed) if self.part.seeded else ""
        return (points, survived, seed, duration, self.commit, self.day, self.conditions)


def command(part: Part, size: int) -> str:
    """Return how a part is run, at a size other than the full one where there is a choice."""
    sized = f" SIZE={size}" if part.full and size != part.full else ""
    return f"make soak PARTS={part.name}{sized}"


def with_run(text: str, run: Run) -> str:
    """Return the page with the row of one part replaced; other parts keep theirs."""
    rows = rows_of(text)
    told = f"`{command(run.part, run.size)}{f' SEED={run.seed}' if run.part.seeded else ''}`"
    return _with_rows(text, {**rows, run.part.name: (*run.cells(), told)})


def rows_of(text: str) -> dict[str, tuple[str, ...]]:
    """Return what the page says of each part, by its name: all cells after what it shows."""
    lines = _table(text).splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")
    ]
    return {row[0].strip("`"): tuple(row[2:]) for row in cells}


def _table(text: str) -> str:
    return text.partition(BEGIN)[2].partition(END)[0]


def _with_rows(text: str, rows: Mapping[str, tuple[str, ...]]) -> str:
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    lines = [
        _row(part, rows.get(part.name, (*_NEVER, f"`{command(part, part.full)}`"))) for part in PARTS.values()
    ]
    return "\n".join((head + BEGIN, *_HEAD, *lines, END)) + tail


def _row(part: Part, cells: tuple[str, ...]) -> str:
    return "| " + " | ".join((f"`{part.name}`", part.proves, *cells)) + " |"


def with_all_parts(text: str) -> str:
    """Return the page with exactly the rows of the table of parts, each as it was written last."""
    return _with_rows(text, rows_of(text))
