"""All that the records of one sync tell, as `towline show -o json` shows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from towline.api import recordbody
from towline.api.signed import verification
from towline.api.syncrecord import ChangeEntry, FieldChange
from towline.model import Revision
from towline.read.applied_history.recorded_sync import RecordedSync


def body(sync: RecordedSync) -> dict[str, Any]:
    """Return a sync as JSON; None where its records do not tell."""
    intent, head, author = sync.intent, sync.head, sync.author
    return {
        "record": sync.name,
        "records": [record.name for record in sync.records],
        "repository": str(sync.repository),
        "outcome": sync.outcome,
        "trigger": str(intent.trigger),
        "requestedBy": intent.requested_by or None,
        "verification": verification.body(intent.verification) if intent.verification else None,
        "flags": [str(flag) for flag in intent.flags],
        "from": intent.source or None,
        "to": intent.target or None,
        "ref": intent.ref or None,
        "author": (author.name or author.email) if author else None,
        "mergedBy": (head.merged_by if head else "") or None,
        "pullRequest": (head.pull_request if head else "") or None,
        "commits": [_commit(each) for each in intent.commits],
        "commitsTotal": intent.commits_total,
        "changes": [_change(name, action, entries) for name, action, entries in changes(sync)],
        "failures": [
            {
                "object": each.object or None,
                "file": each.file or None,
                "reason": each.reason,
                "message": each.message,
            }
            for each in sync.failures
        ],
        "steps": [{"step": step, "at": at, "seconds": seconds} for step, at, seconds in steps(sync)],
        "operator": intent.operator,
    }


def changes(sync: RecordedSync) -> Iterable[tuple[str, str, tuple[ChangeEntry, ...]]]:
    """Yield each object with what is done to it, and its entries: one with very many fields has several."""
    for (name, action), entries in groupby(sync.changes, key=lambda change: (change.object, change.action)):
        yield name, action, tuple(entries)


def steps(sync: RecordedSync) -> tuple[tuple[str, str, float | None], ...]:
    """Return what happened when, each with the seconds since the step before, as far as the records tell.

    Of a repair, the first step is the newest change that it undid.
    """
    fields = (field for change in sync.changes for field in change.fields)
    changed = max((field.at for field in fields if field.at), default="")
    head = sync.head
    first = ("changed", changed) if sync.is_repair else ("committed", head.committed_at if head else "")
    named = [first, ("began", sync.intent.started_at), ("ended", sync.finished_at)]
    told = [(step, at) for step, at in named if at]
    before = [None, *(at for _, at in told)]
    return tuple((step, at, _seconds(since, at)) for since, (step, at) in zip(before, told, strict=False))


def _seconds(since: str | None, at: str) -> float | None:
    """Return the seconds between two times; None where one is no time, or clocks disagree."""
    if since is None:
        return None
    try:
        span = (datetime.fromisoformat(at) - datetime.fromisoformat(since)).total_seconds()
    except (TypeError, ValueError):
        return None
    return span if span >= 0 else None


def _commit(revision: Revision) -> dict[str, Any]:
    return {
        "commit": revision.sha,
        "author": revision.author.name or revision.author.email,
        "mergedBy": revision.merged_by or None,
        "pullRequest": revision.pull_request or None,
        "subject": revision.subject,
        "at": revision.committed_at,
        "takenBack": revision.taken_back,
        "trailers": [{"name": each.name, "value": each.value} for each in revision.trailers],
    }


def _change(name: str, action: str, entries: tuple[ChangeEntry, ...]) -> dict[str, Any]:
    first = entries[0]
    return {
        "object": name,
        "action": action,
        "file": first.file or None,
        "line": first.line or None,
        "commit": first.commit or None,
        "fields": [_field(field) for entry in entries for field in entry.fields],
    }


def _field(field: FieldChange) -> dict[str, Any]:
    return {"old": None, "new": None, "by": None, "at": None, **recordbody.field_body(field)}
