"""Every Event and every line of the log is documented as the code has it; the code is read, not run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "operator" / "towline"
PAGE = ROOT / "docs" / "reference" / "events-and-logs.md"

LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
OF_READY = "any reason of Ready"


class Line(NamedTuple):
    """One line of the log: its event, its level, and the names of its fields."""

    event: str
    level: str
    fields: frozenset[str]


class Event(NamedTuple):
    """One Event: its reason, its type, and the line of the log that says the same."""

    reason: str
    type: str
    line: str


def syntax(package: Path, kind: str) -> Iterator[tuple[ast.AST, ast.Call]]:
    """Yield the calls of one kind, each with the function that it is in."""
    for file in sorted(package.rglob("*.py")):
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = (each for each in ast.walk(function) if isinstance(each, ast.Call))
                yield from ((function, each) for each in calls if kind in {_called(each), _owner(each)})


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _owner(call: ast.Call) -> str:
    of = call.func.value if isinstance(call.func, ast.Attribute) else None
    return of.id if isinstance(of, ast.Name) else ""


def lines(package: Path) -> set[Line]:
    """Return what modules log by themselves.

    Raises:
        AssertionError: the event of a line is put together while the operator runs, so that no page can list it.
    """
    found = set()
    for _, call in syntax(package, "_log"):
        assert isinstance(call.func, ast.Attribute)
        (event,) = call.args
        assert isinstance(event, ast.Constant), f"the event must be a literal: {ast.unparse(call)}"
        fields = frozenset("exception" if each.arg == "exc_info" else str(each.arg) for each in call.keywords)
        if call.func.attr == "exception":
            fields |= {"exception"}
        found.add(Line(str(event.value), LEVELS[call.func.attr], fields))
    return found


def events(package: Path) -> set[Event]:
    """Return what is announced: posted as an Event, and logged."""
    found = set()
    for function, call in syntax(package, "Announcement"):
        given = {each.arg: each.value for each in call.keywords}
        pairs = (
            _pairs(function) if isinstance(given["event"], ast.Name) else [(given["event"], given["weight"])]
        )
        for event, weight in pairs:
            assert isinstance(event, ast.Constant)
            assert isinstance(weight, ast.Attribute)
            reason = OF_READY if event.value in {"synced", "not ready"} else _reason(given["reason"])
            found.add(Event(reason, weight.attr.capitalize(), str(event.value)))
    return found


def _pairs(function: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """Return the values of `event, weight = …`."""
    given = (each for each in ast.walk(function) if isinstance(each, ast.Assign))
    return [
        (each.value.elts[0], each.value.elts[1])
        for each in given
        if ast.unparse(each.targets[0]) in {"event, weight", "(event, weight)"}
        and isinstance(each.value, ast.Tuple)
    ]


def _reason(value: ast.expr) -> str:
    if isinstance(value, ast.Constant):
        return str(value.value)
    return "Planned"  # Reason.PLANNED, or the reason of Ready where that is Planned


def documented(heading: str) -> list[list[str]]:
    """Return the rows below a heading, without backticks and links."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", found[1]).replace("`", "")
    table = [line for line in plain.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_every_line_of_the_log_is_documented_and_nothing_else() -> None:
    page = {
        Line(event, level, frozenset(filter(None, fields.split(", "))))
        for event, level, fields, _ in documented("Logs")
    }
    assert page == lines(PACKAGE)


def test_every_event_is_documented_and_nothing_else() -> None:
    page = {Event(reason, kind, line) for reason, kind, line, _ in documented("Events")}
    assert page == events(PACKAGE)


def test_a_line_that_nobody_documented_is_found(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text("async def f():\n    _log.exception('it broke', kind='Pod')\n")
    assert lines(tmp_path) == {Line("it broke", "error", frozenset({"kind", "exception"}))}


def test_a_line_with_an_event_made_while_it_runs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text("def f(error):\n    _log.info(f'it broke: {error}')\n")
    with pytest.raises(AssertionError, match="must be a literal"):
        lines(tmp_path)


def test_an_event_that_nobody_documented_is_found(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text(
        "def f():\n    return Announcement(event='moved', weight=Weight.NORMAL, reason='Moved', message='')\n"
    )
    assert events(tmp_path) == {Event("Moved", "Normal", "moved")}
