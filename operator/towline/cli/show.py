"""`towline show`: one sync, with all that it changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import click
import orjson

from towline import text
from towline.api.signed import verification
from towline.api.syncrecord import ChangeEntry, Ending, FieldChange
from towline.cli import completion, options, output
from towline.cli.answering import answer
from towline.cli.exit_codes import ExitCode
from towline.cli.options import View
from towline.cli.output import OutputForm, Tone
from towline.cli.reviewing import record_choice
from towline.model import display
from towline.read.applied_history import sync_choice, sync_details
from towline.read.applied_history.log_entries import UNKNOWN
from towline.read.applied_history.recorded_sync import RUNNING, RecordedSync
from towline.read.cluster import Cluster
from towline.read.read_errors import AbsentError

_FORMS = (OutputForm.TABLE, OutputForm.JSON, OutputForm.YAML, OutputForm.NAME)
_SIGNATURES = 20
"""How many are listed."""

_GOOD = frozenset({Ending.SUCCEEDED.value, Ending.PLANNED.value, RUNNING})


@click.command()
@click.argument("name", metavar="RECORD|COMMIT", shell_complete=completion.records)
@options.view(formats=_FORMS)
def show(view: View, name: str) -> None:
    """Show one sync: its commits, every field that it changed, what failed, and when.

    It is named by a SyncRecord, or by a commit that it led to or brought. Exit code 1 where it did not succeed.

    Example: towline show 3f2a1bc
    """
    answer(view, partial(_show, view, name))


async def _show(view: View, name: str, cluster: Cluster) -> ExitCode:
    bodies = await record_choice.chosen(view, "", cluster)
    recorded, _ = record_choice.recorded(bodies)
    sync = sync_choice.by_record(recorded, name)
    others: Sequence[RecordedSync] = ()
    if sync is None:
        sync, *others = sync_choice.by_commit(recorded, name) or (None,)
    if sync is None:
        where = record_choice.where(view, cluster)
        advice = "towline log lists what there is, and towline log NAME --graph commits that never ran"
        raise AbsentError(f'no record {where} is called "{name}" or tells of such a commit: {advice}')
    _print(view, sync)
    if others:
        named = ", ".join(other.name for other in others[:5]) + (" and more" if len(others) > 5 else "")
        output.note(f"other syncs with this commit: {named}")
    return ExitCode.GOOD if sync.outcome in _GOOD else ExitCode.NOT_AS_WANTED


def _print(view: View, sync: RecordedSync) -> None:
    form = view.style.format
    if form is OutputForm.NAME:
        output.line(f"syncrecord.towline.dev/{sync.name}")
    elif not form.is_table:
        output.document(sync_details.body(sync), form)
    else:
        for told, tone in _lines(sync):
            _print_line(view, told, tone)


def _print_line(view: View, told: str, tone: Tone) -> None:
    """Print a line with its indent."""
    bare = told.lstrip(" ")
    click.echo(" " * (len(told) - len(bare)), nl=False)
    output.line(bare, view.style, tone)


def _lines(sync: RecordedSync) -> Iterator[tuple[str, Tone]]:
    intent = sync.intent
    good = sync.outcome in _GOOD
    counts = ", ".join(f"{count} {name}" for name, count in _counts(sync).items() if count)
    yield f"Record: {sync.name}", Tone.PLAIN
    yield f"Repository: {sync.repository}", Tone.PLAIN
    yield f"Outcome: {sync.outcome}" + (f" ({counts})" if counts else ""), Tone.GOOD if good else Tone.BAD
    asked = f", asked for by {intent.requested_by} (as claimed)" if intent.requested_by else ""
    yield f"Trigger: {intent.trigger}" + "".join(f", {flag}" for flag in intent.flags) + asked, Tone.PLAIN
    for step, at, seconds in sync_details.steps(sync):
        later = "" if seconds is None else f" ({seconds:g} s later)"
        yield f"{step.capitalize()}: {at}{later}", Tone.PLAIN
    yield from ((line, Tone.PLAIN) for line in _commits(sync))
    yield from _signatures(sync)
    yield from ((line, Tone.PLAIN) for line in _changes(sync))
    if sync.failures:
        yield "", Tone.PLAIN
        yield "Failures:", Tone.BAD
        for each in sync.failures:
            name = f"{display(each.object)}: " if each.object and each.object not in each.message else ""
            yield f"  {each.reason}: {name}{each.message}", Tone.BAD


def _counts(sync: RecordedSync) -> dict[str, int]:
    counts = sync.counts
    return {name: getattr(counts, name) for name in type(counts).__dataclass_fields__}


def _commits(sync: RecordedSync) -> Iterator[str]:
    intent = sync.intent
    yield ""
    yield "Commits:"
    for each in intent.commits:
        back = ", taken back" if each.taken_back else ""
        told = f"pull request {each.pull_request or UNKNOWN}, merged by {each.merged_by or UNKNOWN}{back}"
        yield f"  {each.short} {each.subject}"
        yield f"    {each.author.name} <{each.author.email}>, {told}"
        yield from (f"    {trailer.name}: {trailer.value}" for trailer in each.trailers)
    if (more := intent.commits_total - len(intent.commits)) > 0:
        yield f"  and {text.many(more, 'older commit')}"


def _signatures(sync: RecordedSync) -> Iterator[tuple[str, Tone]]:
    found = sync.intent.verification
    if found is None:
        return
    tone = Tone.PLAIN if found.is_trusted else Tone.BAD
    yield "", Tone.PLAIN
    yield f"Signatures: {verification.verdict(found)} ({found.mode}, keys of Secret {found.secret})", tone
    for each in found.signatures[:_SIGNATURES]:
        key = f", {each.format} key {each.key}" if each.key else ""
        signer = f" of {each.signer}" if each.signer else ""
        yield f"  {each.kind} {each.sha[:7]}: {each.trust}{key}{signer}", Tone.PLAIN
    if (more := found.total - _SIGNATURES) > 0:
        yield f"  and {more} more", Tone.PLAIN


def _changes(sync: RecordedSync) -> Iterator[str]:
    yield ""
    yield "Changes:"
    if not sync.changes:
        yield "  none"
    for name, action, entries in sync_details.changes(sync):
        first = entries[0]
        yield f"  {action} {display(name)}{_place(first)}"
        yield from (f"    {line}" for entry in entries for field in entry.fields for line in _field(field))


def _place(change: ChangeEntry) -> str:
    """Return where an object is declared, and the commit that last changed it."""
    where = f"{change.file}:{change.line}" if change.line else change.file
    told = ", ".join(filter(None, (where, f"commit {change.commit[:7]}" if change.commit else "")))
    return f" ({told})" if told else ""


def _field(field: FieldChange) -> Iterator[str]:
    """Yield a field with its old and its new value, masked as they were recorded."""
    by = f" (by {field.by}, {field.at})" if field.by and field.at else f" (by {field.by})" if field.by else ""
    yield f"{text.dotted(field.path)}: {_value(field.old)} -> {_value(field.new)}{by}"


def _value(value: Any) -> str:
    if value is None:
        return "(absent)"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
