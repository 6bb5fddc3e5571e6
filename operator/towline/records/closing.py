"""Close the records of one sync: what became of each change, and the digest that seals it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from towline import text
from towline.api import recordbody
from towline.api.syncrecord import ChangeEntry, Closing, Counts, Ending, RecordFailure, SyncRecord
from towline.errors import Failure, Refusal
from towline.fields.mask import Mask
from towline.model import REMOVES, Action, Live, ObjectRef, Outcome, Result
from towline.records import chain

MESSAGE = 1024
"""Bytes of one message."""

MESSAGES = 80 * 1024
"""Bytes of all messages of one record."""

FAILURES = 500

_COUNTED = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.REPLACE: "updated",
    Action.ADOPT: "adopted",
    Action.REPAIR: "repaired",
    Action.PRUNE: "pruned",
    Action.RELEASE: "released",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a sync ended; `failures` are those that concern no planned change, `blocked` counts prunes that wait."""

    ending: Ending
    finished_at: str
    outcomes: tuple[Outcome, ...] = ()
    blocked: int = 0
    failures: tuple[Failure, ...] = ()


def close(records: Sequence[SyncRecord], ended: Ended) -> tuple[SyncRecord, ...]:
    """Return the records of one sync, in their order, closed.

    Each record counts the changes that it lists, and explains its first 500 refusals; the first record holds the
    failures that concern no change. Under Observe the counts say what would
    be done, and the outcomes what would not.
    """
    outcomes = {str(outcome.change.ref): outcome for outcome in ended.outcomes}
    drafts = []
    for record, listed in zip(records, _listed(records), strict=True):
        first = record.intent.part.number == 1
        refused = _refused(listed, outcomes)
        faults = [fault(failure) for failure in ended.failures] if first else []
        planned = ended.ending is Ending.PLANNED
        done = [_done(each, outcomes.get(each.object), planned=planned) for each in listed.values()]
        failed = _refusals(listed, outcomes) + (_count(ended.failures) if first else 0)
        counts = _counts(done, failed=failed, blocked=ended.blocked if first else 0)
        drafts.append(_draft(ended, counts, _shortened(refused + faults)))
    return _sealed(records, drafts)


def interrupted(
    records: Sequence[SyncRecord], owned: Mapping[ObjectRef, Live], mask: Mask, finished_at: str
) -> tuple[SyncRecord, ...]:
    """Return the records of a sync whose process died, closed as far as the cluster shows what it did.

    A create or an update was done if the object has that content now, a removal if Towline no longer owns the object.
    A repair leaves no such trace: it is not counted, and the next pass repeats it if necessary.

    Args:
        records: all parts of the sync; those that are closed already stay as they are.
        owned: the objects that Towline owns now.
        mask: the one that `record.entries` had.
        finished_at: RFC 3339 in UTC.
    """
    digests = {
        str(ref): {mask.digest(live.digest, ref), mask.keyed_digest(live.digest)}
        for ref, live in owned.items()
    }
    ended = Ended(ending=Ending.INTERRUPTED, finished_at=finished_at)
    drafts = []
    for listed in _listed(records):
        done = [
            _COUNTED[Action(each.action)]
            for each in listed.values()
            if _found(each, digests.get(each.object))
        ]
        drafts.append(_draft(ended, _counts(done), ()))
    return _sealed(records, drafts)


def fault(failure: Failure) -> RecordFailure:
    """Return a failure that concerns no change: its message names the object, or file and line."""
    where = failure.object or (f"{failure.file}:{failure.line}" if failure.line else failure.file)
    message = f"{where}: {failure.message}" if where else failure.message
    return RecordFailure(change=-1, reason=failure.reason, message=text.printable(message, MESSAGE))


def _listed(records: Sequence[SyncRecord]) -> list[dict[int, ChangeEntry]]:
    """Return the changes that each record answers for, by index: an object by the first of its entries."""
    seen: set[str] = set()
    shares = []
    for record in records:
        share = {}
        for index, change in enumerate(record.intent.changes):
            if change.object not in seen:
                share[index] = change
            seen.add(change.object)
        shares.append(share)
    return shares


def _done(change: ChangeEntry, outcome: Outcome | None, *, planned: bool) -> str:
    """Return the count that a change belongs to, by what was really done; empty if it belongs to none."""
    if outcome is None:
        return _COUNTED[Action(change.action)] if planned else ""
    if outcome.result is not Result.DONE:
        return ""
    return "deleting" if outcome.kept else _COUNTED.get(outcome.change.action, "")


def _found(change: ChangeEntry, digests: AbstractSet[str] | None) -> bool:
    if Action(change.action) in REMOVES:
        return digests is None
    return change.action != Action.REPAIR and digests is not None and change.digest in digests


def _refused(listed: Mapping[int, ChangeEntry], outcomes: Mapping[str, Outcome]) -> list[RecordFailure]:
    found = []
    for index, change in listed.items():
        outcome = outcomes.get(change.object)
        if outcome is None:
            continue
        if outcome.change.action is Action.SKIP and outcome.change.reason:
            reason, message = outcome.change.reason, outcome.change.message
            found.append(RecordFailure(change=index, reason=reason, message=message))
        if outcome.kept:
            found.append(RecordFailure(change=index, reason=Refusal.TERMINATING, message=outcome.kept))
        if outcome.result is not Result.DONE:
            found += [
                RecordFailure(change=index, reason=each.reason, message=each.message)
                for each in outcome.failures
            ]
    return found


def _refusals(listed: Mapping[int, ChangeEntry], outcomes: Mapping[str, Outcome]) -> int:
    found = (outcomes.get(change.object) for change in listed.values())
    return sum(outcome is not None and outcome.result is Result.FAILED for outcome in found)


def _count(failures: Sequence[Failure]) -> int:
    """Count each failed object once, and each failure that concerns no object."""
    return len({failure.object or failure for failure in failures})


def _counts(done: Iterable[str], *, failed: int = 0, blocked: int = 0) -> Counts:
    counted = Counter(filter(None, done))
    return Counts(**counted, failed=failed, blocked=blocked)


def _shortened(failures: Sequence[RecordFailure]) -> tuple[RecordFailure, ...]:
    """Give each message its share of the room."""
    listed = failures[:FAILURES]
    share = min(MESSAGE, MESSAGES // len(listed)) if listed else MESSAGE
    return tuple(replace(failure, message=text.printable(failure.message, share)) for failure in listed)


def _draft(ended: Ended, counts: Counts, failures: tuple[RecordFailure, ...]) -> Closing:
    return Closing(outcome=ended.ending, finished_at=ended.finished_at, counts=counts, failures=failures)


def _sealed(records: Sequence[SyncRecord], drafts: Sequence[Closing]) -> tuple[SyncRecord, ...]:
    """Close the records that are open, each sealed over the one before it."""
    sealed: list[SyncRecord] = []
    for record, draft in zip(records, drafts, strict=True):
        if record.closing:
            sealed.append(record)
            continue
        previous = sealed[-1].closing.digest if sealed and sealed[-1].closing else ""
        open_ended = replace(record, closing=replace(draft, previous=previous))
        digest = chain.digest(recordbody.to_body(open_ended))
        sealed.append(replace(record, closing=replace(draft, previous=previous, digest=digest)))
    return tuple(sealed)
