"""What a command prints can be read by people and programs, and controls no terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import sys
from collections.abc import Callable

import click
import pytest
import yaml
from towline.cli import output
from towline.cli.output import Cell, Column, OutputForm, OutputStyle, Table, Tone

COLUMNS = (Column("NAME"), Column("URL", wide=True), Column("STATUS", long=True))
ROWS = (("shop", "https://git.example/shop", Cell("applied", Tone.GOOD)), ("a-long-name", "", "名前 x"))
NASTY = "a\x1b[31mred\x07\u202egnp\u2028\x85b\U000e0041"


def printed(capsys: pytest.CaptureFixture[str], show: Callable[[], None]) -> str:
    show()
    return capsys.readouterr().out


def test_a_table_in_a_pipe_is_plain_text_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(COLUMNS, OutputStyle())
    assert printed(capsys, lambda: table.show(ROWS)).splitlines() == [
        "NAME          STATUS",
        "shop          applied",
        "a-long-name   名前 x",
    ]


def test_a_wide_table_has_every_column_and_a_dash_where_there_is_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = Table(COLUMNS, OutputStyle(format=OutputForm.WIDE))
    lines = printed(capsys, lambda: table.show(ROWS)).splitlines()
    assert lines[0].split() == ["NAME", "URL", "STATUS"]
    assert lines[2].split() == ["a-long-name", "-", "名前", "x"]


def test_rows_that_come_later_keep_the_columns_and_have_no_header(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(COLUMNS, OutputStyle())
    table.show(ROWS)
    capsys.readouterr()
    assert printed(capsys, lambda: table.show([("blog", "", "failed")])) == "blog          failed\n"


def test_no_text_of_a_table_controls_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(COLUMNS, OutputStyle())
    shown = printed(capsys, lambda: table.show([(NASTY, NASTY, NASTY)]))
    assert shown.replace("\n", "").isprintable()
    assert "red" in shown


@pytest.mark.parametrize("form", [OutputForm.JSON, OutputForm.YAML])
@pytest.mark.parametrize("value", [NASTY, f"two\n{NASTY}\nlines", "plain", "tab\there\nnext", "yes", "017"])
def test_documents_hold_every_text_and_control_no_terminal(
    capsys: pytest.CaptureFixture[str], form: OutputForm, value: str
) -> None:
    shown = printed(capsys, lambda: output.document({"key": value, "list": [value]}, form))
    assert shown.replace("\n", "").replace("\t", "").isprintable()
    read = json.loads(shown) if form is OutputForm.JSON else yaml.safe_load(shown)
    assert read == {"key": value, "list": [value]}


def on_a_terminal(show: Callable[[], None], monkeypatch: pytest.MonkeyPatch, columns: str = "80") -> str:
    """Return what a terminal gets."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", columns)
        show()
        terminal.flush()
        monkeypatch.undo()
    shown = b""
    with contextlib.suppress(OSError):  # the end, where nobody writes any more
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    return shown.decode()


def test_a_table_on_a_terminal_has_colours_unless_they_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    colored = on_a_terminal(lambda: Table(COLUMNS, OutputStyle()).show(ROWS), monkeypatch)
    assert "\x1b[32mapplied" in colored
    refused = on_a_terminal(lambda: Table(COLUMNS, OutputStyle(color=False)).show(ROWS), monkeypatch)
    assert "\x1b" not in refused
    assert "applied" in refused
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_a_terminal(lambda: Table(COLUMNS, OutputStyle()).show(ROWS), monkeypatch)


def test_markup_of_others_is_text_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_a_terminal(
        lambda: Table(COLUMNS, OutputStyle()).show([("[red]x[/red]", "", NASTY)]), monkeypatch
    )
    assert "[red]x[/red]" in shown
    assert "\x07" not in shown
    assert "\x1b[31m" not in shown


@pytest.mark.parametrize("columns", ["200", "60", "20"])
@pytest.mark.parametrize("grows", [True, False])
def test_no_word_is_cut_however_narrow_the_terminal_is(
    monkeypatch: pytest.MonkeyPatch, columns: str, *, grows: bool
) -> None:
    names = ("NAMESPACE", "NAME", "COMMIT", "AUTHOR")
    wide = (*map(Column, names), Column("STATUS", long=True))
    row = (
        "a-long-namespace",
        "a-longer-name",
        "1a2b3c4",
        "Ada Lovelace",
        "file.yaml:12: it must be a number",
    )
    shown = on_a_terminal(
        lambda: Table(wide, OutputStyle(color=False), grows=grows).show([row]), monkeypatch, columns
    )
    assert set(" ".join(row).split()) <= set(shown.split())
    assert set(names) <= set(shown.split())


def test_a_table_that_grows_keeps_its_columns_and_its_colours_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    table = Table(COLUMNS, OutputStyle(), grows=True)

    def show() -> None:
        table.show(ROWS)
        table.show([("blog", "", Cell("failed", Tone.BAD))])

    lines = [click.unstyle(line) for line in on_a_terminal(show, monkeypatch).splitlines()]
    assert [
        line.index(word) for line, word in zip(lines, ("STATUS", "applied", "名前", "failed"), strict=True)
    ] == [14] * 4


def test_an_object_has_the_name_by_which_kubectl_finds_it() -> None:
    assert output.object_name("Deployment.apps/shop/web") == "deployment.apps/web"
    assert output.object_name("ClusterRole.rbac.authorization.k8s.io/viewer") == (
        "clusterrole.rbac.authorization.k8s.io/viewer"
    )
