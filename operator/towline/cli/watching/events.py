"""`towline events`: what happened to a repository lately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import click

from towline.cli import ages, completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import Cell, Column, OutputForm, Row, Table, Tone
from towline.read import event_rows
from towline.read.cluster import EVENT, Cluster
from towline.read.event_rows import EventRow
from towline.read.following import Follower

_COLUMNS = (Column("LAST"), Column("TYPE"), Column("REASON"), Column("COUNT"), Column("MESSAGE", long=True))
_FORMATS = (OutputForm.TABLE, OutputForm.JSON, OutputForm.YAML, OutputForm.NAME)


@click.command()
@click.argument("name", shell_complete=completion.repositories)
@options.view(formats=_FORMATS, watch=True)
def events(view: View, name: str) -> None:
    """Show what happened to a repository lately, the newest last.

    The API server forgets Events after about an hour; towline log shows what was applied ever since.

    Example: towline events shop -w
    """

    async def work(cluster: Cluster) -> ExitCode:
        repository = await cluster.repository(name)
        place, uid = repository.key.namespace, repository.uid
        shown = _Shown(view)
        if not view.follows:
            found = [event_rows.of(each) async for each in cluster.events(place, uid)]
            if not found:
                output.note(
                    f"there are no Events about {name}: the API server forgets them after about an hour"
                )
            shown.all(found)
            return ExitCode.GOOD
        fields = f"involvedObject.uid={uid}"
        follower = Follower(cluster, EVENT, place, fields=fields, on_trouble=output.note)
        async for batch in follower.batches():
            shown.more([event_rows.of(each.body) for each in batch if not each.is_gone])
        return ExitCode.GOOD

    answer(view, work)


class _Shown:
    """Prints Events in the order of their times."""

    def __init__(self, view: View) -> None:
        self._form = view.style.format
        self._table = Table(_COLUMNS, view.style, grows=view.follows)

    def all(self, found: Sequence[EventRow]) -> None:
        """Print those that there are."""
        if self._form is OutputForm.NAME:
            self._names(found)
        elif not self._form.is_table:
            output.document([each.as_json() for each in _ordered(found)], self._form)
        elif found:
            self._table.show(_rows(found))

    def more(self, found: Sequence[EventRow]) -> None:
        """Print some that have come; the first time there may be none yet."""
        if self._form.is_table:
            self._table.show(_rows(found))
            return
        if self._form is OutputForm.NAME:
            self._names(found)
            return
        for each in _ordered(found):
            output.document_of_stream(each.as_json(), self._form)

    @staticmethod
    def _names(found: Sequence[EventRow]) -> None:
        for each in _ordered(found):
            output.line(f"event/{each.name}")


def _ordered(found: Iterable[EventRow]) -> list[EventRow]:
    return sorted(found, key=lambda each: each.at)


def _rows(found: Iterable[EventRow]) -> Iterable[Row]:
    now = datetime.now(UTC)
    for each in _ordered(found):
        tone = Tone.DOUBTFUL if each.type == "Warning" else Tone.PLAIN
        yield ages.ago(each.at, now), Cell(each.type, tone), each.reason, str(each.count), each.message
