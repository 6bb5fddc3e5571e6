"""`towline history`: check the audit trail offline."""

from __future__ import annotations

from typing import IO, Any

import click
import orjson

from towline import text
from towline.records import chain


@click.group()
def history() -> None:
    """Look at the records of syncs."""


@history.command()
@click.argument("source", metavar="[FILE]", type=click.File("rb"), default="-")
@click.option("--allow-missing", is_flag=True, help="Accept gaps, such as those that retention leaves.")
def verify(source: IO[bytes], *, allow_missing: bool) -> None:
    """Check that no record was edited, replaced or removed, without asking a cluster.

    FILE (or standard input) holds what `kubectl get syncrecords -o json` prints, of one namespace or of all. Exit
    code 1 where something is wrong, 2 where the input holds no records.
    """
    records = _records(source.read())
    problems = chain.verify(records)
    for problem in problems:
        told = f"{problem.record or 'a record without a name'}: {problem.message}"
        click.echo(text.printable(told))  # whoever edits a record may edit its name: it must hide no line
    wrong = [problem for problem in problems if not (problem.missing and allow_missing)]
    click.echo(f"{len(records)} records, {len(wrong)} problems", err=True)
    if wrong:
        raise click.exceptions.Exit(1)


def _records(content: bytes) -> list[dict[str, Any]]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"the input is not JSON: {error}") from error
    items = found.get("items", [found]) if isinstance(found, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise click.UsageError("the input must be a list of records")
    records = [item for item in items if item.get("kind") == "SyncRecord"]
    if not records:
        raise click.UsageError("the input has no SyncRecord")
    return records
