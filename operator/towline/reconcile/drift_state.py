"""Keep the drift of each repository: what was written last, what differs, and which objects are contested.

It is kept in memory alone; after a restart it is found again from the applied commit in the status.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from towline import text
from towline.api.gitrepository import GitRepository, Spec
from towline.apply import prediction
from towline.apply.objects import WriteContext
from towline.apply.writer import Writer
from towline.drift import contests, deviations, last_written
from towline.drift.deviations import Deviation, Look
from towline.drift.last_written import Baseline, LastWritten
from towline.drift.tries import RepairResults, Tries
from towline.errors import ClusterError, Refusal
from towline.fields.mask import Mask
from towline.model import Action, Body, Change, Key, Live, ObjectRef, Plan, Revision
from towline.plan import drift_policy, ignore_fields
from towline.plan.ownership import Policy
from towline.plan.stamp import Identity, Stamps
from towline.reconcile.desired import Head
from towline.reconcile.locate import Locator
from towline.reconcile.state import Planned
from towline.reconcile.sync.sync_request import SyncResult
from towline.status import drift_fields

Found = tuple[Deviation, ...]

_UNREAD_SECONDS = 10.0
"""Seconds until an object that could not be read is tried again."""


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


class DriftStates:
    """The drift of all repositories.

    Args:
        locator: finds the lines of fields.
        writer: reads live objects.
        mask: hides secret values.
        stamps: prove that the operator wrote an object.
        clock: monotonic seconds.
        now: the current time, with its zone.
    """

    def __init__(  # noqa: PLR0913  what describes drift, and when
        self,
        locator: Locator,
        writer: Writer,
        mask: Mask,
        *,
        stamps: Stamps,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._locator = locator
        self._writer = writer
        self._mask = mask
        self._stamps = stamps
        self._clock = clock
        self._now = now
        self._known: dict[Key, DriftState] = {}

    def known(self, repository: GitRepository) -> DriftState | None:
        """Return what is known of this very resource."""
        known = self._known.get(repository.key)
        return known if known and known.repository.uid == repository.uid else None

    def labelled(self, label: str) -> DriftState | None:
        """Return what is known of the repository that a label names."""
        return next((each for each in self._known.values() if each.repository.label == label), None)

    def recall(self, repository: GitRepository, spec: Spec, head: Head, written: Baseline) -> None:
        """Begin with what an applied commit has left."""
        known = _begun(DriftState(repository, spec, head, written, is_recalled=True))
        self._known[repository.key] = known

    def forget(self, key: Key) -> None:
        """Forget a repository that is gone."""
        self._known.pop(key, None)

    def settle(self, repository: GitRepository, planned: Planned, synced: SyncResult) -> DriftState:
        """Record the state after a plan for a whole commit."""
        head, desired, decided = planned.fetched.head, planned.desired, planned.plan
        before = self.known(repository)
        late = last_written.late(decided, desired.declared, synced.done)
        written = last_written.after(
            before.baseline if before else {}, desired.declared, planned.fetched.revision, late
        )
        known = before or _begun(DriftState(repository, desired.spec, head, written))
        self._known[repository.key] = known
        known.repository, known.spec, known.head, known.baseline = repository, desired.spec, head, written
        known.is_recalled = False
        known.tries = known.tries.of(written.keys())
        for kept in (known.overridden, known.reported, known.looks):
            for ref in [ref for ref in kept if ref not in written]:
                del kept[ref]
        known.unread &= written.keys()
        known.unseen.clear()
        self._count(
            known, synced, frozenset(change.ref for change in decided.changed if _repairs(change, before))
        )
        return known

    def policy(self, policy: Policy, known: DriftState | None, spec: Spec) -> Policy:
        """Return the policy with all that a plan needs to know about drift."""
        if known is None:
            return replace(policy, drift=spec.drift, foreign=spec.foreign_fields)
        return replace(
            policy,
            drift=spec.drift,
            foreign=spec.foreign_fields,
            written=last_written.Digests(known.baseline),
            refused={ref: known.tries.refused[ref].message for ref in self._paused(known)},
            contested={ref: contests.advice(known.tries.contests[ref]) for ref in self.contested(known)},
            overridden={
                (ref, digest): frozenset(each.field for each in found)
                for ref, (digest, found) in known.overridden.items()
            },
        )

    def contested(self, known: DriftState | None) -> frozenset[ObjectRef]:
        """Return the objects that are not repaired for now, because another manager keeps changing them."""
        return known.tries.contested(self._clock()) if known else frozenset()

    def due(self, known: DriftState | None) -> float | None:
        """Return the seconds until a contested object may be written, or an unreadable one read, again."""
        if known is None:
            return None
        unread = (_UNREAD_SECONDS,) if known.unread else ()
        return min((*known.tries.waits(self._clock()), *unread), default=None)

    def repaired(self, known: DriftState, synced: SyncResult) -> None:
        """Count the repairs of a sync, and record what admission changed in them."""
        self._count(known, synced, known.baseline.keys())

    def refused(self, repository: GitRepository) -> frozenset[ObjectRef]:
        """Return the objects whose last repair was refused, and that are not as declared since."""
        known = self.known(repository)
        return frozenset(known.tries.refused) if known else frozenset()

    def tried_again(self, known: DriftState, touched: Collection[ObjectRef]) -> frozenset[ObjectRef]:
        """Return the objects whose refused repair is due again: after its pause, or because they were changed since."""
        known.tries = known.tries.at_once(touched, self._clock())
        return frozenset(known.tries.refused) - self._paused(known)

    def _paused(self, known: DriftState) -> frozenset[ObjectRef]:
        return known.tries.paused(self._clock())

    def _count(self, known: DriftState, synced: SyncResult, repairs: Collection[ObjectRef]) -> None:
        failures = (*synced.failures, *synced.unrepaired)
        counted = RepairResults(repairs, frozenset(synced.done), synced.rivals, failures)
        known.tries = known.tries.counted(counted, self._clock())
        self.override(known, synced)

    def override(self, known: DriftState, synced: SyncResult) -> None:
        """Record the fields that admission changed; a later write without such a field ends that."""
        for ref in synced.done & known.overridden.keys() - synced.overridden.keys():
            del known.overridden[ref]
        for ref, differences in synced.overridden.items():
            if written := known.baseline.get(ref):
                found = deviations.overridden(
                    written.manifest, written.revision.sha, differences, self._moment()
                )
                before = known.overridden.get(ref)
                if before is None or deviations.timeless(before[1]) != deviations.timeless(found):
                    known.overridden[ref] = (written.manifest.digest, found)

    def as_left(self, known: DriftState, decided: Plan) -> Plan:
        """Return a plan that was carried out; a repair that was refused leaves its object as it is."""
        changes = tuple(
            replace(change, action=Action.SKIP, reason=drift_policy.REFUSED)
            if change.ref in known.tries.refused and _repairs(change, known)
            else change
            for change in decided.changes
        )
        return replace(decided, changes=changes)

    async def repositories(self, known: DriftState, decided: Plan) -> None:
        """Describe the drifted objects that a plan leaves, and forget those that are as declared again.

        Of one that cannot be read, what was known stays.
        """
        told = known.unread | known.reported.keys() | known.looks.keys() | known.tries.refused.keys()
        settled = (decided.settled[ref] for ref in told if ref in decided.settled)
        for change in (*decided.changes, *settled):
            if _is_quiet(change) and change.ref not in told:
                continue
            known.unread.discard(change.ref)
            if not _stays(change, known.spec) or change.manifest is None:
                known.reported.pop(change.ref, None)
                known.looks.pop(change.ref, None)
                if change.action is Action.KEEP and change.ref in known.tries.refused:
                    known.tries = known.tries.without_refusal(change.ref)
                continue
            state = self._state(known, change)
            if known.looks.get(change.ref) == state:
                continue
            try:
                found, ended = await self._described(known, change, change.live)
            except ClusterError:
                known.unread.add(change.ref)
            else:
                known.looks[change.ref], known.reported[change.ref] = state, found
                known.ended += ended

    def deviations(self, known: DriftState | None) -> Found:
        """Return everything that is not as it was applied, in the order of objects."""
        if known is None:
            return ()
        overridden = {ref: found for ref, (_, found) in known.overridden.items()}
        refs = sorted(overridden.keys() | known.reported.keys())
        return tuple(
            each for ref in refs for each in (*known.reported.get(ref, ()), *overridden.get(ref, ()))
        )

    def is_reported(self, known: DriftState, ref: ObjectRef) -> bool:
        """Tell whether the status tells of an object what a write of others may end or change."""
        return bool(known.reported.get(ref)) and ref not in self.contested(known)

    def take_ended(self, repository: GitRepository) -> Found:
        """Return the reported drift that others have set back, and forget it."""
        known = self.known(repository)
        if known is None:
            return ()
        ended, known.ended = tuple(known.ended), []
        return ended

    def context(self, known: DriftState, revision: Revision) -> WriteContext:
        """Return the context in which objects are read."""
        identity = Identity(key=known.repository.key, uid=known.repository.uid)
        return WriteContext(identity=identity, revision=revision, mask=self._mask, stamps=self._stamps)

    def overridden(self, known: DriftState, ref: ObjectRef) -> frozenset[str]:
        """Return the fields of an object that admission has changed."""
        return frozenset(each.field for each in known.overridden.get(ref, ("", ()))[1])

    def _state(self, known: DriftState, change: Change) -> tuple[object, ...]:
        """Return what a description of an object depends on, as far as its metadata tells."""
        if change.reason == Refusal.CONTESTED:
            fight = known.tries.contests.get(change.ref)  # a long pass may outlast it
            return (change.reason, fight and fight.until)
        live, refused = change.live, known.tries.refused.get(change.ref)
        if live is None:
            return (refused,)
        version = live.generation if live.generation >= 0 else live.resource_version
        return (live.uid, live.fields, live.entry_time, live.altered, version, known.spec.drift, refused)

    async def _described(self, known: DriftState, change: Change, live: Live | None) -> tuple[Found, Found]:
        """Return what differs in an object that is left alone, and what others have set back since it was reported."""
        written = known.baseline.get(change.ref)
        if written is None:
            return (), ()
        if not drift_policy.is_reported(change):
            return await self._additions(known, written), ()
        commit = live.commit if live and live.commit else written.revision.sha
        reason, message = Refusal.CONTESTED if change.reason == Refusal.CONTESTED else "", ""
        if change.reason == drift_policy.REFUSED and (refused := known.tries.refused.get(change.ref)):
            reason, message = refused.reason, refused.message
        look = await self.look(known, written, commit)
        if look is None:
            missing = deviations.gone(written.manifest, commit, self._moment(), reason)
            return (replace(missing, message=message),), ()
        named = deviations.of(look, self._mask, self.overridden(known, change.ref))
        found = tuple(
            each for each in named if each.want != each.have
        )  # equal values, held by another, harm nobody
        lines = await self._locator.lines(known.head, written.manifest, [each.field for each in found])
        told = tuple(
            replace(
                each,
                reason=reason,
                message=message,
                line=lines.get(each.field, each.line),
                since=each.since or self._moment(),
            )
            for each in found
        )
        return told, deviations.set_back(known.reported.get(change.ref, ()), told, look)

    async def _additions(self, known: DriftState, written: LastWritten) -> Found:
        """Describe the fields that others added to an object that is as it was applied."""
        look = await self.look(known, written, written.revision.sha)
        if look is None:
            return ()
        context = self.context(known, written.revision)
        filled = await self._writer.filled_in(look.body, written.manifest.ref, context)
        return deviations.added_by_others(look, self._mask, filled)

    async def look(self, known: DriftState, written: LastWritten, commit: str) -> Look | None:
        """Read an object together with what would be sent for it; None where it does not exist.

        Raises:
            ClusterError: no answer.
        """
        context = self.context(known, written.revision)
        body = await self._writer.read(written.manifest, context)
        if body is None:
            return None
        stamped = prediction.stamped(written.manifest, context, body)
        sent = ignore_fields.sent(stamped, written.manifest.ignored, body, context.identity.manager)
        return Look(
            manifest=written.manifest,
            sent=sent,
            body=body,
            manager=context.identity.manager,
            commit=commit,
            nulled=await self._writer.nulled(sent, body, written.manifest.ref, context),
        )

    def _moment(self) -> str:
        return text.timestamp(self._now())


def _begun(known: DriftState) -> DriftState:
    """Begin with what the status tells: a restart must neither fight with admission anew, nor miss that drift ended."""
    status, written = known.repository.status, known.baseline
    known.reported = _remembered(status, written, "")
    for ref, found in _remembered(status, written, Refusal.OVERRIDDEN_BY_ADMISSION).items():
        known.overridden[ref] = (written[ref].manifest.digest, found)
    return known


def _remembered(status: Body, written: Baseline, reason: str) -> dict[ObjectRef, Found]:
    """Return what a status tells, for a reason, of objects that were written."""
    told = tuple(drift_fields.remembered(status, reason))
    refs = {str(ref): ref for ref in written} if told else {}
    found: dict[ObjectRef, Found] = {}
    for each in told:
        if ref := refs.get(each.object):
            found[ref] = (*found.get(ref, ()), each)
    return found


def _repairs(change: Change, known: DriftState | None) -> bool:
    """Tell whether a planned change repairs an object that was written before."""
    deleted = change.action is Action.CREATE and known is not None and change.ref in known.baseline
    return change.action is Action.REPAIR or deleted


def _is_quiet(change: Change) -> bool:
    """Tell at a glance whether an object is as declared, as most are, and nobody added to it."""
    return change.action is Action.KEEP and not (change.live and change.live.foreign)


def _stays(change: Change, spec: Spec) -> bool:
    """Tell whether a change leaves an object different from Git, which must be reported."""
    if drift_policy.is_reported(change):
        return True
    looked_at = (
        change.manifest
        and drift_policy.answer(change.manifest, spec.drift) is not drift_policy.DriftResponse.IGNORE
    )
    return bool(looked_at and change.action is Action.KEEP and change.live and change.live.foreign)
