"""One try to bring the cluster to what Git says: head, revision, manifests, plan, sync.

`Tower.tow` tells it in order. Each step adds to what the attempt has found out, or ends it with an error that says who
can mend it; what was found out until then is reported all the same.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from towline import conclusion, log
from towline.api import gitrepository, labels
from towline.api.gitrepository import GitRepository, Mode, Schema, Spec
from towline.api.syncrecord import ChangeEntry, Ending, Trigger
from towline.attempt import Attempt
from towline.checkup import Checkups
from towline.cluster.live import Index
from towline.cluster.report import Report
from towline.cluster.sweep import Sweep
from towline.core import claims, plan, remedy, status
from towline.core.ownership import OWN, Policy
from towline.core.status import Pass
from towline.dependencies import Dependencies
from towline.desired import Desired, Head, Source
from towline.errors import ClusterError, Failure, Reason, SourceError, SpecError, TowlineError
from towline.model import GroupKind, Key, Live, ObjectRef, Plan, Revision
from towline.neighbours import Neighbours
from towline.observe import Observer
from towline.orders import Orders
from towline.repair import Repairs
from towline.sync import Order, Synced, Syncs

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

_OTHERS_SECONDS = 10.0
"""How long a pass waits to see kinds that it declares no more."""


class Tower:
    """Makes attempts, for all repositories.

    Args:
        source: what Git declares.
        index: what is live.
        report: where the resource itself is written.
        sweep: finds what is ours where nothing says where to look.
        neighbours: what other repositories declare.
        dependencies: what must be ready first.
        syncs: executes plans.
        orders: writes the orders for them.
        repairs: undoes, or describes, what others change.
        observer: tells what plans would do.
        installation: what the operator runs by, which no repository may declare.
        checkups: say how objects are.
        schema: of a GitRepository's spec.
        clock: monotonic seconds.
        now: the current time, with its zone.
    """

    def __init__(  # noqa: PLR0913  the doors of a pass
        self,
        *,
        source: Source,
        index: Index,
        report: Report,
        sweep: Sweep,
        neighbours: Neighbours,
        dependencies: Dependencies,
        syncs: Syncs,
        orders: Orders,
        repairs: Repairs,
        observer: Observer,
        installation: frozenset[ObjectRef],
        checkups: Checkups,
        schema: Schema,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._index = index
        self._report = report
        self._sweep = sweep
        self._neighbours = neighbours
        self._dependencies = dependencies
        self._syncs = syncs
        self._orders = orders
        self._repairs = repairs
        self._observer = observer
        self._installation = installation
        self._checkups = checkups
        self._schema = schema
        self._clock = clock
        self._now = now

    async def tow(self, attempt: Attempt) -> Pass:
        """Make one attempt and say how it ended.

        Raises:
            TowlineError: it ended before there was a plan; `attempt` holds what is known.
        """
        attempt.spec = spec = await self._specified(attempt)
        if spec.suspend:
            return Pass(generation=attempt.repository.generation, reason=Reason.SUSPENDED)
        await self._repairs.begin(attempt, spec)
        if known := await self._still_away(attempt, spec):
            return known
        attempt.head = head = await self._repairs.beside(attempt, spec, self._head(attempt, spec))
        fetched = self._revision(attempt, spec, head)
        attempt.revision = revision = await self._repairs.beside(attempt, spec, fetched)
        try:
            read = self._desired(attempt, spec, head)
            attempt.desired = desired = await self._repairs.beside(attempt, spec, read)
            await self._index.assess_by(attempt.repository.label, spec.health_checks)
            blind = await self._see(attempt, desired)
            if known := self._unchanged(attempt):
                return known
            self._neighbours.declare(attempt.repository, desired.sha, desired.manifests)
            decided = await self._decide(attempt, desired)
            if not decided.failures and any(change.manifest for change in decided.waiting):
                return conclusion.passed(attempt, decided, None, blind)
        except TowlineError as error:
            if error.reason in _RECORDED:
                await self._record(attempt, revision, error)
            raise
        if spec.mode is Mode.OBSERVE:
            return await self._observe(attempt, desired, head, decided, blind)
        return await self._enforce(attempt, desired, head, decided, blind)

    async def checked(self, attempt: Attempt, passed: Pass) -> Pass:
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

        Raises:
            SpecError: it is invalid.
        """
        try:
            return gitrepository.specify(attempt.repository, self._schema)
        except SpecError:
            await self._repairs.go_on(attempt)
            raise

    async def _still_away(self, attempt: Attempt, spec: Spec) -> Pass | None:
        """Return the last pass where Git could not be read, nothing about that changed, and no retry is due."""
        memory = attempt.memory
        if memory.passed is None or memory.passed.reason not in remedy.AWAY:
            return None
        if memory.passed.reason in remedy.AUTHENTICATION and spec.secret_name:
            attempt.secret = await self._source.secret_version(attempt.repository.key, spec)
        same = (memory.secret, memory.spec, memory.manual) == (attempt.secret, spec, attempt.manual)
        if not same or self._clock() >= memory.retry_at:
            return None
        attempt.is_new = False
        return memory.passed

    async def _head(self, attempt: Attempt, spec: Spec) -> Head:
        """Look up the head, unless that was done for this very spec less than an interval ago.

        Repositories of one remote share an answer, but for a new spec or where somebody asks for a look.
        """
        memory = attempt.memory
        attempt.news = self._neighbours.news(attempt.repository.key)
        fresh = self._clock() < memory.looked_at + spec.interval * 0.9 and memory.news == attempt.news
        if memory.head and fresh and memory.spec == spec and memory.manual == attempt.manual:
            attempt.looked_at = memory.looked_at
            return memory.head
        asked = memory.looked_at == -math.inf or memory.spec != spec or memory.manual != attempt.manual
        head = await self._source.head(attempt.repository.key, spec, 0.0 if asked else spec.interval * 0.9)
        attempt.looked_at = head.seen_at
        if memory.head is None or memory.head.sha != head.sha:
            _log.info("head moved", repository=str(attempt.repository.key), ref=head.name, commit=head.sha)
        return head

    async def _revision(self, attempt: Attempt, spec: Spec, head: Head) -> Revision:
        """Fetch the commit. Where it cannot be had, the next try looks for the head anew: it may be gone for good."""
        try:
            return await self._source.revision(head, spec.timeout)
        except SourceError:
            attempt.looked_at = -math.inf
            raise

    async def _desired(self, attempt: Attempt, spec: Spec, head: Head) -> Desired:
        """Read the manifests, unless the last pass did so and every kind can still be seen.

        Kinds that were unknown or forbidden then are looked for again when a retry is due.
        """
        memory = attempt.memory
        known, due = memory.desired, self._clock() >= memory.retry_at or memory.manual != attempt.manual
        fresh = known and known.sha == head.sha and known.spec == spec and not (known.failures and due)
        if known and fresh and not self._index.unseen(known.kinds):
            return known
        return await self._source.desired(head, spec)

    async def _see(self, attempt: Attempt, desired: Desired) -> str:
        """Make sure that everything of ours is known; say what cannot be seen, and thus not be pruned.

        Raises:
            ClusterError: a kind that is declared cannot be seen.
        """
        await self._index.ensure(desired.kinds)
        others = await self._known_kinds(attempt) - desired.kinds - self._index.gone()
        try:
            await self._index.ensure(others, _OTHERS_SECONDS)
        except ClusterError as error:
            return f"nothing of them is pruned: {error.message}"
        return ""

    async def _known_kinds(self, attempt: Attempt) -> frozenset[GroupKind]:
        """Return the kinds of everything ever applied; where the status has lost them, look everywhere once."""
        attempt.swept = attempt.memory.swept
        if attempt.swept is None and not attempt.kinds:
            attempt.swept = await self._sweep.kinds(attempt.repository)
        return attempt.kinds

    def _unchanged(self, attempt: Attempt) -> Pass | None:
        """Return the last pass where everything that it depended on is as it was, and no retry is due."""
        memory = attempt.memory
        confirm = attempt.repository.annotations.get(labels.CONFIRM_PRUNE, "")
        version = self._index.versions(attempt.repository.label)
        asked = (attempt.repository.generation, confirm, attempt.manual)
        held = self._repairs.contested(attempt)
        attempt.cause = (id(attempt.desired), *asked, version, attempt.news, held)
        if memory.passed is None or memory.passed.reason is Reason.PROGRESSING:
            return None
        if memory.cause != attempt.cause or self._clock() >= memory.retry_at:
            return None
        attempt.is_new = False
        return memory.passed

    async def _decide(self, attempt: Attempt, desired: Desired) -> Plan:
        """Plan, in a thread: thousands of objects take longer than others may be kept waiting.

        Raises:
            SourceError: SourceEmpty, where nothing is declared and nothing is owned.
            TowlineError: DependencyNotReady, where something is to be written.
        """
        repository = attempt.repository
        live = dict(self._index.owned(repository.label))
        for manifest in desired.manifests:
            if manifest.ref not in live and (other := self._index.anyone(manifest.ref)):
                live[manifest.ref] = other
        policy = Policy(
            key=repository.key,
            uid=repository.uid,
            label=repository.label,
            manager=repository.manager,
            prune=desired.spec.prune,
            adopt=desired.spec.adopt,
            confirm=repository.annotations.get(labels.CONFIRM_PRUNE, ""),
            blocked=bool(repository.status.get("blocked")),
            installation=self._installation,
            gated=desired.spec.mode is Mode.ENFORCE and attempt.memory.done is not desired,
        )
        policy = self._repairs.policy(attempt, desired.spec, policy)
        if not desired.manifests and not desired.failures:
            owns = any(plan.ownership(each, policy) in OWN for each in live.values())
            _check_emptiness(repository, desired, owns=owns)
        decided = await _planned(desired, live, policy)
        standing, attempt.patience = await self._neighbours.standing(repository, desired.sha, decided, live)
        if standing != claims.ALONE:
            decided = await _planned(desired, live, replace(policy, standing=standing))
        unready = await self._dependencies.unready(repository)
        if unready and decided.writes and desired.spec.mode is Mode.ENFORCE:
            raise TowlineError(Reason.DEPENDENCY_NOT_READY, unready)
        return replace(decided, failures=(*desired.failures, *decided.failures))

    async def _observe(
        self, attempt: Attempt, desired: Desired, head: Head, decided: Plan, blind: str
    ) -> Pass:
        """Tell what would be done; what other repositories are asked about first is waited for as ever."""
        if decided.waiting and not decided.failures:
            return conclusion.passed(attempt, decided, None, blind)
        observed = await self._observer.observe(await self._order(attempt, decided))
        failures = await self._source.located(observed.forecast.failures, head, desired.manifests)
        found = replace(observed.forecast, failures=failures)
        return conclusion.observed(attempt, decided, replace(observed, forecast=found), blind)

    async def _enforce(
        self, attempt: Attempt, desired: Desired, head: Head, decided: Plan, blind: str
    ) -> Pass:
        """Do what is planned, if anything is."""
        if not decided.writes and not decided.failures:
            newest = await self._syncs.newest(attempt.identity)  # closes what a dead process has left open
            await self._repairs.settle(attempt, decided, Synced(ending=Ending.SUCCEEDED))
            quiet = conclusion.passed(attempt, decided, None, blind)
            return replace(quiet, last_record=newest.name if newest else "")
        synced = await self._sync(attempt, desired.spec, head, decided)
        await self._repairs.settle(attempt, decided, synced)
        located = await self._source.located(synced.failures, head, desired.manifests)
        return conclusion.passed(attempt, decided, replace(synced, failures=located), blind)

    async def _sync(self, attempt: Attempt, spec: Spec, head: Head, decided: Plan) -> Synced:
        order = await self._order(attempt, decided)

        async def begin(entries: Sequence[ChangeEntry]) -> None:
            await self._observer.compare(attempt.repository, entries)
            await self._begin(attempt, decided)

        async with self._source.watching(attempt.repository.key, spec, head) as superseded:
            synced = await self._syncs.run(order, begin, superseded)
        self._neighbours.released(attempt.repository.key, synced.released)
        if attempt.desired:
            await self._index.ensure(attempt.desired.kinds)
        return synced

    async def _order(self, attempt: Attempt, decided: Plan) -> Order:
        """Say what the record must: from where to where, by which commits, and why."""
        spec, head, revision = attempt.spec, attempt.head, attempt.revision
        if spec is None or head is None or revision is None:
            raise ValueError("an order needs a revision")
        return await self._orders.order(
            attempt.repository, spec, head=head, revision=revision, plan=decided, trigger=_trigger(attempt)
        )

    async def _record(self, attempt: Attempt, revision: Revision, error: TowlineError) -> None:
        """Leave a record of a revision that cannot be applied."""
        order = await self._order(attempt, Plan())
        plain = Failure(reason=error.reason, message=error.message, commit=revision.sha)
        attempt.record = (await self._syncs.refused(order, error.failures or (plain,))).record

    async def _begin(self, attempt: Attempt, decided: Plan) -> None:
        """Before the first write: our finalizer, and in the status where to look after a kill.

        Raises:
            ClusterError: the resource changed under us; nothing is written then.
        """
        kinds = attempt.kinds.union(change.ref.group_kind for change in decided.applies)
        if attempt.revision is None:
            raise ValueError("a sync needs a revision")
        for _ in range(3):
            held = await self._report.add_finalizer(attempt.repository)
            if held:
                attempt.repository = held
                begun = status.progress(held.status, held.generation, attempt.revision, kinds, self._now())
                if written := await self._report.write_status(held, begun):
                    attempt.repository = written
                    return
            await self._reread(attempt)
        raise ClusterError("the GitRepository is changed all the time; nothing was written")

    async def _reread(self, attempt: Attempt) -> None:
        before = attempt.repository
        now = await self._report.read(before.key)
        if now is None or now.deleting or (now.uid, now.generation) != (before.uid, before.generation):
            raise ClusterError("the GitRepository was changed before anything was written")
        attempt.repository = now


async def _planned(desired: Desired, live: Mapping[ObjectRef, Live], policy: Policy) -> Plan:
    return await asyncio.to_thread(plan.plan, desired.manifests, live, policy, desired.sha, desired.memo)


def _check_emptiness(repository: GitRepository, desired: Desired, *, owns: bool) -> None:
    """Refuse a commit without manifests where nothing could be pruned: a path or suffix is wrong.

    It is well where this very commit was applied: somebody has confirmed that everything goes.
    """
    if owns or repository.status.get("commit", {}).get("applied") == desired.sha:
        return
    message = f"no manifests below {desired.spec.path!r}: their names end in .yaml, .yml or .json"
    if desired.submodules:
        message += f"; submodules are not read ({desired.submodules[0]} is one)"
    raise SourceError(Reason.SOURCE_EMPTY, message)


def _trigger(attempt: Attempt) -> Trigger:
    """Say why there is something to do, from what is different now."""
    repository, memory = attempt.repository, attempt.memory
    confirmed = repository.annotations.get(labels.CONFIRM_PRUNE, "") == (
        (repository.status.get("blocked") or {}).get("confirm") or None
    )
    if (
        attempt.head
        and repository.status.get("commit", {}).get("applied") != attempt.head.sha
        and not confirmed
    ):
        return Trigger.COMMIT
    if repository.status.get("observedGeneration") != repository.generation:
        return Trigger.SPEC
    if confirmed or (memory.passed and memory.manual != attempt.manual):
        return Trigger.MANUAL
    return Trigger.DRIFT if memory.passed else Trigger.START
