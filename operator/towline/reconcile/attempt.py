"""One try to bring the cluster to what Git says: head, revision, manifests, plan, sync.

`Attempts.run` tells it in order. Each step adds to what is known, or ends the attempt with an error that says who
can mend it; what was found out until then is reported all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from towline import log
from towline.api import gitrepository, labels
from towline.api.gitrepository import Mode, Schema, Spec
from towline.api.syncrecord import ChangeEntry, Ending, Trigger
from towline.errors import ClusterError, Failure, Reason, SpecError, TowlineError
from towline.kube.repositories import Repositories
from towline.live.index import Index
from towline.model import Key, ObjectRef, Plan, Revision
from towline.reconcile import result
from towline.reconcile.checkup import Checkups
from towline.reconcile.desired import CommitReader, Desired, Head
from towline.reconcile.executor import Executor
from towline.reconcile.fetch import Fetcher
from towline.reconcile.neighbours import Neighbours
from towline.reconcile.observe import Observer
from towline.reconcile.planner import Planner
from towline.reconcile.repair import Repairs
from towline.reconcile.state import Attempt, kinds_of
from towline.reconcile.sync import SyncRequest, SyncResult
from towline.reconcile.sync_request import SyncRequests
from towline.status import compute
from towline.status.compute import PassResult

_log = log.logger(__name__)

_RECORDED = frozenset(
    {
        Reason.BUILD_FAILED,
        Reason.SYMLINK_REFUSED,
        Reason.PATH_NOT_FOUND,
        Reason.SOURCE_TOO_LARGE,
        Reason.SOURCE_EMPTY,
    }
)
"""What is wrong with a revision itself: it leaves a Failed record."""


class Attempts:
    """Makes attempts, for all repositories.

    Args:
        pulls: read what Git declares.
        decisions: make plans.
        source: finds lines, and newer heads while a sync runs.
        index: what is live.
        repositories: where the resource itself is written.
        neighbours: what other repositories declare.
        syncs: executes plans.
        orders: writes the orders for them.
        repairs: undoes, or describes, what others change.
        observer: tells what plans would do.
        checkups: say how objects are.
        schema: of a GitRepository's spec.
        clock: monotonic seconds.
        now: the current time, with its zone.
    """

    def __init__(  # noqa: PLR0913  the doors of a pass
        self,
        *,
        fetcher: Fetcher,
        planner: Planner,
        source: CommitReader,
        index: Index,
        repositories: Repositories,
        neighbours: Neighbours,
        executor: Executor,
        requests: SyncRequests,
        repairs: Repairs,
        observer: Observer,
        checkups: Checkups,
        schema: Schema,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._fetcher = fetcher
        self._planner = planner
        self._source = source
        self._index = index
        self._repositories = repositories
        self._neighbours = neighbours
        self._executor = executor
        self._requests = requests
        self._repairs = repairs
        self._observer = observer
        self._checkups = checkups
        self._schema = schema
        self._clock = clock
        self._now = now

    async def run(self, attempt: Attempt) -> PassResult:
        """Make one attempt and say how it ended.

        Raises:
            TowlineError: it ended before there was a plan; `attempt` holds what is known.
        """
        attempt.spec = spec = await self._specified(attempt)
        if spec.suspend:
            return PassResult(generation=attempt.repository.generation, reason=Reason.SUSPENDED)
        if attempt.memory.desired is None:
            self._index.follow(kinds_of(attempt.repository))  # they are listed while the commit is read
        await self._repairs.begin(attempt, spec)
        if known := await self._fetcher.still_away(attempt, spec):
            return known
        try:
            async with self._repairs.lane(attempt, spec):
                attempt.head = head = await self._fetcher.head(attempt, spec)
                self._neighbours.found(attempt.repository, head.name)
                attempt.revision = await self._fetcher.revision(attempt, spec, head)
                attempt.desired = desired = await self._fetcher.desired(attempt, spec, head)
                await self._index.assess_by(attempt.repository.label, spec.health_checks)
                blind = await self._planner.see(attempt, desired)
                if known := self._unchanged(attempt):
                    return known
                self._neighbours.declare(attempt.repository, desired.sha, desired.manifests)
                decided = await self._planner.decide(attempt, desired)
        except TowlineError as error:
            if attempt.revision and error.reason in _RECORDED:
                await self._record(attempt, attempt.revision, error)
            raise
        if not decided.failures and any(change.manifest for change in decided.waiting):
            return result.passed(attempt, decided, None, blind)
        if spec.mode is Mode.OBSERVE:
            return await self._observe(attempt, desired, head, decided, blind)
        return await self._enforce(attempt, desired, head, decided, blind)

    async def checked(self, attempt: Attempt, passed: PassResult) -> PassResult:
        """Add how the objects are, whatever became of the attempt; nothing where nobody knows what is declared.

        Where none exists yet, that says nothing, either, unless it is what Git wants.
        """
        known = attempt.desired or attempt.memory.desired
        if known is None or passed.reason is Reason.SUSPENDED:
            return passed
        found = await self._checkups.of(attempt.repository.label, known)
        means_something = found.total or passed.reason is Reason.SUCCEEDED
        return replace(passed, health=found) if means_something else passed

    def again(self, attempt: Attempt) -> float | None:
        """Return the seconds until an object that is left alone for a while is due; None where there is none."""
        return self._repairs.due(attempt)

    async def verify(self, refs: Sequence[ObjectRef]) -> None:
        """Read objects whose metadata cannot tell whether their content is as declared."""
        await self._repairs.verify(refs)

    def forget(self, key: Key) -> None:
        """Forget a repository that is gone."""
        self._repairs.forget(key)

    async def _specified(self, attempt: Attempt) -> Spec:
        """Return the spec; one that is invalid ends the attempt, though not the repairs of what was applied.

        It is checked once a generation: that takes longer than all else in a pass with nothing new, but for Git.

        Raises:
            SpecError: it is invalid.
        """
        memory = attempt.memory
        if memory.spec and memory.passed and memory.passed.generation == attempt.repository.generation:
            return memory.spec
        try:
            return gitrepository.specify(attempt.repository, self._schema)
        except SpecError:
            await self._repairs.go_on(attempt)
            raise

    def _unchanged(self, attempt: Attempt) -> PassResult | None:
        """Return the last pass where everything that it depended on is as it was, and no retry is due.

        Objects that were touched since, and restored by now, are as they were.
        """
        memory = attempt.memory
        label = attempt.repository.label
        confirm = attempt.repository.annotations.get(labels.CONFIRM_PRUNE, "")
        attempt.version = self._index.versions(label)
        touched = self._index.touched(label, memory.version)
        asked = (attempt.repository.generation, confirm, attempt.manual)
        held = self._repairs.contested(attempt)
        attempt.cause = (id(attempt.desired), *asked, attempt.news, held)
        if memory.passed is None or memory.passed.reason is Reason.PROGRESSING:
            return None
        if touched is None or not touched <= attempt.restored or self._repairs.has_unread(attempt):
            return None
        if memory.cause != attempt.cause or self._clock() >= memory.retry_at:
            return None
        attempt.is_new = False
        return memory.passed

    async def _observe(
        self, attempt: Attempt, desired: Desired, head: Head, decided: Plan, blind: str
    ) -> PassResult:
        """Tell what would be done; what other repositories are asked about first is waited for as ever."""
        if decided.waiting and not decided.failures:
            return result.passed(attempt, decided, None, blind)
        observed = await self._observer.observe(await self._order(attempt, decided))
        failures = await self._source.located(observed.forecast.failures, head, desired.manifests)
        found = replace(observed.forecast, failures=failures)
        return result.observed(attempt, decided, replace(observed, forecast=found), blind)

    async def _enforce(
        self, attempt: Attempt, desired: Desired, head: Head, decided: Plan, blind: str
    ) -> PassResult:
        """Do what is planned, if anything is."""
        if not decided.writes and not decided.failures:
            newest = await self._executor.newest(attempt.identity)  # closes what a dead process has left open
            await self._index.resume(desired.kinds)
            await self._repairs.settle(attempt, decided, SyncResult(ending=Ending.SUCCEEDED))
            quiet = result.passed(attempt, decided, None, blind)
            return replace(quiet, last_record=newest.name if newest else "")
        synced = await self._sync(attempt, desired.spec, head, decided)
        synced = await self._watched(desired, synced)
        await self._repairs.settle(attempt, decided, synced)
        located = await self._source.located(synced.failures, head, desired.manifests)
        return result.passed(attempt, decided, replace(synced, failures=located), blind)

    async def _sync(self, attempt: Attempt, spec: Spec, head: Head, decided: Plan) -> SyncResult:
        order = await self._order(attempt, decided)

        async def begin(entries: Sequence[ChangeEntry]) -> None:
            await self._observer.compare(attempt.repository, entries, decided.gated)
            await self._begin(attempt, decided)

        async with self._source.watching(attempt.repository.key, spec, head) as superseded:
            synced = await self._executor.run(order, begin, superseded)
        self._neighbours.released(attempt.repository.key, synced.released)
        return synced

    async def _watched(self, desired: Desired, synced: SyncResult) -> SyncResult:
        """Wait until what was written is watched; where it cannot be, that is an error of the sync."""
        try:
            self._index.follow(desired.kinds)
            await self._index.ensure(desired.kinds)
        except ClusterError as error:
            return replace(synced, error=synced.error or error)
        return synced

    async def _order(self, attempt: Attempt, decided: Plan) -> SyncRequest:
        """Say what the record must: from where to where, by which commits, and why."""
        spec, head, revision = attempt.spec, attempt.head, attempt.revision
        if spec is None or head is None or revision is None:
            raise ValueError("an order needs a revision")
        return await self._requests.order(
            attempt.repository, spec, head=head, revision=revision, plan=decided, trigger=_trigger(attempt)
        )

    async def _record(self, attempt: Attempt, revision: Revision, error: TowlineError) -> None:
        """Leave a record of a revision that cannot be applied."""
        order = await self._order(attempt, Plan())
        plain = Failure(reason=error.reason, message=error.message, commit=revision.sha)
        attempt.record = (await self._executor.refused(order, error.failures or (plain,))).record

    async def _begin(self, attempt: Attempt, decided: Plan) -> None:
        """Before the first write: our finalizer, and in the status where to look after a kill.

        Raises:
            ClusterError: the resource changed under us; nothing is written then.
        """
        kinds = attempt.kinds.union(change.ref.group_kind for change in decided.applies)
        if attempt.revision is None:
            raise ValueError("a sync needs a revision")
        for _ in range(3):
            held = await self._repositories.add_finalizer(attempt.repository)
            if held:
                attempt.repository = held
                begun = compute.progress(held, attempt.revision, decided, kinds, self._now())
                if written := await self._repositories.write_status(held, begun):
                    attempt.repository = written
                    return
            await self._reread(attempt)
        raise ClusterError("the GitRepository keeps changing; nothing was written")

    async def _reread(self, attempt: Attempt) -> None:
        before = attempt.repository
        now = await self._repositories.read(before.key)
        if now is None or now.deleting or (now.uid, now.generation) != (before.uid, before.generation):
            raise ClusterError("the GitRepository was changed before anything was written")
        attempt.repository = now


def _trigger(attempt: Attempt) -> Trigger:
    """Say why there is something to do, from what is different now."""
    repository, memory = attempt.repository, attempt.memory
    confirmed = repository.annotations.get(labels.CONFIRM_PRUNE, "") == (
        (repository.status.get("blocked") or {}).get("confirm") or None
    )
    if attempt.head and repository.applied != attempt.head.sha and not confirmed:
        return Trigger.COMMIT
    if repository.status.get("observedGeneration") != repository.generation:
        return Trigger.SPEC
    if confirmed or (memory.passed and memory.manual != attempt.manual):
        return Trigger.MANUAL
    return Trigger.DRIFT if memory.passed else Trigger.START
