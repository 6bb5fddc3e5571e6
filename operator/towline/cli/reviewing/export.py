"""`towline export`: every change of a period, with what proves that nothing was taken away."""

from __future__ import annotations

from functools import partial

import click

from towline import text
from towline.cli import completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import OutputForm
from towline.cli.reviewing import moments, record_choice
from towline.model import Body
from towline.read import stored_records
from towline.read.cluster import Cluster
from towline.read.evidence import change_rows, record_check, record_export
from towline.read.evidence.record_export import Period
from towline.read.read_errors import NotAllowedError


@click.command()
@click.argument("name", required=False, default="", shell_complete=completion.repositories)
@moments.option("--from", "The first moment; by default that of the oldest record.")
@moments.option("--to", "The moment after the last; by default now.")
@options.view(formats=(OutputForm.JSONL, OutputForm.CSV), everywhere=True)
def export(view: View, name: str, **period: str) -> None:
    """Print the records of a period as evidence, for `towline verify`, or their changes as CSV.

    Exit code 1 where a record was edited, replaced or removed: standard error names it.

    Example: towline export --from 2026-10-01 --to 2027-01-01 > q4.jsonl
    """
    if name and (view.everywhere or view.selector):
        raise click.UsageError("a NAME is one repository: leave -A and -l out")
    answer(view, partial(_export, view, name, Period(period["from"], period["to"])))


async def _export(view: View, name: str, period: Period, cluster: Cluster) -> ExitCode:
    found = await record_choice.chosen(view, name, cluster)
    header, records = record_export.export(found, period, await _checkpoints(view, cluster))
    if view.style.format is OutputForm.CSV:
        for line in change_rows.write(records):
            click.echo(line, nl=False)
    else:
        for body in (record_export.header_body(header), *records):
            click.echo(output.as_json(body, indent=False))
    wrong = [problem for problem in record_check.check(found) if not problem.missing]
    for problem in wrong:
        output.note(f"{problem.record}: {problem.message}")
    output.note(f"{text.many(len(records), 'record')} {record_choice.where(view, cluster)}")
    return ExitCode.NOT_AS_WANTED if wrong else ExitCode.GOOD


async def _checkpoints(view: View, cluster: Cluster) -> dict[str, Body]:
    """Return the newest checkpoint of each repository; who may read records alone gets none, and is told so."""
    place = stored_records.EVERYWHERE if view.everywhere else cluster.namespace
    try:
        found = {each.uid: each.status.get("checkpoint") for each in await cluster.repositories(place)}
    except NotAllowedError as error:
        output.note(f"you may not {error.what}: the export holds the checkpoints of records alone")
        return {}
    return {uid: body for uid, body in found.items() if isinstance(body, dict)}
