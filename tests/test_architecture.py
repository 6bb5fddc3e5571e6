"""The pages that say where things are name files that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "operator" / "towline"
PAGES = {page: (ROOT / page).read_text() for page in ("docs/architecture.md", "CONTRIBUTING.md")}

_PATH = re.compile(r"`([\w./-]*(?:/|\.(?:py|md|toml|ya?ml)))`")
_NEW = re.compile(r"`([\w./-]*/)[\w]*<\w+>[\w./<>]*`")


def absent(text: str) -> list[str]:
    """Return the paths in backticks that are neither in the repository nor in the package.

    Of a path with a placeholder, the folder must be there.
    """
    named = [*_PATH.findall(text), *(folder.replace("<", "") for folder in _NEW.findall(text))]
    return [path for path in named if not (ROOT / path).exists() and not (PACKAGE / path).exists()]


def table(text: str, heading: str) -> dict[str, str]:
    """Return the rows of the one table under a heading: what stands in the first cell, and the second cell."""
    section = text.split(f"\n## {heading}\n", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in re.findall(r"^\|.*\|$", section, re.MULTILINE)
    ]
    return {row[0]: row[1] for row in rows[2:]}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page: str) -> None:
    assert absent(PAGES[page]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`plan/vetoes.py` and `tests/plan/` and `docs/architecture.md`", []),
        ("`plan/vetos.py`", ["plan/vetos.py"]),
        ("`core/`", ["core/"]),
        ("`cli/<verb>.py`", []),
        ("`insights/<question>.py`", ["insights/"]),
        ("`tests/core/test_<name>.py`", ["tests/core/"]),
    ],
)
def test_a_file_that_is_gone_is_found(text: str, found: list[str]) -> None:
    assert absent(text) == found


def test_each_question_is_answered_by_a_file() -> None:
    answers = table(PAGES["docs/architecture.md"], "Where is it?")
    assert len(answers) >= 16
    assert [question for question, answer in answers.items() if not _PATH.search(answer)] == []


def test_whatever_is_added_touches_seven_files_at_most() -> None:
    added = table(PAGES["CONTRIBUTING.md"], "To add something")
    counts = {what: len(re.findall(r"`[^`]*/[^`]*`", files)) for what, files in added.items()}
    assert len(counts) >= 5
    assert {what: count for what, count in counts.items() if not 1 <= count <= 7} == {}


def test_the_storeys_are_told_as_they_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract.get("containers") == ["towline"])
    told = re.search(r"^```\n(.*?)\n```$", PAGES["docs/architecture.md"], re.MULTILINE | re.DOTALL)
    assert told
    lines = told[1].splitlines()
    assert len(lines) >= 10
    assert lines == [layer for layer in layers if layer in lines]
