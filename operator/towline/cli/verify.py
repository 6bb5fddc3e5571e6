"""`towline verify`: check that nobody edited, replaced or removed a record."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import IO, Any, TypeAlias

import click
import orjson

from towline import text
from towline.cli import options
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import OutputForm
from towline.cli.reviewing import record_choice
from towline.model import Body
from towline.read import stored_records
from towline.read.cluster import Cluster
from towline.read.evidence import record_check, record_export
from towline.records.chain import Problem

Show: TypeAlias = Callable[[int, Sequence[Problem]], ExitCode]
"""Shows how many records there are, and what is wrong with them."""

_allow_missing = click.option(
    "--allow-missing", is_flag=True, help="Accept gaps, such as those that retention leaves."
)


@click.command()
@click.argument("source", metavar="[FILE]", type=click.File("rb"), required=False)
@_allow_missing
@options.view(formats=(OutputForm.TABLE, OutputForm.JSON), everywhere=True)
def verify(view: View, source: IO[bytes] | None, *, allow_missing: bool) -> None:
    """Check that no record was edited, replaced or removed, from a file or in a cluster.

    FILE (or what standard input holds) is what `towline export` or `kubectl get syncrecords -o json` prints: no cluster
    is asked. Without it the records of the namespace are read. Exit code 1 where something is wrong, 2 where there are
    no records.

    Example: towline verify export.jsonl
    """
    show: Show = partial(_show, view, allow_missing=allow_missing)
    content = source.read() if source else _piped()
    if source or content:
        records, problems = _checked(content)
        sys.exit(show(len(records), problems))
    answer(view, partial(_live, view, show))


def _show(view: View, count: int, problems: Sequence[Problem], *, allow_missing: bool) -> ExitCode:
    wrong = [problem for problem in problems if not (problem.missing and allow_missing)]
    if view.style.format is OutputForm.JSON:
        told = [
            {"record": each.record or None, "message": each.message, "missing": each.missing}
            for each in problems
        ]
        click.echo(orjson.dumps({"records": count, "problems": told}, option=orjson.OPT_INDENT_2))
    else:
        for problem in problems:  # whoever edits a record may edit its name: it must hide no line
            click.echo(text.printable(f"{problem.record or 'a record without a name'}: {problem.message}"))
    click.echo(f"{text.many(count, 'record')}, {text.many(len(wrong), 'problem')}", err=True)
    return ExitCode.NOT_AS_WANTED if wrong else ExitCode.GOOD


async def _live(view: View, show: Show, cluster: Cluster) -> ExitCode:
    place = stored_records.EVERYWHERE if view.everywhere else cluster.namespace
    newest = {
        each.uid: str(each.status.get("lastRecord", ""))
        for each in await cluster.repositories(place, view.selector)
    }
    records = await record_choice.chosen(view, "", cluster)
    if not records and not any(newest.values()):
        message = (
            f"there are no SyncRecords {record_choice.where(view, cluster)}: name another namespace with -n"
        )
        raise click.UsageError(message)
    return show(len(records), (*record_check.check(records), *record_check.check_newest(records, newest)))


def _piped() -> bytes:
    """Return what a pipe or a file on standard input holds; nothing of a terminal or a device."""
    stream = sys.stdin.buffer
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):  # no file of the system
        return stream.read()
    return stream.read() if stat.S_ISFIFO(mode) or stat.S_ISREG(mode) else b""


def _checked(content: bytes) -> tuple[list[dict[str, Any]], tuple[Problem, ...]]:
    """Return the records of a file, and what is wrong with them.

    Raises:
        click.UsageError: it holds no records.
    """
    items = _items(content)
    headers = [item for item in items if item.get("kind") == record_export.KIND]
    records = [item for item in items if item.get("kind") == "SyncRecord"]
    if not records and not headers:
        raise click.UsageError("the input has no SyncRecord")
    if len(headers) == 1:
        return records, record_check.check_export(headers[0], records)
    if headers:
        raise click.UsageError("the input holds several exports: check one file at a time")
    return records, record_check.check(records)


def _items(content: bytes) -> list[dict[str, Any]]:
    """Return the objects of a file: of one list, or one on each line."""
    try:
        found = orjson.loads(content)
        items = found.get("items", [found]) if isinstance(found, dict) else found
    except orjson.JSONDecodeError as error:
        items = _lines(content, error)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise click.UsageError("the input must be a list of records")
    return items


def _lines(content: bytes, error: orjson.JSONDecodeError) -> list[Body]:
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
    if len(lines) < 2:
        raise click.UsageError(f"the input is not JSON: {error}") from error
    found: list[Body] = []
    for number, line in lines:
        try:
            found.append(orjson.loads(line))
        except orjson.JSONDecodeError as wrong:
            raise click.UsageError(f"line {number} of the input is not JSON: {wrong}") from wrong
    return found
