"""`towline verify`: check that nobody edited, replaced or removed a record."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias

import click
import orjson

from towline import text
from towline.cli import options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import OutputForm
from towline.cli.reviewing import record_choice
from towline.model import Body
from towline.read import stored_records
from towline.read.cluster import Cluster
from towline.read.evidence import kept_checkpoints, record_check, record_export
from towline.read.evidence.kept_checkpoints import KeptCheckpoints
from towline.records import signing
from towline.records.chain import Problem
from towline.records.signed_chain import Verdict

_FORMS = (OutputForm.TABLE, OutputForm.JSON, OutputForm.YAML, OutputForm.NAME)

_NOTHING_SIGNED = (
    "no checkpoint was compared: records that were cut off at the end, and a chain that was written anew as a whole,"
    " are not noticed without one. Name some kept elsewhere with --checkpoints, and the operator's --public-key"
)
_KEY_OF_STATUS = (
    "the public key is the one that the statuses name, which a person who edits records may have edited, too: that it"
    " is the operator's was not checked. Name the one of the operator's log with --public-key"
)

Show: TypeAlias = Callable[[int, Sequence[Problem], Verdict], ExitCode]
"""Shows how many records there are, what is wrong with them, and how many checkpoints were compared."""


def _public_keys(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> frozenset[str]:
    if wrong := [value for value in values if not signing.is_key(value)]:
        raise click.BadParameter(f"{wrong[0]!r} must be base64 of 32 bytes, as the operator's log names it")
    return frozenset(values)


_allow_missing = click.option(
    "--allow-missing", is_flag=True, help="Accept gaps, such as those that retention leaves."
)


@click.command()
@click.argument("source", metavar="[FILE]", type=click.File("rb"), required=False)
@_allow_missing
@click.option(
    "--checkpoints",
    "kept",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Checkpoints that were kept elsewhere: lines of the operator's log, or GitRepositories as JSON.",
)
@click.option(
    "--public-key",
    "keys",
    multiple=True,
    metavar="KEY",
    callback=_public_keys,
    help="The operator's public key; may be repeated. By default that of the status, where a cluster is read.",
)
@options.view(formats=_FORMS, everywhere=True)
def verify(
    view: View,
    source: IO[bytes] | None,
    *,
    kept: Path | None,
    keys: frozenset[str],
    allow_missing: bool,
) -> None:
    """Check that no record was edited, replaced or removed, from a file or in a cluster.

    FILE (or what standard input holds) is what `towline export` or `kubectl get syncrecords -o json` prints: no cluster
    is asked. Without it the records of the namespace are read. Exit code 1 where something is wrong, 2 where there are
    no records.

    Example: towline verify export.jsonl
    """
    show: Show = partial(_show, view, allow_missing=allow_missing)
    signed = KeptCheckpoints(told=kept_checkpoints.read(kept.read_bytes()) if kept else (), keys=keys)
    content = source.read() if source else _piped()
    if source or content:
        sys.exit(show(*_checked(content, signed, _named(source))))
    answer(view, partial(_live, view, show, signed))


def _show(
    view: View, count: int, problems: Sequence[Problem], verdict: Verdict, *, allow_missing: bool
) -> ExitCode:
    wrong = [problem for problem in problems if not (problem.missing and allow_missing)]
    form = view.style.format
    if form is OutputForm.NAME:
        named = (each.record for each in wrong if each.record and not {" ", "/"} & set(each.record))
        for name in dict.fromkeys(named):
            output.line(f"syncrecord.towline.dev/{name}")
    elif not form.is_table:
        told = [
            {"record": each.record or None, "message": each.message, "missing": each.missing}
            for each in problems
        ]
        output.document({"records": count, "problems": told}, form)
    else:
        for problem in problems:  # whoever edits a record may edit its name: it must hide no line
            click.echo(text.printable(f"{problem.record or 'a record without a name'}: {problem.message}"))
    for line in _compared(verdict):
        click.echo(line, err=True)
    click.echo(f"{text.many(count, 'record')}, {text.many(len(wrong), 'problem')}", err=True)
    return ExitCode.NOT_AS_WANTED if wrong else ExitCode.GOOD


def _compared(verdict: Verdict) -> Iterator[str]:
    if verdict.checked:
        yield f"{text.many(verdict.checked, 'checkpoint')} compared"
    if verdict.unchecked:
        left = text.many(verdict.unchecked, "checkpoint")
        yield f"{left} not compared: name the public key of the operator that signed with --public-key"
    if not verdict.checked:
        yield _NOTHING_SIGNED


async def _live(view: View, show: Show, signed: KeptCheckpoints, cluster: Cluster) -> ExitCode:
    place = stored_records.EVERYWHERE if view.everywhere else cluster.namespace
    repositories = await cluster.repositories(place, view.selector)
    newest = {each.uid: str(each.status.get("lastRecord", "")) for each in repositories}
    records = await record_choice.chosen(view, "", cluster)
    if not records and not any(newest.values()):
        message = (
            f"there are no SyncRecords {record_choice.where(view, cluster)}: name another namespace with -n"
        )
        raise click.UsageError(message)
    verdict = signed.of_statuses([each.status for each in repositories]).verdict(records)
    problems = (*record_check.check(records, verdict), *record_check.check_newest(records, newest))
    if verdict.checked and not signed.keys:
        click.echo(_KEY_OF_STATUS, err=True)
    return show(len(records), problems, verdict)


def _named(source: IO[bytes] | None) -> str:
    """Return how messages call a file."""
    name = getattr(source, "name", "")
    return (
        click.format_filename(name)
        if isinstance(name, str) and name not in {"", "<stdin>"}
        else "standard input"
    )


def _piped() -> bytes:
    """Return what a pipe or a file on standard input holds; nothing of a terminal or a device."""
    stream = sys.stdin.buffer
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):  # no file of the system
        return stream.read()
    return stream.read() if stat.S_ISFIFO(mode) or stat.S_ISREG(mode) else b""


def _checked(
    content: bytes, signed: KeptCheckpoints, source: str
) -> tuple[int, tuple[Problem, ...], Verdict]:
    """Return how many records a file has, what is wrong with them, and what became of checkpoints.

    Raises:
        click.UsageError: it holds no records.
    """
    items = _items(content, source)
    headers = [item for item in items if item.body.get("kind") == record_export.KIND]
    placed = [item for item in items if item.body.get("kind") == "SyncRecord"]
    if not placed and not headers:
        raise click.UsageError(f"the input has no SyncRecord: {source} must be what towline export prints")
    if len(headers) > 1:
        raise click.UsageError("the input holds several exports: check one file at a time")
    records = [item.body for item in placed]
    told = (
        *signed.told,
        *(found for header in headers for found in record_export.checkpoints_of(header.body)),
    )
    verdict = replace(signed, told=told).verdict(records)
    problems = (
        record_check.check_export(headers[0].body, records, verdict)
        if headers
        else record_check.check(records, verdict)
    )
    return len(records), tuple(_located(each, placed) for each in problems), verdict


def _located(problem: Problem, placed: Sequence[_Item]) -> Problem:
    """Return a problem of a record that cannot be read with the file and line of that."""
    if problem.index is None:
        return problem
    return replace(problem, message=f"{problem.message} ({placed[problem.index].place})")


class _Item(NamedTuple):
    """One object of a file, and where it is: file and line, or file and place in the list."""

    body: Body
    place: str


def _items(content: bytes, source: str) -> list[_Item]:
    """Return the objects of a file: of one list, or one on each line."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        placed = _lines(content, error, source)
    else:
        listed = found.get("items", [found]) if isinstance(found, dict) else found
        if not isinstance(listed, list):
            raise click.UsageError(f"the input must be a list of records: {source} holds something else")
        where = ".items" if isinstance(found, dict) and "items" in found else ""
        placed = [(each, f"{source}, {where}[{index}]") for index, each in enumerate(listed)]
    for body, place in placed:
        if not isinstance(body, dict):
            raise click.UsageError(f"the input must be a list of records: {place} is not a map")
    return [_Item(body, place) for body, place in placed]


def _lines(content: bytes, error: orjson.JSONDecodeError, source: str) -> list[tuple[Any, str]]:
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
    if len(lines) < 2:
        raise click.UsageError(_not_json("the input", source, error)) from error
    found: list[tuple[Any, str]] = []
    for number, line in lines:
        try:
            found.append((orjson.loads(line), f"{source}:{number}"))
        except orjson.JSONDecodeError as wrong:
            what, place = f"line {number} of the input", f"{source}:{number}"
            raise click.UsageError(_not_json(what, place, wrong)) from wrong
    return found


def _not_json(what: str, place: str, error: orjson.JSONDecodeError) -> str:
    return (
        f"{what} is not JSON, from column {error.colno} on ({place}): it was cut off or damaged. Export it again, or"
        " copy it whole"
    )
