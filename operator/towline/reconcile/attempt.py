"""Try once to bring the cluster to what Git says: head, revision, manifests, plan, sync.

`Attempts.run` does it in order. Each step adds to what is known, or ends the attempt with an error that says who
can fix it; what was found out until then is reported all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from towline.api import gitrepository, labels
from towline.api.gitrepository import GitRepository, Mode, Spec
from towline.api.schema import Schema
from towline.errors import Reason, SpecError, TowlineError
from towline.live.index import Index
from towline.reconcile import result
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.desired.unverified import UnverifiedError
from towline.reconcile.drifted.drift_states import DriftStates
from towline.reconcile.enforce import Enforcer
from towline.reconcile.fetch import Fetcher
from towline.reconcile.lane import Lane, Lanes
from towline.reconcile.neighbours import Neighbours
from towline.reconcile.planner import Planner
from towline.reconcile.state import Attempt, Enforced, Grounds, Planned, Reached, Start, Visible, kinds_of
from towline.status.compute import PassResult

_RECORDED = frozenset(
    {
        Reason.BUILD_FAILED,
        Reason.SYMLINK_REFUSED,
        Reason.PATH_NOT_FOUND,
        Reason.SOURCE_TOO_LARGE,
        Reason.SOURCE_EMPTY,
    }
)
"""Reasons that are errors of the revision itself, and leave a Failed record."""


class Attempts:
    """Makes attempts, for all repositories.

    Args:
        lanes: repair drift during an attempt.
        fetcher: reads what Git declares.
        planner: makes plans.
        enforcer: carries plans out, or shows what they would do.
        drifts: the objects that are not repaired for a while.
        index: the live objects.
        neighbours: are told what this one declares.
        schema: of a GitRepository's spec.
        clock: monotonic seconds.
    """

    def __init__(  # noqa: PLR0913  the steps of a pass
        self,
        *,
        lanes: Lanes,
        fetcher: Fetcher,
        planner: Planner,
        enforcer: Enforcer,
        drifts: DriftStates,
        index: Index,
        neighbours: Neighbours,
        schema: Schema,
        clock: Callable[[], float],
    ) -> None:
        self._lanes = lanes
        self._fetcher = fetcher
        self._planner = planner
        self._enforcer = enforcer
        self._drifts = drifts
        self._index = index
        self._neighbours = neighbours
        self._schema = schema
        self._clock = clock

    async def run(self, start: Start) -> Attempt:
        """Make one attempt and return how it ended; an error is an outcome, too."""
        lane = self._lanes.lane(start)
        made = await self._made(start, lane)
        mended = lane.repaired
        return replace(
            made,
            record=made.record or mended.record,
            drift=mended.drift if made.drift is None else made.drift,
            ended=self._drifts.take_ended(start.repository),
            again=self._drifts.due(self._drifts.known(start.repository)),
        )

    async def _made(self, start: Start, lane: Lane) -> Attempt:  # noqa: PLR0911  each step may find that nothing is new
        repository, last, reached = start.repository, start.last, Reached()
        if repository.is_suspended:
            return Attempt(repository=repository, passed=result.suspended(repository))
        try:
            spec = await self._specified(start, lane)
            reached = replace(reached, spec=spec)
            if last.desired is None:
                self._index.follow(kinds_of(repository))  # they are listed while the commit is read
            async with lane.open(spec):
                secret = await self._fetcher.refused_secret(start, spec)
                reached = replace(reached, secret=secret)
                if last.passed and self._fetcher.is_still_away(start, spec, secret):
                    return _unchanged(repository, reached, last.passed)
                head = await self._fetcher.head(start, spec)
                reached = replace(reached, head=head)
                self._neighbours.found(repository, head.name)
                if last.passed and self._fetcher.is_too_costly(start, spec, head):
                    return _unchanged(repository, reached, last.passed)
                fetched = await self._fetcher.commit(start, spec, head)
                reached = replace(reached, fetched=fetched)
                if last.passed and self._fetcher.is_still_refused(start, fetched):
                    return _unchanged(repository, reached, last.passed)
                await self._fetcher.admit(start, fetched)
                desired = await self._fetcher.desired(start, fetched)
                fetched = replace(fetched, pins=desired.pins, sources=desired.sources)
                reached = replace(reached, fetched=fetched, desired=desired)
                await self._index.assess_by(repository.label, spec.health_checks)
                visible = await self._planner.see(start, desired)
                grounds = self._grounds(start, desired, visible)
                reached = replace(reached, visible=visible, grounds=grounds)
                if last.passed and self._holds(start, last.passed, grounds, lane):
                    return _unchanged(repository, reached, last.passed)
                self._neighbours.declare(repository, desired.sha, desired.refs)
                planned = await self._planner.decide(start, fetched, desired, visible)
                reached = replace(reached, visible=visible.after(planned.plan))
            return await self._carried_out(start, reached, planned)
        except Exception as error:  # noqa: BLE001  a whole pass: a bug in one repository must not end the others
            return await self._failed(start, reached, result.told(error, repository.key))

    async def _specified(self, start: Start, lane: Lane) -> Spec:
        """Return the spec; one that is invalid ends the attempt, though not the repairs of what was applied.

        It is checked once a generation: the check takes longer than all else in a pass without news, except for Git.

        Raises:
            SpecError: it is invalid.
        """
        last = start.last
        if last.spec and last.passed and last.passed.generation == start.repository.generation:
            return last.spec
        try:
            return gitrepository.specify(start.repository, self._schema)
        except SpecError:
            await lane.go_on()
            raise

    def _grounds(self, start: Start, desired: Desired, visible: Visible) -> Grounds:
        repository = start.repository
        confirm = repository.annotations.get(labels.CONFIRM_PRUNE, "")
        paused = self._drifts.contested(self._drifts.known(repository))
        asked = (repository.generation, confirm, start.manual, frozenset(visible.unreadable))
        version = self._index.versions(repository.label)
        return Grounds(cause=(id(desired), *asked, start.news, paused), version=version)

    def _holds(self, start: Start, passed: PassResult, grounds: Grounds, lane: Lane) -> bool:
        """Tell whether everything is as it was that the last result depended on, and no retry is due.

        Objects that were changed since, and restored by now, count as unchanged.
        """
        last, known = start.last, self._drifts.known(start.repository)
        if last.grounds is None or passed.reason is Reason.PROGRESSING:
            return False
        touched = self._index.touched(start.repository.label, last.grounds.version)
        if touched is None or not touched <= lane.repaired.restored or (known and known.unread):
            return False
        return last.grounds.cause == grounds.cause and self._clock() < last.retry_at

    async def _carried_out(self, start: Start, reached: Reached, planned: Planned) -> Attempt:
        """Carry out or show the plan, unless it waits for a dependency."""
        if planned.unready:
            return await self._unready(start, reached, planned)
        done = await self._enforced(start, planned)
        return Attempt(repository=done.repository, reached=reached, passed=done.passed, drift=done.drift)

    async def _enforced(self, start: Start, planned: Planned) -> Enforced:
        """Carry out or show the plan; while one of its writes waits for other repositories, only what they wait for."""
        is_shown = planned.fetched.spec.mode is Mode.OBSERVE
        if not planned.plan.failures and any(change.manifest for change in planned.plan.waiting):
            if not is_shown:
                return await self._enforcer.hand_over(start, planned)
            return Enforced(repository=start.repository, passed=result.passed(start, planned, None))
        if is_shown:
            passed = await self._enforcer.observe(start, planned)
            return Enforced(repository=start.repository, passed=passed)
        return await self._enforcer.enforce(start, planned)

    async def _unready(self, start: Start, reached: Reached, planned: Planned) -> Attempt:
        """Wait for a dependency, which may itself wait for what the plan hands over."""
        handed = await self._enforcer.hand_over(start, planned)
        error = TowlineError(Reason.DEPENDENCY_NOT_READY, planned.unready)
        return Attempt(
            repository=handed.repository,
            reached=reached,
            passed=result.failed(handed.repository, reached, error),
            record=handed.passed.last_record,
            drift=handed.drift,
        )

    async def _failed(self, start: Start, reached: Reached, error: TowlineError) -> Attempt:
        """Return the result of an attempt that an error has ended; errors of the revision itself are recorded, too."""
        record = ""
        is_unverified = isinstance(error, UnverifiedError) and bool(error.failures)
        if reached.fetched and (error.reason in _RECORDED or is_unverified):
            try:
                record = await self._enforcer.refuse(start, reached.fetched, error)
            except TowlineError as unrecorded:
                error = unrecorded
        passed = result.failed(start.repository, reached, error)
        return Attempt(repository=start.repository, reached=reached, passed=passed, record=record)


def _unchanged(repository: GitRepository, reached: Reached, passed: PassResult) -> Attempt:
    return Attempt(repository=repository, reached=reached, passed=passed, is_new=False)
