"""Carry out a plan, or show under Observe what it would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from towline.api.gitrepository import GitRepository
from towline.api.syncrecord import ChangeEntry, Ending, Trigger
from towline.drift.deviations import Deviation
from towline.errors import ClusterError, Failure, Reason, TowlineError
from towline.live.index import Index
from towline.model import Plan
from towline.reconcile import result, state
from towline.reconcile.desired.head_reader import HeadReader
from towline.reconcile.drifted.drift_states import DriftStates
from towline.reconcile.locate import Locator
from towline.reconcile.observe import Observer
from towline.reconcile.state import Enforced, Fetched, Planned, Start
from towline.reconcile.sync.beginning import Beginnings
from towline.reconcile.sync.executor import Executor
from towline.reconcile.sync.recorder import Recorder
from towline.reconcile.sync.sync_request import SyncResult
from towline.records.closing import Ended
from towline.records.newest import NewestSync
from towline.status.compute import PassResult


class Enforcer:
    """Carries out plans, for all repositories.

    Args:
        executor: writes.
        recorder: leaves the records.
        observer: shows what plans would do.
        drifts: records what was written.
        heads: finds newer ones while a sync runs.
        locator: finds the lines of refused fields.
        index: the live objects.
        beginnings: prepare first writes.
    """

    def __init__(  # noqa: PLR0913  the doors of a sync
        self,
        *,
        executor: Executor,
        recorder: Recorder,
        observer: Observer,
        drifts: DriftStates,
        heads: HeadReader,
        locator: Locator,
        index: Index,
        beginnings: Beginnings,
    ) -> None:
        self._executor = executor
        self._recorder = recorder
        self._observer = observer
        self._drifts = drifts
        self._heads = heads
        self._locator = locator
        self._index = index
        self._beginnings = beginnings

    async def enforce(self, start: Start, planned: Planned) -> Enforced:
        """Do what is planned, if anything is.

        Raises:
            ClusterError: nothing was written.
            SourceError: the mirror could not be read.
        """
        repository, decided = start.repository, planned.plan
        if not decided.writes and not decided.failures:
            newest = await self._recorder.newest(start.identity)  # closes what a dead process has left open
            await self._index.resume(planned.desired.kinds)
            drift = await self._settled(repository, planned, SyncResult(ending=Ending.SUCCEEDED))
            quiet = result.passed(start, planned, None)
            record = newest.name if newest else ""
            is_over = quiet.reason is Reason.SUCCEEDED and not self._drifts.refused(repository)
            if newest and newest.ending is Ending.FAILED and is_over:
                record = await self._returned(start, planned, newest)
            quiet = replace(quiet, last_record=record)
            return Enforced(repository=repository, passed=quiet, drift=drift)
        return await self._carried_out(start, planned, decided)

    async def hand_over(self, start: Start, planned: Planned) -> Enforced:
        """Release what other repositories take, while everything else of the plan waits.

        Raises:
            ClusterError: nothing was written.
            SourceError: the mirror could not be read.
        """
        if planned.plan.taken:
            return await self._carried_out(start, planned, planned.plan.handover)
        return Enforced(repository=start.repository, passed=result.passed(start, planned, None))

    async def _carried_out(self, start: Start, planned: Planned, part: Plan) -> Enforced:
        """Execute the plan, or a part of it."""
        repository, synced = await self._synced(start, replace(planned, plan=part))
        synced = await self._watched(planned, synced)
        drift = await self._settled(repository, planned, synced)
        failures = await self._located(planned, synced.failures)
        passed = result.passed(start, planned, replace(synced, failures=failures))
        return Enforced(repository=repository, passed=passed, drift=drift)

    async def observe(self, start: Start, planned: Planned) -> PassResult:
        """Show what would be done; changes that wait for other repositories wait as usual.

        Raises:
            ClusterError: the API server could not be asked, or refuses Towline as a whole.
            SourceError: the mirror could not be read.
        """
        decided = planned.plan
        if decided.waiting and not decided.failures:
            return result.passed(start, planned, None)
        why = state.occasion(start, planned.fetched)
        request = await self._recorder.request(start.repository, planned.fetched, decided, why)
        observed = await self._observer.observe(request)
        failures = await self._located(planned, observed.forecast.failures)
        found = replace(observed, forecast=replace(observed.forecast, failures=failures))
        return result.observed(start, planned, found)

    async def refuse(self, start: Start, fetched: Fetched, error: TowlineError) -> str:
        """Leave a record of a revision that cannot be applied; return its name, empty where the newest says the same.

        Raises:
            ClusterError: it could not be written.
        """
        why = state.occasion(start, fetched)
        request = await self._recorder.request(start.repository, fetched, Plan(), why)
        plain = Failure(reason=error.reason, message=error.message, commit=fetched.revision.sha)
        return (await self._recorder.refused(request, error.failures or (plain,))).record

    async def _returned(self, start: Start, planned: Planned, failed: NewestSync) -> str:
        """Leave a record without changes after a failure that is over, so that history ends as Ready does."""
        why = state.occasion(start, planned.fetched)
        if failed.target != planned.fetched.head.sha and why.trigger is not Trigger.SPEC:
            why = replace(why, trigger=Trigger.COMMIT)
        request = await self._recorder.request(start.repository, planned.fetched, Plan(), why)
        ended = Ended(ending=Ending.SUCCEEDED, finished_at=self._recorder.moment())
        return await self._recorder.leave(request, (), ended)

    async def _synced(self, start: Start, planned: Planned) -> tuple[GitRepository, SyncResult]:
        """Execute the plan; return the resource as it is then, too."""
        repository, fetched, decided = start.repository, planned.fetched, planned.plan
        why = state.occasion(start, fetched)
        request = await self._recorder.request(repository, fetched, decided, why)

        async with self._beginnings.of(repository, planned) as beginning:

            async def begin(entries: Sequence[ChangeEntry]) -> None:
                await self._observer.compare(repository, entries, decided.gated)
                await beginning.prepare()

            async with self._heads.watching(repository.key, fetched.spec, fetched.head) as superseded:
                synced = await self._executor.run(request, begin, superseded)
        return beginning.repository, synced

    async def _watched(self, planned: Planned, synced: SyncResult) -> SyncResult:
        """Wait until the written kinds are watched; if they cannot be, the sync has failed."""
        kinds = planned.desired.kinds - planned.visible.unreadable.keys()
        try:
            self._index.follow(kinds)
            await self._index.ensure(kinds)
        except ClusterError as error:
            return replace(synced, error=synced.error or error)
        return synced

    async def _settled(
        self, repository: GitRepository, planned: Planned, synced: SyncResult
    ) -> tuple[Deviation, ...]:
        """Record the state after the plan of a whole commit, and describe what differs from Git."""
        known = self._drifts.settle(repository, planned, synced)
        await self._drifts.describe(known, known.as_left(planned.plan))
        return known.deviations()

    async def _located(self, planned: Planned, failures: tuple[Failure, ...]) -> tuple[Failure, ...]:
        return await self._locator.located(failures, planned.fetched.head, planned.desired.manifests)
