"""`towline orphans`: objects that nothing explains."""

from __future__ import annotations

from collections.abc import Iterable

import click

from towline import text
from towline.cli import ages, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import Cell, Column, OutputForm, Row, Table, Tone
from towline.cli.requesting import waiting
from towline.read.cluster import Cluster
from towline.read.orphans import orphan_search
from towline.read.orphans.explanations import Orphan
from towline.read.orphans.orphan_search import OrphanReport

_COLUMNS = (
    Column("OBJECT"),
    Column("KIND"),
    Column("WRITTEN-BY"),
    Column("AGE"),
    Column("WHY", long=True),
)


@click.command()
@options.view(formats=waiting.FORMS, everywhere=True)
def orphans(view: View) -> None:
    """List objects that no repository and no owner explains, and what repositories that are gone have left behind.

    It only reports. Exit code 1 where there are such objects, 2 where not all kinds may be listed.

    Example: towline orphans -n shop
    """
    if view.selector:
        raise click.UsageError("-l is not for this command: what nothing explains may have any label")
    answer(view, lambda cluster: _orphans(cluster, view))


async def _orphans(cluster: Cluster, view: View) -> ExitCode:
    report = await orphan_search.search(cluster, "" if view.everywhere else cluster.namespace)
    _show(report, view)
    if report.unread:
        output.note(f"not looked at, because you may not: {'; '.join(report.unread)}")
        return ExitCode.NO_ANSWER
    return ExitCode.NOT_AS_WANTED if report.orphans else ExitCode.GOOD


def _show(report: OrphanReport, view: View) -> None:
    form = view.style.format
    if form is OutputForm.NAME:
        for each in report.orphans:
            group = f".{each.ref.group}" if each.ref.group else ""
            output.line(f"{each.ref.kind.lower()}{group}/{each.ref.name}")
    elif not form.is_table:
        listed = [each.as_json() for each in report.orphans]
        output.document({"orphans": listed, "unread": list(report.unread)}, form)
    elif report.orphans:
        Table(_COLUMNS, view.style).show(_rows(report.orphans))
    else:
        output.note(f"{text.many(0, 'object')} without an explanation")


def _rows(found: Iterable[Orphan]) -> Iterable[Row]:
    now = waiting.now()
    for each in found:
        tone = Tone.BAD if each.is_leftover else Tone.DOUBTFUL
        yield (
            str(each.ref),
            Cell(str(each.kind), tone),
            ", ".join(each.writers),
            ages.ago(each.created_at, now),
            each.why,
        )
