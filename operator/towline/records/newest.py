"""Summarise the newest sync of a repository: what the next one follows, and whether it would say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from towline.api import recordbody
from towline.api.syncrecord import ChangeEntry, Ending, RecordFailure, SyncRecord
from towline.errors import Failure, Refusal
from towline.fields import canonical
from towline.records import closing

_REFUSALS = frozenset(map(str, Refusal))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestSync:
    """What is remembered of the newest sync.

    `name`, `sequence` and `digest` are those of its last record. While the sync is open, `digest` is empty
    and `ending` is None. `plan` (empty except under Observe) and `failures` are only compared, not
    read.
    """

    name: str
    sequence: int
    digest: str
    ending: Ending | None
    source: str
    target: str
    plan: str
    failures: frozenset[str]


def of(records: Sequence[SyncRecord]) -> NewestSync:
    """Return what is remembered of one sync, given all its records in their order."""
    last = records[-1]
    closed = last.closing if all(record.closing for record in records) else None
    planned = closed is not None and closed.outcome is Ending.PLANNED
    return NewestSync(
        name=last.name,
        sequence=last.intent.sequence,
        digest=closed.digest if closed else "",
        ending=closed.outcome if closed else None,
        source=last.intent.source,
        target=last.intent.target,
        plan=_plan(change for record in records for change in record.intent.changes) if planned else "",
        failures=frozenset(mark for record in records for mark in _marks(record)),
    )


def plans(tip: NewestSync | None) -> bool:
    """Say whether the newest record, under Observe, tells what would be done."""
    return tip is not None and tip.ending is Ending.PLANNED


def same_plan(
    tip: NewestSync | None, changes: Iterable[ChangeEntry], failures: Sequence[Failure] = ()
) -> bool:
    """Say whether the newest record, under Observe, tells of these changes and refusals already.

    The commit, file and line that declare them do not count.
    """
    if tip is None or tip.ending is not Ending.PLANNED or tip.plan != _plan(changes):
        return False
    told = _told(tip, failures)
    return told == tip.failures or (len(failures) > closing.FAILURES and tip.failures <= told)


def same_failure(tip: NewestSync | None, sha: str, failures: Sequence[Failure]) -> bool:
    """Say whether the newest record tells already that this revision fails, where, and for what reasons.

    The wording of the API server does not count: it may hold numbers that change by themselves. Neither do its own
    errors, which meet other objects at each try.
    """
    if tip is None or tip.ending is not Ending.FAILED or tip.target != sha:
        return False
    lasting = [failure for failure in failures if failure.reason != Refusal.SERVER_ERROR]
    told = _told(tip, lasting[: closing.FAILURES])
    return told == tip.failures or (len(lasting) < len(failures) and told <= tip.failures)


def refuses(tip: NewestSync | None, sha: str) -> bool:
    """Say whether the newest record tells of this revision that it was refused, or a part of it."""
    return tip is not None and tip.ending in {Ending.FAILED, Ending.PARTIAL} and tip.target == sha


def tells(tip: NewestSync | None, failure: Failure) -> bool:
    """Say whether the newest record tells that this object is refused for this reason."""
    return tip is not None and not tip.failures.isdisjoint(_both(failure))


def _told(tip: NewestSync, failures: Iterable[Failure]) -> set[str]:
    """Return the marks of failures, those of the newest sync where it has them."""
    told: set[str] = set()
    for failure in failures:
        if failure.reason == Refusal.SERVER_ERROR:
            continue
        marks = _both(failure)
        told.update(marks & tip.failures or marks)
    return told


def _both(failure: Failure) -> frozenset[str]:
    """Return the mark of a failure as a refused change, and that as a fault of the revision."""
    return frozenset({_refusal(failure.reason, failure.object), _fault(closing.fault(failure))})


def _plan(changes: Iterable[ChangeEntry]) -> str:
    bare = (replace(change, file="", line=0, commit="") for change in changes)
    return hashlib.sha256(canonical.dumps([recordbody.change_body(change) for change in bare])).hexdigest()


def _marks(record: SyncRecord) -> Iterator[str]:
    for failure in record.closing.failures if record.closing else ():
        if failure.reason == Refusal.SERVER_ERROR:
            continue
        if failure.change < 0:
            yield _fault(failure)
        else:
            yield _refusal(failure.reason, record.intent.changes[failure.change].object)


def _refusal(reason: str, name: str) -> str:
    return _mark(f"{reason} {name}".encode())


def _fault(failure: RecordFailure) -> str:
    """Tell a fault by the part of its message that is never cut; what was refused, by reason and place alone."""
    told = failure.message.partition(": ")[0] if failure.reason in _REFUSALS else failure.message
    return _mark(failure.reason.encode() + b": " + told.encode()[:120])


def _mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
