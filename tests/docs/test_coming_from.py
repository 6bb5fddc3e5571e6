"""The pages for those who come from Flux or Argo CD say what the import does, and name commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from towline.__main__ import main
from towline.importing.field_rules import OFF, RuleTable, built_in, left, to

from docs.site import field_tables

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", field_tables.KINDS)
def test_the_tables_of_fields_are_those_of_the_import(page: str) -> None:
    text = (DOCS / page).read_text()
    assert text == field_tables.filled(text, page), "run `make docs`, which writes them"
    assert text.count("### ") == len(field_tables.KINDS[page])


@pytest.mark.parametrize("page", field_tables.KINDS)
def test_every_command_that_a_page_names_exists(page: str) -> None:
    known = set(main.list_commands(click.Context(main)))
    named = set(re.findall(r"`towline ([a-z-]+)", (DOCS / page).read_text()))
    assert len(named) > 8
    assert named - known == set()


def test_fields_with_one_fate_are_named_by_what_is_above_them_and_share_a_row() -> None:
    table = RuleTable(
        {
            "spec.images[].name": to("images"),
            "spec.images[].tag": to("images"),
            "spec.chart.name": to("chart"),
            "spec.chart.test": left("not run", unless=OFF),
            "spec.other": to("images"),
            "spec.wait": built_in("always"),
            "spec.remote{}": to("(nothing: another cluster)"),
            "spec.each[]": to("(one each)"),
        }
    )
    text = field_tables.tables({"thing": table})
    assert text.startswith("### Thing\n")
    assert [line for line in text.splitlines() if line.startswith("| `")] == [
        "| `images`, `other` | `images` |",
        "| `chart.name` | `chart` |",
        "| `each` | one each |",
        "| `wait` | always |",
        "| `chart.test` | not run |",
        "| `remote` | another cluster |",
    ]
