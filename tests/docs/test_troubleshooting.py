"""docs/troubleshooting.md: every reason that users meet has a row, and every row is about something that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import click
from towline.__main__ import main
from towline.api.condition import Type
from towline.errors import Reason, Refusal

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
EVENTS = (ROOT / "docs" / "reference" / "events-and-logs.md").read_text()
SYMPTOMS = re.findall(r"^\| ((?!you see|---).*?) \|", PAGE, re.MULTILINE)

SHOWN = {
    *Reason,
    *Refusal,
    "NotAssessed",
    *re.findall(r"^\| `([A-Z]\w+)` \| `(?:Normal|Warning)`", EVENTS, re.MULTILINE),
}
"""Every reason of a condition, a failure or an Event."""

HARMLESS = {"Succeeded", "Requested", "Resumed"}
"""Those that no user has to do anything about, or wonder at."""


def test_every_reason_that_users_meet_has_a_row() -> None:
    named = {word for symptom in SYMPTOMS for word in re.findall(r"`([A-Z]\w+)`", symptom)}
    assert {str(reason) for reason in SHOWN} - named - HARMLESS == set()


def test_every_reason_in_a_row_exists() -> None:
    known = {*SHOWN, *Type}
    named = {word for symptom in SYMPTOMS for word in re.findall(r"`([A-Z]\w+)`", symptom)}
    assert named - {str(each) for each in known} == set()


def test_every_text_of_a_row_is_one_that_towline_writes() -> None:
    quoted = {text for cell in re.findall(r"`([^`]+)`", "\n".join(SYMPTOMS)) for text in cell.split("…")}
    phrases = {text.strip() for text in quoted if " " in text.strip()}
    assert len(phrases) > 8
    assert {phrase for phrase in phrases if phrase not in written() and not a_command(phrase)} == set()


def test_every_command_exists() -> None:
    known = {f"towline {name}" for name in main.list_commands(click.Context(main))}
    named = set(re.findall(r"`?(towline [a-z-]+) [\w/A-Z<]", PAGE))
    assert len(named) > 8
    assert named - known == set()


def test_no_symptom_has_two_rows() -> None:
    assert len(SYMPTOMS) == len(set(SYMPTOMS))


@cache
def written() -> str:
    """Return all texts in the code of the operator and in the list of log lines."""
    texts = [EVENTS]
    for file in (ROOT / "operator" / "towline").rglob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text()))
        texts += [
            node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    return "\n".join(texts)


def a_command(phrase: str) -> bool:
    return phrase.startswith(("towline ", "kubectl "))
