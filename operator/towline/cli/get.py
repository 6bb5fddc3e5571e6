"""`towline get`: how repositories are, one row each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import click

from towline.api import gitrepository
from towline.api.condition import Truth
from towline.api.gitrepository import GitRepository
from towline.cli import ages, completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import Cell, Column, OutputForm, Row, Table, Tone
from towline.read import overview
from towline.read.cluster import Cluster
from towline.read.following import Follower
from towline.read.overview import Overview
from towline.read.read_errors import NotAllowedError

_COLUMNS = (
    Column("NAME"),
    Column("READY"),
    Column("COMMIT"),
    Column("AUTHOR"),
    Column("MERGED-BY"),
    Column("HEALTHY"),
    Column("DRIFT"),
    Column("SUSPENDED"),
    Column("AGE"),
    Column("OBJECTS", wide=True),
    Column("SUBJECT", wide=True),
    Column("URL", wide=True),
    Column("STATUS", long=True),
)
_NAMESPACE = Column("NAMESPACE")


@click.command()
@click.argument("name", required=False, default="", shell_complete=completion.repositories)
@options.view(everywhere=True, watch=True)
def get(view: View, name: str) -> None:
    """Show how repositories are, each with the sentence that matters most.

    Exit code 1 where one of them is not ready.

    Example: towline get -A
    """
    if name and (view.everywhere or view.selector):
        raise click.UsageError("a NAME is one repository: leave -A and -l out")
    answer(view, _Get(view, name).run)


class _Get:
    """One call of the command."""

    def __init__(self, view: View, name: str) -> None:
        self._view = view
        self._name = name
        columns = (_NAMESPACE, *_COLUMNS) if view.everywhere else _COLUMNS
        self._table = Table(columns, view.style, grows=view.follows)

    async def run(self, cluster: Cluster) -> ExitCode:
        """Show what there is, and with `-w` what changes."""
        if self._view.follows:
            return await self._follow(cluster)
        if self._name:
            found = overview.of(await cluster.repository(self._name))
            self._show([found], is_one=True)
            return _code([found])
        repositories, complete = await self._found(cluster)
        rows = [overview.of(each) for each in repositories]
        if not rows:
            output.note(f"there are no GitRepositories {_where(self._view, cluster)}")
        self._show(rows)
        return _code(rows) if complete else ExitCode.NO_ANSWER

    async def _found(self, cluster: Cluster) -> tuple[list[GitRepository], bool]:
        """Return the repositories, and whether these are all: with `-A` those of the one namespace that may be read."""
        selector = self._view.selector
        if not self._view.everywhere:
            return await cluster.repositories(cluster.namespace, selector), True
        try:
            return await cluster.repositories("", selector), True
        except NotAllowedError as error:
            try:
                found = await cluster.repositories(cluster.namespace, selector)
            except NotAllowedError:
                raise error from None
            output.note(f"you may not {error.what}: these are those of namespace {cluster.namespace} alone")
            return found, False

    async def _follow(self, cluster: Cluster) -> ExitCode:
        place = "" if self._view.everywhere else cluster.namespace
        fields = f"metadata.name={self._name}" if self._name else ""
        if self._name:
            await cluster.repository(self._name)
        follower = Follower(
            cluster,
            gitrepository.RESOURCE,
            place,
            selector=self._view.selector,
            fields=fields,
            on_trouble=output.note,
        )
        async for batch in follower.batches():
            self._show([overview.of(gitrepository.identify(each.body)) for each in batch if not each.is_gone])
            for each in batch:
                if each.is_gone:
                    output.note(f"{each.body['metadata']['name']} is gone")
        return ExitCode.GOOD

    def _show(self, found: Sequence[Overview], *, is_one: bool = False) -> None:
        form = self._view.style.format
        if form.is_table:
            if found or self._view.follows:
                self._table.show(_rows(found, namespaced=self._view.everywhere))
        elif form is OutputForm.NAME:
            for each in found:
                output.line(f"gitrepository.towline.dev/{each.name}")
        elif self._view.follows:
            for each in found:
                output.document_of_stream(each.as_json(), form)
        else:
            output.document(found[0].as_json() if is_one else [each.as_json() for each in found], form)


def _rows(found: Iterable[Overview], *, namespaced: bool) -> Iterable[Row]:
    now = datetime.now(UTC)
    for each in found:
        row = (
            each.name,
            Cell(each.ready, _TRUTHS.get(each.ready, Tone.DOUBTFUL)),
            each.short,
            str(each.applied.get("author", "")),
            str(each.applied.get("mergedBy", "")),
            Cell(each.healthy, _TRUTHS.get(each.healthy, Tone.DOUBTFUL)),
            Cell(each.drifted, Tone.DOUBTFUL if each.drifted == Truth.TRUE else Tone.PLAIN),
            Cell(each.suspended, Tone.DOUBTFUL if each.suspended == Truth.TRUE else Tone.PLAIN),
            ages.ago(each.created_at, now),
            str(each.objects.get("declared", "")),
            str(each.applied.get("subject", "")),
            each.url,
            each.sentence,
        )
        yield (each.namespace, *row) if namespaced else row


_TRUTHS = {Truth.TRUE.value: Tone.GOOD, Truth.FALSE.value: Tone.BAD}


def _code(found: Sequence[Overview]) -> ExitCode:
    return ExitCode.GOOD if all(each.is_ready for each in found) else ExitCode.NOT_AS_WANTED


def _where(view: View, cluster: Cluster) -> str:
    labelled = f" with the labels {view.selector}" if view.selector else ""
    return ("in any namespace" if view.everywhere else f"in namespace {cluster.namespace}") + labelled
