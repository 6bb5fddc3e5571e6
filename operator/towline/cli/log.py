"""`towline log`: what was applied, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from towline.api.syncrecord import Ending
from towline.cli import ages, completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import Cell, Column, OutputForm, Row, Table, Tone
from towline.cli.reviewing import moments, record_choice
from towline.errors import SourceError
from towline.read import branch_history, object_choice
from towline.read.applied_history import commit_accounts, log_entries
from towline.read.applied_history.commit_accounts import Fate
from towline.read.applied_history.log_entries import UNKNOWN, LogEntry
from towline.read.applied_history.log_filter import LogFilter
from towline.read.applied_history.recorded_sync import RecordedSync
from towline.read.cluster import Cluster

_COLUMNS = (
    Column("AGE"),
    Column("OUTCOME"),
    Column("COMMIT"),
    Column("AUTHOR"),
    Column("MERGED-BY"),
    Column("PULL-REQUEST"),
    Column("CHANGED"),
    Column("AT", wide=True),
    Column("TRIGGER", wide=True),
    Column("RECORD", wide=True),
    Column("SUBJECT", long=True),
)
_REPOSITORY = Column("REPOSITORY")
_GRAPH = Column("GRAPH")
_TONES = {
    Ending.SUCCEEDED.value: Tone.GOOD,
    Ending.FAILED.value: Tone.BAD,
    Ending.PARTIAL.value: Tone.BAD,
    Ending.INTERRUPTED.value: Tone.DOUBTFUL,
    Fate.PENDING.value: Tone.DOUBTFUL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What the user asks for besides the common options."""

    name: str
    object: str
    filter: LogFilter
    repo: Path | None
    is_graph: bool


@click.command()
@click.argument("name", required=False, default="", shell_complete=completion.repositories)
@click.option(
    "--object",
    "wanted",
    default="",
    metavar="KIND/NAME",
    shell_complete=completion.objects,
    help="Only what changed this object.",
)
@moments.option("--since", "Only what began since then: a date, a time, or an age such as 24h or 7d.")
@click.option(
    "--author", default="", metavar="TEXT", help="Only commits by this name or address, or a part of it."
)
@click.option(
    "--commit", default="", metavar="SHA", help="Only what has this commit, by its id or the start of it."
)
@click.option("--path", default="", metavar="PATH", help="Only what changed objects of this file or folder.")
@click.option(
    "--graph", "is_graph", is_flag=True, help="Show also commits that never ran, by the branch of NAME."
)
@click.option(
    "--repo",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A clone to read commits from, for --graph.",
)
@options.view(everywhere=True)
def log(view: View, name: str, **given: Any) -> None:
    """Show what was applied, and what failed, newest first.

    Each line is a sync: the commit it led to, who wrote and merged that, and what changed.

    Example: towline log shop --object deployment/web --since 7d
    """
    if name and (view.everywhere or view.selector):
        raise click.UsageError("a NAME is one repository: leave -A and -l out")
    if given["is_graph"] and not name:
        raise click.UsageError("--graph is that of one branch: give the NAME of a repository")
    chosen = LogFilter(
        author=given["author"], commit=given["commit"], path=given["path"], since=given["since"]
    )
    wish = _Wish(
        name=name, object=given["wanted"], filter=chosen, repo=given["repo"], is_graph=given["is_graph"]
    )
    answer(view, partial(_log, view, wish))


async def _log(view: View, wish: _Wish, cluster: Cluster) -> ExitCode:
    bodies = await record_choice.chosen(view, wish.name, cluster)
    recorded, code = record_choice.recorded(bodies)
    chosen = wish.filter
    if wish.object:
        chosen = replace(chosen, object=await object_choice.wanted(cluster, wish.object))
    if wish.is_graph:
        entries, whole = await _graph(wish, recorded, cluster)
        code = max(code, whole)
    else:
        entries = log_entries.of_syncs(recorded)
    kept = chosen.kept(entries)
    if not kept:
        what = "no record fits" if bodies else "there are no records"
        advice = f"; towline log {wish.name or 'NAME'} --graph shows also commits that never ran"
        hidden = bodies and not wish.is_graph and (chosen.commit or chosen.author)
        output.note(f"{what} {record_choice.where(view, cluster)}{advice if hidden else ''}")
    _show(view, kept, is_single=bool(wish.name), is_graph=wish.is_graph)
    return code


async def _graph(
    wish: _Wish, recorded: Sequence[RecordedSync], cluster: Cluster
) -> tuple[tuple[LogEntry, ...], ExitCode]:
    """Return the entries of all commits of the branch; where Git cannot be read, those of the syncs alone."""
    repository = await cluster.repository(wish.name)
    try:
        branch, missing = await branch_history.read(repository, recorded, wish.repo)
    except SourceError as error:
        branch, missing = None, error.message
    if missing:
        output.note(f"commits that never ran are not shown: {missing}" if branch is None else missing)
    if branch is None:
        return log_entries.of_syncs(recorded), ExitCode.NO_ANSWER
    if branch.ended:
        output.note(branch.ended)
    accounts = commit_accounts.account(branch, recorded)
    entries = log_entries.of_branch(accounts, recorded, repository.key)
    return entries, ExitCode.NO_ANSWER if missing else ExitCode.GOOD


def _show(view: View, entries: Sequence[LogEntry], *, is_single: bool, is_graph: bool) -> None:
    form = view.style.format
    if form is OutputForm.NAME:
        for name in dict.fromkeys(entry.record for entry in entries if entry.record):
            output.line(f"syncrecord.towline.dev/{name}")
    elif not form.is_table:
        output.document([log_entries.body(entry) for entry in entries], form)
    elif entries:
        before = (*((_GRAPH,) if is_graph else ()), *(() if is_single else (_REPOSITORY,)))
        now = datetime.now(UTC)
        rows = (_row(entry, now, is_single=is_single, is_graph=is_graph) for entry in entries)
        Table((*before, *_COLUMNS), view.style).show(rows)


def _row(entry: LogEntry, now: datetime, *, is_single: bool, is_graph: bool) -> Row:
    """Return the row of an entry; a repair has no author, and an unknown pull request is said to be unknown."""
    is_commit = bool(entry.commit) and not entry.brings_no_commit
    return (
        *((_lane(entry),) if is_graph else ()),
        *(() if is_single else (str(entry.repository),)),
        ages.ago(entry.at, now),
        Cell(entry.outcome, _TONES.get(entry.outcome, Tone.PLAIN)),
        entry.commit[:7],
        entry.author if is_commit else "",
        (entry.merged_by or UNKNOWN) if is_commit else "",
        (entry.pull_request or UNKNOWN) if is_commit else "",
        log_entries.counted(entry),
        entry.at,
        entry.trigger,
        entry.record,
        _subject(entry),
    )


def _lane(entry: LogEntry) -> str:
    """Draw where a commit is: on the branch, on one that was merged, or beside both."""
    if entry.brings_no_commit:
        return "o"
    return "| *" if entry.is_side else "*"


def _subject(entry: LogEntry) -> str:
    """Return the subject, or what a repair put right; behind it what failed first."""
    told = entry.subject
    if entry.brings_no_commit:
        told = f"Drift: {_listed(name for name, _ in entry.changed)}"
    if not entry.failures:
        return told
    first, more = entry.failures[0], len(entry.failures) - 1
    rest = f" (and {more} more)" if more else ""
    name = f"{first.object}: " if first.object and first.object not in first.message else ""
    return f"{told} [{first.reason}: {name}{first.message}{rest}]"


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
