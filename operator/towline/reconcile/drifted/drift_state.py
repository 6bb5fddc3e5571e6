"""Keep what is known of one repository between its passes: what was written last, and what is told of the differences.

It is kept in memory alone; after a restart it is found again from the applied commit in the status.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from towline.api.gitrepository import GitRepository, Spec
from towline.drift import deviations
from towline.drift.deviations import Deviation
from towline.drift.last_written import Baseline
from towline.drift.tries import RepairResults, Tries
from towline.errors import Refusal
from towline.model import Action, Body, Change, ObjectRef, Plan
from towline.plan import drift_policy
from towline.reconcile.desired.head import Head
from towline.reconcile.sync.sync_request import SyncResult
from towline.status import drift_fields

Found: TypeAlias = tuple[Deviation, ...]


@dataclass(slots=True)
class DriftState:
    """What is known of one repository between its passes.

    `head` is where `baseline` was read. `overridden` and `reported` are the deviations of objects that stay as they
    are; `ended` is what was reported and set back by others, until people are told. `looks` say at which state an
    object was read for that, `unread` which objects could not be. `unseen` are those to be looked at as soon as their
    kinds are watched again. `is_recalled` holds until a pass has had a plan. `crowd` counts the repairs of deleted
    objects that followed one another within a second, up to two; `crowd_until` is when that is over.
    """

    repository: GitRepository
    spec: Spec
    head: Head
    baseline: Baseline
    is_recalled: bool = False
    crowd: int = 0
    crowd_until: float = 0.0
    tries: Tries = field(default_factory=Tries)
    overridden: dict[ObjectRef, tuple[str, Found]] = field(default_factory=dict)
    reported: dict[ObjectRef, Found] = field(default_factory=dict)
    ended: list[Deviation] = field(default_factory=list)
    looks: dict[ObjectRef, tuple[object, ...]] = field(default_factory=dict)
    unread: set[ObjectRef] = field(default_factory=set)
    unseen: set[ObjectRef] = field(default_factory=set)

    def deviations(self) -> Found:
        """Return everything that is not as it was applied, in the order of objects."""
        overridden = {ref: found for ref, (_, found) in self.overridden.items()}
        refs = sorted(overridden.keys() | self.reported.keys())
        return tuple(each for ref in refs for each in (*self.reported.get(ref, ()), *overridden.get(ref, ())))

    @property
    def told(self) -> frozenset[ObjectRef]:
        """The objects of which something is remembered that a plan may change, even if it leaves them alone."""
        return frozenset(self.unread | self.reported.keys() | self.looks.keys() | self.tries.refused.keys())

    def overridden_fields(self, ref: ObjectRef) -> frozenset[str]:
        """Return the fields of an object that admission has changed."""
        return frozenset(each.field for each in self.overridden.get(ref, ("", ()))[1])

    def settle(self, repository: GitRepository, spec: Spec, head: Head, written: Baseline) -> None:
        """Begin anew with what a plan has left, and forget the objects that it no longer writes."""
        self.repository, self.spec, self.head, self.baseline = repository, spec, head, written
        self.is_recalled = False
        self.tries = self.tries.of(written.keys())
        for kept in (self.overridden, self.reported, self.looks):
            for ref in [ref for ref in kept if ref not in written]:
                del kept[ref]
        self.unread &= written.keys()
        self.unseen.clear()

    def count(self, repairs: Collection[ObjectRef], synced: SyncResult, at: float) -> None:
        """Count the repairs of a sync; `at` is in monotonic seconds."""
        failures = (*synced.failures, *synced.unrepaired)
        counted = RepairResults(repairs, frozenset(synced.done), synced.rivals, failures)
        self.tries = self.tries.counted(counted, at)

    def override(self, synced: SyncResult, moment: str) -> None:
        """Record the fields that admission changed; a later write without such a field ends that."""
        for ref in synced.done & self.overridden.keys() - synced.overridden.keys():
            del self.overridden[ref]
        for ref, differences in synced.overridden.items():
            if written := self.baseline.get(ref):
                found = deviations.overridden(written.manifest, written.revision.sha, differences, moment)
                before = self.overridden.get(ref)
                if before is None or deviations.timeless(before[1]) != deviations.timeless(found):
                    self.overridden[ref] = (written.manifest.digest, found)

    def clear(self, change: Change) -> None:
        """Forget what was reported of an object of which a change leaves nothing to report."""
        self.reported.pop(change.ref, None)
        self.looks.pop(change.ref, None)
        if change.action is Action.KEEP and change.ref in self.tries.refused:
            self.tries = self.tries.without_refusal(change.ref)

    def report(self, ref: ObjectRef, look: tuple[object, ...], found: Found, ended: Found) -> None:
        """Remember what differs in an object, at which state it was read, and what others have set back."""
        self.looks[ref], self.reported[ref] = look, found
        self.ended += ended

    def look_of(self, change: Change) -> tuple[object, ...]:
        """Return what a description of an object depends on, as far as its metadata tells."""
        if change.reason == Refusal.CONTESTED:
            fight = self.tries.contests.get(change.ref)  # a long pass may outlast it
            return (change.reason, fight and fight.until)
        live, refused = change.live, self.tries.refused.get(change.ref)
        if live is None:
            return (refused,)
        version = live.generation if live.generation >= 0 else live.resource_version
        return (live.uid, live.fields, live.entry_time, live.altered, version, self.spec.drift, refused)

    def as_left(self, decided: Plan) -> Plan:
        """Return a plan that was carried out; a repair that was refused leaves its object as it is."""
        changes = tuple(
            replace(change, action=Action.SKIP, reason=drift_policy.REFUSED)
            if change.ref in self.tries.refused and is_repair(change, self)
            else change
            for change in decided.changes
        )
        return replace(decided, changes=changes)


def begun(
    repository: GitRepository, spec: Spec, head: Head, written: Baseline, *, is_recalled: bool = False
) -> DriftState:
    """Begin with what the status tells: a restart must neither fight with admission anew, nor miss that drift ended.

    Args:
        repository: whose drift it is.
        spec: its spec.
        head: where `written` was read.
        written: what was written last.
        is_recalled: no pass has had a plan yet.
    """
    status = repository.status
    overridden = _remembered(status, written, Refusal.OVERRIDDEN_BY_ADMISSION)
    return DriftState(
        repository,
        spec,
        head,
        written,
        is_recalled=is_recalled,
        overridden={ref: (written[ref].manifest.digest, found) for ref, found in overridden.items()},
        reported=_remembered(status, written, ""),
    )


def is_repair(change: Change, known: DriftState | None) -> bool:
    """Tell whether a planned change repairs an object that was written before."""
    deleted = change.action is Action.CREATE and known is not None and change.ref in known.baseline
    return change.action is Action.REPAIR or deleted


def _remembered(status: Body, written: Baseline, reason: str) -> dict[ObjectRef, Found]:
    """Return what a status tells, for a reason, of objects that were written."""
    told = tuple(drift_fields.remembered(status, reason))
    refs = {str(ref): ref for ref in written} if told else {}
    found: dict[ObjectRef, Found] = {}
    for each in told:
        if ref := refs.get(each.object):
            found[ref] = (*found.get(ref, ()), each)
    return found
