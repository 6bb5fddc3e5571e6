"""docs/sizing.md promises no less than was measured: its figures are those of the table of e2e/bench, rounded up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sizing.md").read_text()
BENCH = (ROOT / "e2e" / "bench" / "README.md").read_text()
MEASURED = BENCH.partition("<!-- the last table -->")[2]


def measured(part: str, row: str) -> float:
    """Return the figure of a row, below the heading of its part."""
    (_, _, below) = MEASURED.partition(f"| **{part}")
    found = re.search(rf"^\| {re.escape(row)} \| (-?[\d,.]+)", below, re.MULTILINE)
    assert found, f"{part}: {row}"
    return float(found[1].replace(",", ""))


def said(row: str) -> list[float]:
    """Return the numbers in the last cell of a row of the page."""
    (cell,) = re.findall(rf"^\| (?:.* \| )?{re.escape(row)} \| ([\d., ]+)", PAGE, re.MULTILINE)
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", cell)]


def memory(objects: int, repositories: int) -> float:
    """Return what the formula of the page gives."""
    formula = re.search(r"MiB = ([\d.]+) \+ ([\d.]+) . objects \+ ([\d.]+) . GitRepositories", PAGE)
    assert formula
    base, of_object, of_repository = map(float, formula.groups())
    return base + of_object * objects + of_repository * repositories


SCALE = "What is held of 5,000 objects in one repository"


@pytest.mark.parametrize(
    ("objects", "repositories", "part", "row"),
    [
        (1000, 1, "Memory during these syncs", "operator and children at their peak (PSS)"),
        (5000, 1, SCALE, "operator and children during the first sync, at their peak (PSS)"),
        (9000, 201, SCALE, "5,000 objects and 200 repositories of 20 at their peak (PSS)"),
    ],
)
def test_the_formula_of_memory_gives_what_was_measured(
    objects: int, repositories: int, part: str, row: str
) -> None:
    assert measured(part, row) == pytest.approx(memory(objects, repositories), rel=0.15)


PLAIN, TRIED = "First sync of 1,000 objects without", "First sync of 1,000 objects with preflight"
ONE, DRIFT, IDLE = "A commit that changes one object", "Drift among 5,000", "2 minutes without a change"


@pytest.mark.parametrize(
    ("row", "figures"),
    [
        ("a commit that changes one object", [measured(ONE, "operator CPU, git included")]),
        (
            "each object that is written",
            [measured(PLAIN, "operator CPU an object"), measured(TRIED, "operator CPU an object")],
        ),
        (
            "each object that is written, in the API server",
            [measured(PLAIN, "API server CPU an object"), measured(TRIED, "API server CPU an object")],
        ),
        ("one changed object among 1,000 is live", [measured(ONE, "from `head moved` until it is live")]),
        (
            "1,000 new objects are written, with preflight",
            [measured(TRIED, "until the last object is written")],
        ),
    ],
)
def test_a_figure_is_the_measured_one_rounded(row: str, figures: list[float]) -> None:
    assert said(row) == pytest.approx(figures, rel=0.2)


def test_requests_are_counted_as_they_were_measured() -> None:
    assert measured(IDLE, "requests about objects") == 0
    assert "| objects while nothing changes | 0," in PAGE
    every, objects = measured(ONE, "requests of all kinds"), measured(ONE, "requests about objects")
    assert f"| a commit that changes one of 1,000 objects | {every:.0f}, {objects:.0f} of them" in PAGE
    new = re.search(r"new repository of four objects, \d+ of its ([\d or]+) requests", BENCH)
    assert new
    assert f"| a new GitRepository of four objects | {new[1]} |" in PAGE
    assert measured(IDLE, "requests of all kinds, a minute") == measured(IDLE, "looks at Git, a minute")


def test_a_repair_takes_no_longer_than_the_page_says() -> None:
    half, almost = said("it is repaired: half of them, 99 of 100")
    assert measured(DRIFT, "from edit to repair, half of them within") <= half * 1000
    assert measured(DRIFT, "from edit to repair, 99 of 100 within") <= almost * 1000 * 1.1
