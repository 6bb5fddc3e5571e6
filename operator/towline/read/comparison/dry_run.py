"""Compare a revision with the cluster: the operator's own plan, and a dry run with the rights of the user.

Nothing is written: each request reads, or is a dry run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from towline.api import labels
from towline.api.gitrepository import GitRepository, Spec
from towline.apply import prediction
from towline.apply.crds import Settling
from towline.apply.handover import RestOfPlan
from towline.apply.objects import Objects, WriteContext
from towline.apply.prediction import Prediction
from towline.apply.preflight import Preflight, PreflightRun
from towline.apply.removal import RemovalDryRun
from towline.errors import Failure, Refusal
from towline.fields.mask import Mask
from towline.model import Action, Change, GroupKind, Live, Manifest, ObjectRef, Plan, Revision
from towline.plan import build, claims, one_shot, ownership
from towline.plan.ownership import Policy
from towline.plan.stamp import Identity
from towline.read.cluster import Cluster
from towline.read.comparison import compared, others_claims, recorded_objects
from towline.read.comparison.compared import ComparedChange
from towline.read.comparison.declared_revision import DeclaredRevision
from towline.read.comparison.own_objects import OwnObjects, OwnObjectsReader
from towline.read.comparison.recorded_objects import Compared

ReadApplied: TypeAlias = Callable[[], Awaitable[Mapping[ObjectRef, Manifest] | None]]
"""Returns what the applied commit declares; None where that cannot be read."""

_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunFindings:
    """What a dry run of a plan found, and what could not be asked the API server, with what stood in for it."""

    compared: Compared
    notes: tuple[str, ...] = ()


class DryRun:
    """Compares revisions of one repository with the cluster.

    Args:
        cluster: as the user may see it.
        repository: as it is stored.
        spec: what its plan obeys.
        mask: hides secret values.
        applied: reads what was applied last, where the user's rights do not suffice.
        moment: now, in RFC 3339.
    """

    def __init__(  # noqa: PLR0913  whom it asks, for which repository, and what stands in
        self,
        *,
        cluster: Cluster,
        repository: GitRepository,
        spec: Spec,
        mask: Mask,
        applied: ReadApplied,
        moment: str,
    ) -> None:
        self._cluster = cluster
        self._objects = Objects(cluster.client, cluster.discovery)
        self._settling = Settling(cluster.discovery)
        self._listed = OwnObjectsReader(cluster)
        self._repository = repository
        self._spec = spec
        self._mask = mask
        self._applied = applied
        self._moment = moment
        self._rendered: list[Mapping[ObjectRef, Manifest] | None] = []

    async def run(self, revision: Revision, found: DeclaredRevision) -> DryRunFindings:
        """Return what applying a revision would do.

        Kinds that the user may not list are planned as if they were as the applied commit declares them.

        Raises:
            ClusterError: the API server gives no answer, or rejects the user's credentials.
        """
        own = await self._own(found)
        known = await self._known(own.unread) if own.unread else {}
        hidden = frozenset(own.unread)
        declared = found.declared
        if known is None:
            declared = {ref: each for ref, each in declared.items() if ref.group_kind not in hidden}
        policy = replace(self._policy(own), written=await self._written(own, declared))
        live = {**own.live, **recorded_objects.live(known or {}, policy)}
        plan, told = await self._planned(declared, live, policy, found.sha)
        asked = _Asked.of(plan, hidden)
        context = self._context(revision, own)
        flight, undone, blind = await self._flight(asked, context)
        stuck, unsure = await self._stuck(asked.removals, context)
        before = known if not blind else await self._read_applied()
        changes = self._changes(plan, flight, blind, before or {})
        seen = recorded_objects.of_plan(plan, changes)
        refused = (*found.failures, *seen.refused, *flight.failures, *stuck)
        notes = (
            *_unread(hidden, blind, is_known=before is not None),
            *_rights(own, undone - blind, unsure),
            *_left_alone(plan),
            *told,
        )
        return DryRunFindings(compared=seen._replace(refused=refused), notes=notes)

    async def _planned(
        self, declared: Mapping[ObjectRef, Manifest], live: Mapping[ObjectRef, Live], policy: Policy, sha: str
    ) -> tuple[Plan, tuple[str, ...]]:
        """Return the plan, with regard to others as far as the user may see them, and what to say of that."""
        plan = build.replan(declared, live, policy, sha, recorded_objects.verdicts(declared))
        if not claims.concerns(plan):
            return plan, ()
        others = await others_claims.read(self._cluster, self._repository, plan, declared)
        live = {**live, **others.live}
        plan = build.replan(declared, live, policy, sha, recorded_objects.verdicts(declared))
        standing, told = others.stand(self._repository, sha, plan, live)
        if standing != claims.ALONE:
            policy = replace(policy, standing=standing)
            plan = build.replan(declared, live, policy, sha, recorded_objects.verdicts(declared))
        return plan, (*others.notes, *told)

    async def _own(self, found: DeclaredRevision) -> OwnObjects:
        status = self._repository.status.get("kinds") or ()
        known = {GroupKind(each.get("group", ""), each.get("kind", "")) for each in status}
        kinds = known | {ref.group_kind for ref in found.declared}
        namespaces = {ref.namespace for ref in found.declared if ref.namespace}
        namespaces.add(self._repository.key.namespace)
        return await self._listed.read(self._repository.label, kinds, sorted(namespaces))

    def _policy(self, own: OwnObjects) -> Policy:
        repository, spec = self._repository, self._spec
        finished = {ref: live.digest for ref, live in own.live.items() if live.finished}
        return replace(
            ownership.policy(repository),
            prune=spec.prune,
            adopt=spec.adopt,
            confirm=repository.annotations.get(labels.CONFIRM_PRUNE, ""),
            applied=repository.applied,
            doubted=(repository.status.get("blocked") or {}).get("ownedTotal", 0),
            drift=spec.drift,
            foreign=spec.foreign_fields,
            done=one_shot.known(repository.status.get("done") or {}, finished),
            gated=False,
        )

    def _context(self, revision: Revision, own: OwnObjects) -> WriteContext:
        return WriteContext(
            identity=Identity(key=self._repository.key, uid=self._repository.uid),
            revision=revision,
            mask=self._mask,
            stamps=own.stamps,
            moment=self._moment,
            force=self._spec.force,
            adopt=self._spec.adopt,
            foreign=self._spec.foreign_fields,
        )

    async def _flight(
        self, asked: _Asked, context: WriteContext
    ) -> tuple[Preflight, frozenset[ObjectRef], frozenset[ObjectRef]]:
        """Run the applies of a plan as a dry run; what the user may not write is compared by what it declares.

        Returned are what is predicted, which objects have no dry run, and which of them the user may not even read.
        """
        beside = RestOfPlan(removals=asked.removals, held=asked.blocked, hands_over=True)
        flight = await PreflightRun(self._objects, self._settling, context).run(asked.applies, beside)
        denied = _denied(flight.failures)
        if not denied:
            return flight, frozenset(), frozenset()
        again = tuple(each for each in asked.applies if str(each.ref) in denied)
        reads = replace(context, preflight=False)
        read = await PreflightRun(self._objects, self._settling, reads).run(again)
        failures = (*(each for each in flight.failures if each.object not in denied), *read.failures)
        blind = _denied(read.failures)
        flight = Preflight(
            predictions=(*flight.predictions, *read.predictions),
            failures=tuple(each for each in failures if each.object not in blind),
        )
        refs = {str(each.ref): each.ref for each in again}
        return flight, frozenset(refs.values()), frozenset(refs[name] for name in blind)

    async def _stuck(
        self, removals: Sequence[Change], context: WriteContext
    ) -> tuple[tuple[Failure, ...], frozenset[str]]:
        """Return which removals would be refused, and of which the user may not ask."""
        found = await RemovalDryRun(self._objects, context).run(removals)
        denied = _denied(found)
        stuck = (each for each in found if each.object not in denied and each.reason != Refusal.CONFLICT)
        return tuple(stuck), denied

    async def _read_applied(self) -> Mapping[ObjectRef, Manifest] | None:
        """Return what the applied commit declares, rendered once; None where that cannot be read."""
        if not self._rendered:
            self._rendered.append(await self._applied())
        return self._rendered[0]

    async def _written(
        self, own: OwnObjects, declared: Mapping[ObjectRef, Manifest]
    ) -> Mapping[ObjectRef, str]:
        """Return the digests of objects that were written and are gone: that is drift, and no news of the commit."""
        missing = {ref for ref in declared if ref not in own.live and ref.group_kind not in own.unread}
        if not missing or not self._repository.applied:
            return {}
        applied = await self._read_applied() or {}
        return {ref: applied[ref].digest for ref in missing if ref in applied}

    async def _known(self, kinds: frozenset[GroupKind]) -> Mapping[ObjectRef, Manifest] | None:
        """Return what the applied commit declares of some kinds; None where that cannot be read."""
        applied = await self._read_applied()
        if applied is None:
            return None
        return {ref: each for ref, each in applied.items() if ref.group_kind in kinds}

    def _changes(
        self,
        plan: Plan,
        flight: Preflight,
        blind: frozenset[ObjectRef],
        before: Mapping[ObjectRef, Manifest],
    ) -> list[ComparedChange]:
        """Return the writes of a plan as the dry run sees them, or else as they are declared.

        What would stay as it is, or is refused, is left out.
        """
        predicted = {each.change.ref: each for each in flight.predictions}
        refused = {each.object for each in flight.failures}
        shown = []
        for change in plan.writes:
            if str(change.ref) in refused:
                continue
            if change.ref in blind or change.ref not in predicted:
                shown.append(recorded_objects.changed(change, before, self._mask))
            elif one := _predicted(predicted[change.ref], self._spec, self._mask):
                shown.append(one)
        return shown


class _Asked(NamedTuple):
    """The part of a plan that the API server is asked about: the kinds that the user may read."""

    applies: tuple[Change, ...]
    removals: tuple[Change, ...]
    blocked: tuple[Change, ...]

    @classmethod
    def of(cls, plan: Plan, hidden: frozenset[GroupKind]) -> _Asked:
        """Leave out what is of hidden kinds."""
        parts = (plan.applies, plan.removals, plan.blocked)
        return cls(*(tuple(each for each in part if each.ref.group_kind not in hidden) for part in parts))


def _predicted(found: Prediction, spec: Spec, mask: Mask) -> ComparedChange | None:
    if found.change.action is Action.KEEP:
        return None
    fields = prediction.changed_fields(found, spec.foreign_fields, mask)
    if not fields and found.change.action is Action.UPDATE:
        return None  # only Towline's own annotations would change
    return compared.changed(found.change, fields, found.after or (found.body if found.before else None))


def _denied(failures: Sequence[Failure]) -> frozenset[str]:
    return frozenset(each.object for each in failures if each.reason == Refusal.FORBIDDEN)


def _left_alone(plan: Plan) -> tuple[str, ...]:
    """Say which declared objects stay as they are, although they are not as declared, and why."""
    left = [each for each in plan.changed if each.action is Action.SKIP and each.manifest is not None]
    told = [f"{each.ref.display} stays as it is: {each.reason} ({each.message})" for each in left[:_NAMED]]
    more = len(left) - len(told)
    return (*told, f"so do {more} more objects") if more else tuple(told)


def _unread(hidden: frozenset[GroupKind], blind: frozenset[ObjectRef], *, is_known: bool) -> tuple[str, ...]:
    """Say what the user may not read, and what it was compared with."""
    names = frozenset((*map(str, hidden), *map(str, blind)))
    if not names:
        return ()
    instead = "compared with what the applied commit declares"
    lacking = "not compared, because Git does not have the applied commit here"
    return (f"you may not read {_named(names)}: {instead if is_known else lacking}",)


def _rights(own: OwnObjects, undone: frozenset[ObjectRef], unsure: frozenset[str]) -> tuple[str, ...]:
    """Say what the user's rights did not suffice for, and what was done instead."""
    notes = []
    if own.partly:
        named = ", ".join(sorted(map(str, own.partly)))
        notes.append(f"you may list {named} in some namespaces only: deletions in others are not shown")
    if undone:
        named = _named(frozenset(map(str, undone)))
        notes.append(
            f"you may not patch {named}: compared by the fields that Git declares, without a dry run"
        )
    if unsure:
        notes.append(f"you may not delete or patch {_named(unsure)}: whether that is refused is not known")
    return tuple(notes)


def _named(objects: frozenset[str]) -> str:
    first = sorted(objects)[:_NAMED]
    more = len(objects) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")
