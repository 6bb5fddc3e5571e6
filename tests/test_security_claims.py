"""Claims of the threat model, of SECURITY.md and of pages that compare name tests that show them, and these exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "docs" / "threat-model.md"
SECURITY = ROOT / "SECURITY.md"
SHOWN = tuple(ROOT / "docs" / page for page in ("upgrade-and-uninstall.md", "comparison.md"))
"""Pages whose tables end in the tests that show each row."""

_NAME = re.compile(r"`(test_\w+)`")


def functions(*folders: Path) -> frozenset[str]:
    """Return the names of the tests in some folders."""
    return frozenset(
        node.name
        for folder in folders
        for file in folder.rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def missing(text: str, known: Collection[str]) -> list[str]:
    """Return the tests that a text names and that do not exist."""
    return sorted({name for name in _NAME.findall(text) if name not in known})


def claims(text: str) -> list[str]:
    """Return the rows of the tables that say who cannot do what."""
    tables = re.findall(r"^\| cannot \| held by \|\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [row for table in tables for row in table.splitlines()]


def promises(text: str) -> list[str]:
    """Return the points of the list of what Towline holds itself to."""
    (_, _, after) = text.partition("## What Towline holds itself to\n")
    return [f"- {point}" for point in after.partition("\n## ")[0].split("\n- ")[1:]]


def unheld(texts: Iterable[str]) -> list[str]:
    """Return those that name no test."""
    return [text for text in texts if not _NAME.search(text)]


def shown(text: str) -> list[str]:
    """Return the rows of the tables whose last column says what shows them."""
    tables = re.findall(r"^\|.*\| shown by \|\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [row for table in tables for row in table.splitlines()]


@pytest.mark.parametrize("page", [MODEL, SECURITY, *SHOWN], ids=lambda page: page.stem)
def test_every_test_that_a_claim_names_exists(page: Path) -> None:
    assert missing(page.read_text(), functions(ROOT / "tests", ROOT / "e2e" / "stories")) == []


def test_every_claim_of_the_threat_model_names_a_test() -> None:
    found = claims(MODEL.read_text())
    assert len(found) > 30
    assert unheld(found) == []


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.stem)
def test_every_row_of_a_page_that_is_shown_by_tests_names_one(page: Path) -> None:
    found = shown(page.read_text())
    assert len(found) > 5
    assert unheld(found) == []


def test_every_promise_of_the_security_page_names_a_test() -> None:
    found = promises(SECURITY.read_text())
    assert len(found) > 3
    assert unheld(found) == []


def test_a_test_that_was_renamed_and_a_claim_without_one_are_found() -> None:
    assert missing("held by `test_gone` and `test_here`", {"test_here"}) == ["test_gone"]
    rows = "| cannot | held by |\n|---|---|\n| do a | `test_a` |\n| do b | hope |\n"
    assert unheld(claims(rows)) == ["| do b | hope |"]
    rows = "| you see | shown by |\n|---|---|\n| a | `test_a` |\n| b | hope |\n"
    assert unheld(shown(rows)) == ["| b | hope |"]
    points = "## What Towline holds itself to\n\n- one: `test_a`\n- two\n  and more\n\n## Next\n- three\n"
    assert unheld(promises(points)) == ["- two\n  and more\n"]


def test_links_of_the_threat_model_lead_somewhere() -> None:
    for page in (MODEL, SECURITY, ROOT / "README.md"):
        for target in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
