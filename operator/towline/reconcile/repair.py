"""The repair lane: what others have changed is restored from what was written last, beside whatever a pass waits for.

It needs neither a fetch nor a render, so that it goes on while a Git server is silent or a new commit does not build.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from towline import aio, log
from towline.api.gitrepository import Mode, Spec
from towline.api.syncrecord import Trigger
from towline.drift import last_written
from towline.errors import ClusterError, TowlineError
from towline.fields import atomic_maps, compare
from towline.kube.client import IN_FLIGHT
from towline.kube.repositories import Repositories
from towline.live.index import Index
from towline.model import Action, Change, Key, ObjectRef, Plan, Revision
from towline.plan import build, drift_policy, ownership
from towline.plan.ownership import Policy
from towline.reconcile.desired import CommitReader
from towline.reconcile.drift_state import DriftState, DriftStates
from towline.reconcile.executor import Executor
from towline.reconcile.state import Attempt
from towline.reconcile.sync import SyncResult
from towline.reconcile.sync_request import SyncRequests
from towline.status import drift_fields

_log = log.logger(__name__)

RECALL_SECONDS = 2.0
"""How long a restarted operator waits for the head before it repairs from the commit that was applied last."""

_LIST_SECONDS = 2.0
"""How long a kind that is being listed is waited for, so that what its list tells can be restored at once."""

_SEE_SECONDS = 10.0

_NAMED = 3
"""So many repaired objects are named in one event."""


class Repairs:
    """The repair lanes of all repositories.

    Args:
        source: reads the commit that was applied last.
        index: what is live, and what somebody has touched.
        drifts: what was written last, and what differs.
        orders: writes the orders of repairs.
        syncs: carries them out.
        repositories: tells people.
    """

    def __init__(  # noqa: PLR0913  the doors of a repair
        self,
        *,
        source: CommitReader,
        index: Index,
        drifts: DriftStates,
        requests: SyncRequests,
        executor: Executor,
        repositories: Repositories,
    ) -> None:
        self._source = source
        self._index = index
        self._drifts = drifts
        self._requests = requests
        self._executor = executor
        self._repositories = repositories

    @asynccontextmanager
    async def lane(self, attempt: Attempt, spec: Spec) -> AsyncIterator[None]:
        """Repair beside a block whatever somebody else changes; the end of the block waits for its last repair.

        After a restart, everything is looked at once the block takes long, or fails.

        Raises:
            TowlineError: the block's own, or that of a repair, which ends the block.
        """
        ended = asyncio.Event()
        failed: TowlineError | None = None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._mend_until(ended, attempt, spec))
                try:
                    yield
                except (
                    TowlineError
                ) as error:  # within the group it would cancel a repair that is being written
                    failed = error
                ended.set()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        if failed:
            if self._is_recalled(attempt):
                await self.mend(attempt, spec, everything=True)
            raise failed

    async def begin(self, attempt: Attempt, spec: Spec) -> None:
        """Restore what was touched since the last pass, before anything is asked of Git; under Observe nothing is.

        Raises:
            ClusterError: the API server could not be asked.
        """
        if spec.mode is Mode.OBSERVE:
            self._drifts.forget(attempt.repository.key)
            attempt.drift = drift_fields.UNASSESSED
            return
        await self._recall(attempt, spec)
        await self.mend(attempt, spec)

    async def go_on(self, attempt: Attempt) -> None:
        """Restore what was touched although the spec is invalid by now, as the last valid one has asked for.

        Raises:
            ClusterError: the API server could not be asked.
        """
        raw = attempt.repository.raw_spec
        known = self._drifts.known(attempt.repository)
        if known and raw.get("suspend") is not True and raw.get("mode") != Mode.OBSERVE:
            await self.mend(attempt, known.spec)

    async def settle(self, attempt: Attempt, decided: Plan, synced: SyncResult) -> None:
        """Take down what the plan of a whole commit has left, and describe what it leaves to others."""
        known = self._drifts.settle(attempt, decided, synced)
        await self._drifts.repositories(known, decided.changes)
        attempt.drift = self._drifts.deviations(known)

    async def _recall(self, attempt: Attempt, spec: Spec) -> None:
        """Find out, after a restart, what was written last: from the commit that the status calls applied.

        Nothing is asked of the Git server. Where that commit is not at hand, the pass itself will find out.
        """
        repository = attempt.repository
        if (
            self._drifts.known(repository)
            or repository.status.get("observedGeneration") != repository.generation
        ):
            return
        sha = repository.applied
        try:
            found = await self._source.recalled(repository.key, spec, sha) if sha else None
            if found is None:
                return
            head, revision, desired = found
            await self._index.ensure(desired.kinds, _SEE_SECONDS)
        except TowlineError as error:
            _log.debug("what was applied is not at hand", repository=str(repository.key), error=error.message)
            return
        live = self._index.owned(repository.label)
        written = await asyncio.to_thread(last_written.recalled, desired.manifests, revision, live)
        self._drifts.recall(repository, spec, head, written)

    async def mend(self, attempt: Attempt, spec: Spec, *, everything: bool = False) -> None:
        """Restore what somebody else has touched, and describe what is only reported.

        Raises:
            ClusterError: the API server could not be asked; the objects are looked at again.
        """
        repository = attempt.repository
        known = self._drifts.known(repository)
        touched = self._index.disturbances.take(repository.label)
        if known is None:
            return
        wanted = known.baseline.keys() if everything else touched & known.baseline.keys()
        refs = await self._visible(known, wanted)
        if not refs:
            return
        try:
            await self._restore(attempt, spec, known, refs)
        except ClusterError:
            self._index.disturbances.note(repository.label, refs)
            raise

    async def _visible(self, known: DriftState, wanted: Collection[ObjectRef]) -> list[ObjectRef]:
        """Return the objects of kinds of which absence proves something; those of others are kept for a later call.

        A kind that is being listed is waited for, once.
        """
        if unseen := self._index.unseen({ref.group_kind for ref in wanted}):
            with suppress(ClusterError):
                await self._index.ensure(unseen, _LIST_SECONDS)
        wanted = known.baseline.keys() & known.unseen.union(wanted)
        unseen = self._index.unseen({ref.group_kind for ref in wanted})
        known.unseen = {ref for ref in wanted if ref.group_kind in unseen}
        gone = self._index.gone()
        return [ref for ref in wanted if ref.group_kind not in unseen | gone]

    async def verify(self, refs: Sequence[ObjectRef]) -> None:
        """Read objects whose metadata cannot tell whether their content is as declared."""
        await aio.gather(self._verified, refs, IN_FLIGHT)

    def contested(self, attempt: Attempt) -> frozenset[ObjectRef]:
        """Return the objects that are left alone for now, because somebody keeps changing them."""
        return self._drifts.contested(self._drifts.known(attempt.repository))

    def due(self, attempt: Attempt) -> float | None:
        """Return the seconds until one of them may be written again; None where there is none."""
        return self._drifts.due(self._drifts.known(attempt.repository))

    def has_unread(self, attempt: Attempt) -> bool:
        """Tell whether an object is still to be read to know what became of it."""
        known = self._drifts.known(attempt.repository)
        return known is not None and bool(known.unread)

    def forget(self, key: Key) -> None:
        """Forget a repository that is gone."""
        self._drifts.forget(key)

    def policy(self, attempt: Attempt, spec: Spec, policy: Policy) -> Policy:
        """Add to a policy what is to be done about drift."""
        return self._drifts.policy(policy, self._drifts.known(attempt.repository), spec)

    async def _mend_until(self, ended: asyncio.Event, attempt: Attempt, spec: Spec) -> None:
        """Mend whenever somebody touches an object of ours; after a restart also when nobody does for a while."""
        over = asyncio.ensure_future(ended.wait())
        try:
            while not ended.is_set():
                await self._disturbed(attempt, over)
                if not ended.is_set():
                    await self.mend(attempt, spec, everything=self._is_recalled(attempt))
        finally:
            await aio.end(over)

    async def _disturbed(self, attempt: Attempt, over: asyncio.Future[Any]) -> None:
        """Wait until somebody touches an object of ours, or the block is over."""
        touched = asyncio.ensure_future(self._index.disturbances.wait(attempt.repository.label))
        try:
            limit = RECALL_SECONDS if self._is_recalled(attempt) else None
            await asyncio.wait({over, touched}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            touched.cancel()

    def _is_recalled(self, attempt: Attempt) -> bool:
        known = self._drifts.known(attempt.repository)
        return known is not None and known.is_recalled

    async def _restore(
        self, attempt: Attempt, spec: Spec, known: DriftState, refs: Collection[ObjectRef]
    ) -> None:
        repository = attempt.repository
        own = ownership.policy(repository)
        policy = self._drifts.policy(replace(own, adopt=spec.adopt), known, spec)
        live = {ref: found for ref in refs if (found := self._index.anyone(ref))}
        manifests = tuple(known.baseline[ref].manifest for ref in refs)
        decided = await asyncio.to_thread(build.plan, manifests, live, policy, known.head.sha)
        known.is_recalled = False
        await self._drifts.repositories(known, decided.changes)
        attempt.drift = self._drifts.deviations(known)
        by_revision: dict[Revision, list[Change]] = defaultdict(list)
        for change in decided.applies:
            by_revision[known.baseline[change.ref].revision].append(change)
        for revision, changes in by_revision.items():
            await self._carried_out(attempt, spec, known, revision, tuple(changes))
        left = (
            each.ref
            for each in decided.changes
            if each.action is Action.KEEP or each.reason == drift_policy.DRIFTED
        )  # what is fought over is a failure, which only a plan reports
        attempt.restored = attempt.restored.union(left)

    async def _carried_out(
        self, attempt: Attempt, spec: Spec, known: DriftState, revision: Revision, changes: tuple[Change, ...]
    ) -> None:
        """Write one record's worth of repairs; each has a dry run, which tells a real difference from a spelling."""
        head = replace(known.head, sha=revision.sha)
        order = await self._requests.order(
            attempt.repository,
            spec,
            head=head,
            revision=revision,
            plan=Plan(changes=changes),
            trigger=Trigger.DRIFT if attempt.memory.passed else Trigger.START,
        )
        synced = await self._executor.run(replace(order, preflight=True))
        self._drifts.repaired(known, synced)
        attempt.record = synced.record or attempt.record
        attempt.drift = self._drifts.deviations(known)
        attempt.restored |= synced.done
        if synced.error:
            raise synced.error
        refused = {failure.object for failure in synced.failures}
        for change in changes:
            if (
                change.live and change.ref not in synced.done and str(change.ref) not in refused
            ):  # its dry run has shown nothing to repair
                self._index.verified(change.ref, change.live.resource_version, altered=False)
        await self._tell(attempt, synced)

    async def _tell(self, attempt: Attempt, synced: SyncResult) -> None:
        if not synced.done:
            return
        names = sorted(ref.display for ref in synced.done)
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        whose = ", ".join(sorted(set(filter(None, synced.rivals.values()))))
        words = f"Restored {', '.join(names[:_NAMED])}{more}" + (f", changed by {whose}" if whose else "")
        _log.info(
            "repaired", repository=str(attempt.repository.key), objects=len(names), record=synced.record
        )
        await self._repositories.event(attempt.repository, "Normal", "Repaired", words)

    async def _verified(self, ref: ObjectRef) -> None:
        live = self._index.anyone(ref)
        if live and live.verified:
            return  # by the answer to a repair, or by an earlier read of this version
        known = self._drifts.labelled(live.label) if live else None
        written = known.baseline.get(ref) if known else None
        if live is None or known is None or written is None or live.digest != written.manifest.digest:
            return
        try:
            look = await self._drifts.look(known, written, live.commit)
        except ClusterError as error:
            _log.debug("an object could not be verified", object=str(ref), error=error.message)
            return
        if look is None:
            return  # the event of its end is on its way
        differing = set(compare.differing(look.sent, look.body)) - self._drifts.overridden(known, ref)
        differing.update(atomic_maps.surplus(look.sent, look.body, live.fields, look.others))
        version = look.body["metadata"]["resourceVersion"]
        self._index.verified(ref, version, altered=bool(differing))
