"""Plan: compare what Git declares with what is live, considering other repositories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from towline import aio
from towline.api import labels
from towline.api.asked import asking
from towline.api.gitrepository import GitRepository, Mode
from towline.errors import Reason, SourceError
from towline.live.index import Index
from towline.model import Live, ObjectRef, Plan
from towline.plan import build, claims, one_shot, ownership
from towline.plan.ownership import OWN, Policy
from towline.reconcile.dependencies import Dependencies
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.drifted.drift_states import DriftStates
from towline.reconcile.neighbours import Neighbours
from towline.reconcile.state import Fetched, Planned, Start, Visible, done_of, kinds_of
from towline.reconcile.sweep import Sweep
from towline.records.written_objects import WrittenObjects


class Planner:
    """Makes plans for attempts.

    Args:
        index: the live objects.
        sweep: finds owned objects when the status does not name their kinds.
        neighbours: what other repositories declare.
        dependencies: what must be ready first.
        drifts: what is to be done about drift.
        written_objects: what the records tell of objects without a valid stamp.
        installation: what the operator runs by, which no repository may declare.
    """

    def __init__(  # noqa: PLR0913  everything that has a say in a plan
        self,
        *,
        index: Index,
        sweep: Sweep,
        neighbours: Neighbours,
        dependencies: Dependencies,
        drifts: DriftStates,
        written_objects: WrittenObjects,
        installation: frozenset[ObjectRef],
    ) -> None:
        self._index = index
        self._sweep = sweep
        self._neighbours = neighbours
        self._dependencies = dependencies
        self._drifts = drifts
        self._written_objects = written_objects
        self._installation = installation

    async def see(self, start: Start, desired: Desired) -> Visible:
        """Watch the kinds of all objects that are declared or owned; return which of them cannot be read.

        Raises:
            ClusterError: the API server could not be asked where to look.
        """
        visible = await self._known_kinds(start)
        others = visible.kinds - desired.kinds - self._index.gone()
        return replace(visible, unreadable=await self._index.unreadable(desired.kinds | others))

    async def decide(self, start: Start, fetched: Fetched, desired: Desired, visible: Visible) -> Planned:
        """Return the plan, made in a thread where it is of many objects: they would hold up the event loop.

        Raises:
            SourceError: SourceEmpty, if nothing is declared and nothing is owned.
            ClusterError: the records or the other GitRepositories could not be read.
        """
        repository, unreadable = start.repository, frozenset(visible.unreadable)
        live = self._live(repository, desired)
        policy = replace(self._policy(start, desired), unreadable=unreadable)
        asked = desired.memo.unsettled(desired.declared, live)
        policy = await self._written_objects.informed(policy, (live[ref] for ref in asked if ref in live))
        if not desired.declared and not desired.failures:
            owns = any(ownership.ownership(each, policy) in OWN for each in live.values())
            _check_emptiness(repository, desired, owns=owns)
        plan = await _planned(desired, live, policy)
        standing, patience = await self._neighbours.standing(repository, desired.sha, plan, live)
        if standing != claims.ALONE:
            plan = await _planned(desired, live, replace(policy, standing=standing))
        unready = await self._dependencies.unready(repository)
        return Planned(
            fetched=fetched,
            desired=desired,
            visible=visible,
            plan=replace(plan, failures=(*desired.failures, *plan.failures)),
            patience=patience,
            unready=unready if plan.writes and desired.spec.mode is Mode.ENFORCE else "",
            done=policy.done,
        )

    async def _known_kinds(self, start: Start) -> Visible:
        """Return the kinds of everything ever applied; if the status has lost them, search all kinds once."""
        remembered, swept = kinds_of(start.repository), start.last.swept
        if swept is None and not remembered:
            swept = await self._sweep.kinds(start.repository)
        return Visible(kinds=remembered | (swept or frozenset()), swept=swept)

    def _live(self, repository: GitRepository, desired: Desired) -> Mapping[ObjectRef, Live]:
        """Return the live objects that the repository owns, and those that it declares and another repository owns."""
        owned, declared = self._index.owned(repository.label), desired.declared
        missing = (ref for ref in desired.memo.unsettled(declared, owned) if ref not in owned)
        others = {ref: other for ref in missing if ref in declared and (other := self._index.anyone(ref))}
        return {**owned, **others} if others else owned

    def _policy(self, start: Start, desired: Desired) -> Policy:
        repository, spec = start.repository, desired.spec
        policy = replace(
            ownership.policy(repository),
            prune=spec.prune,
            adopt=spec.adopt,
            confirm=asking.token(repository.annotations, labels.CONFIRM_PRUNE),
            applied=repository.applied,
            doubted=(repository.status.get("blocked") or {}).get("ownedTotal", 0),
            installation=self._installation,
            done=one_shot.known(done_of(repository), self._index.finished(repository.label)),
            short_lived=self._index.short_lived(repository.label),
            gated=spec.mode is Mode.ENFORCE and start.last.done is not desired,
        )
        return self._drifts.policy(policy, self._drifts.known(repository), spec)


async def _planned(desired: Desired, live: Mapping[ObjectRef, Live], policy: Policy) -> Plan:
    kibibytes = sum(len(each.content) for each in desired.declared.values()) // 1024
    cost = len(desired.declared) + len(live) + kibibytes
    return await aio.aside(cost, build.replan, desired.declared, live, policy, desired.sha, desired.memo)


def _check_emptiness(repository: GitRepository, desired: Desired, *, owns: bool) -> None:
    """Refuse a commit without manifests if nothing is owned: probably a path or suffix is wrong.

    A commit that is applied already is accepted: a person has confirmed that everything is pruned.
    """
    if owns or repository.applied == desired.sha:
        return
    message = f"no manifests below {desired.spec.path!r}: file names must end in .yaml, .yml or .json"
    if desired.submodules:
        message += f"; submodules are not read ({desired.submodules[0]} is one)"
    raise SourceError(Reason.SOURCE_EMPTY, message)
