"""Keep the drift of all repositories: what passes have left, what their plans need to know, and what is tried again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from towline import text
from towline.api.gitrepository import GitRepository, Spec
from towline.drift import contests, last_written
from towline.drift.last_written import Baseline
from towline.errors import ClusterError
from towline.model import Action, Change, Key, ObjectRef, Plan
from towline.plan import drift_policy
from towline.plan.ownership import Policy
from towline.reconcile.desired.head import Head
from towline.reconcile.drifted import drift_state
from towline.reconcile.drifted.drift_reader import DriftReader
from towline.reconcile.drifted.drift_state import DriftState, Found
from towline.reconcile.state import Planned
from towline.reconcile.sync.sync_request import SyncResult

_UNREAD_SECONDS = 10.0
"""Seconds until an object that could not be read is tried again."""


class DriftStates:
    """The drift of all repositories.

    Args:
        reader: describes the objects that are left as they are.
        clock: monotonic seconds.
        now: the current time, with its zone.
    """

    def __init__(
        self, reader: DriftReader, *, clock: Callable[[], float], now: Callable[[], datetime]
    ) -> None:
        self._reader = reader
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
        known = drift_state.begun(repository, spec, head, written, is_recalled=True)
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
        repairs = frozenset(change.ref for change in decided.changed if drift_state.is_repair(change, before))
        known = before or drift_state.begun(repository, desired.spec, head, written)
        self._known[repository.key] = known
        known.settle(repository, desired.spec, head, written)
        self._count(known, repairs, synced)
        return known

    def repaired(self, known: DriftState, synced: SyncResult) -> None:
        """Count the repairs of a sync, and record what admission changed in them."""
        self._count(known, known.baseline.keys(), synced)

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

    def refused(self, repository: GitRepository) -> frozenset[ObjectRef]:
        """Return the objects whose last repair was refused, and that are not as declared since."""
        known = self.known(repository)
        return frozenset(known.tries.refused) if known else frozenset()

    def tried_again(self, known: DriftState, touched: Collection[ObjectRef]) -> frozenset[ObjectRef]:
        """Return the objects whose refused repair is due again: after its pause, or because they were changed since."""
        known.tries = known.tries.at_once(touched, self._clock())
        return frozenset(known.tries.refused) - self._paused(known)

    def due(self, known: DriftState | None) -> float | None:
        """Return the seconds until a contested object may be written, or an unreadable one read, again."""
        if known is None:
            return None
        unread = (_UNREAD_SECONDS,) if known.unread else ()
        return min((*known.tries.waits(self._clock()), *unread), default=None)

    async def describe(self, known: DriftState, decided: Plan) -> None:
        """Describe the drifted objects that a plan leaves, and forget those that are as declared again.

        Of one that cannot be read, what was known stays.
        """
        told = known.told
        settled = (decided.settled[ref] for ref in told if ref in decided.settled)
        for change in (*decided.changes, *settled):
            if _is_quiet(change) and change.ref not in told:
                continue
            known.unread.discard(change.ref)
            if not _stays(change, known.spec) or change.manifest is None:
                known.clear(change)
                continue
            look = known.look_of(change)
            if known.looks.get(change.ref) == look:
                continue
            try:
                found, ended = await self._reader.described(known, change)
            except ClusterError:
                known.unread.add(change.ref)
            else:
                known.report(change.ref, look, found, ended)

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

    def _paused(self, known: DriftState) -> frozenset[ObjectRef]:
        return known.tries.paused(self._clock())

    def _count(self, known: DriftState, repairs: Collection[ObjectRef], synced: SyncResult) -> None:
        known.count(repairs, synced, self._clock())
        known.override(synced, text.timestamp(self._now()))


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
