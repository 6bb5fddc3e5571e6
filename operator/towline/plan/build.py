"""Make the plan: judge each object, and decide which changes go now and which wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from towline.errors import Failure
from towline.model import REMOVES, Action, Change, Live, Manifest, ObjectRef, Plan
from towline.plan import claims, vetoes
from towline.plan.gating import gates, superseded
from towline.plan.one_object import verdict
from towline.plan.one_object.verdict import RefusedObject
from towline.plan.ownership import OWN, Policy, ownership
from towline.plan.snapshot import Snapshot
from towline.plan.verdicts import Settled, Verdicts


def plan(desired: tuple[Manifest, ...], live: Mapping[ObjectRef, Live], policy: Policy, sha: str) -> Plan:
    """Return the changes that lead from `live` to `desired`: applies by wave and name, then removals in reverse.

    `desired` are placed manifests, each object once, of the commit `sha`. `live` holds every object that
    carries any repository's label. Neither order matters. What stays as it is, or is left alone, is in the
    changes as keep and skip. An object that may not be written is a failure and neither applied nor removed.
    """
    return replan({manifest.ref: manifest for manifest in desired}, live, policy, sha, Verdicts())


def replan(
    declared: Mapping[ObjectRef, Manifest],
    live: Mapping[ObjectRef, Live],
    policy: Policy,
    sha: str,
    memo: Verdicts,
) -> Plan:
    """Return the plan as `plan` does; of objects that are as an earlier plan found them, only that they are settled.

    `memo` keeps what plans of this repository found out: only those objects are judged whose manifest or live object is
    another one since, or that were not as declared. The mappings must never change.
    """
    before = memo.under(policy)
    looked_at = _looked_at(before, declared, live, policy)
    settled = before.without(looked_at)
    mine = [declared[ref] for ref in looked_at if ref in declared]
    refused = [one for one in mine if one.ref.group_kind in policy.unreadable]
    unread = _unread(refused, live, policy)
    new, refusals = _judged_all(mine, live, policy, memo)
    failures = [_failure(declared[ref], found, sha) for ref, found in refusals.items()]
    refused += (declared[ref] for ref in refusals)
    changes = sorted(new, key=lambda change: (change.wave, change.ref))
    memo.keep(before, settled, new, Snapshot(declared=declared, live=live, unsettled=looked_at))
    leaving = _leaving(declared, live, looked_at, policy, unread)
    known = (settled[ref] for ref in before.gates if ref in settled)
    gate = gates.closed((*changes, *known), refused) if policy.gated else None
    waiting, ready = _parted(changes, policy)
    ready = (*ready, *leaving.changes)
    failures.sort(key=lambda failure: (failure.file, failure.line, failure.object))
    gated = {
        change.ref: gate.ref
        for change in (ready if gate else ())
        if gate and gates.holds(gate, change) and not change.taken and not _was(change, policy)
    }
    if policy.gated and leaving.changes:
        decided = {**settled, **{change.ref: change for change in changes}}
        gated |= superseded.waits((one for one in leaving.changes if one.ref not in gated), declared, decided)
    return Plan(
        changes=tuple(change for change in ready if change.ref not in gated) if gated else ready,
        settled=settled,
        blocked=leaving.blocked,
        token=leaving.token,
        doubted=leaving.doubted,
        waiting=(*waiting, *leaving.waiting),
        gated=tuple(gates.gated(change, gated[change.ref]) for change in ready if change.ref in gated),
        unread=unread.refs,
        behind=unread.is_late or unread.stays,
        failures=tuple(failures),
    )


def _looked_at(
    before: Settled, declared: Mapping[ObjectRef, Manifest], live: Mapping[ObjectRef, Live], policy: Policy
) -> frozenset[ObjectRef]:
    """Return the objects that the plan judges; those of kinds that cannot be read are never settled."""
    found = before.last.since(declared, live)
    if not policy.unreadable:
        return found
    return found.union(ref for ref in before.changes if ref.group_kind in policy.unreadable)


def _judged_all(
    manifests: Sequence[Manifest], live: Mapping[ObjectRef, Live], policy: Policy, memo: Verdicts
) -> tuple[list[Change], dict[ObjectRef, RefusedObject]]:
    """Judge some objects, but for those of kinds that cannot be read."""
    changes: list[Change] = []
    refusals: dict[ObjectRef, RefusedObject] = {}
    memo.judged = 0
    for manifest in manifests:
        if manifest.ref.group_kind in policy.unreadable:
            continue
        memo.judged += 1
        found = verdict.judge(manifest, live.get(manifest.ref), policy, memo.lost)
        if isinstance(found, Change):
            changes.append(found)
        else:
            refusals[manifest.ref] = found
    return changes, refusals


class _Unread(NamedTuple):
    """The declared objects of kinds that cannot be read.

    `is_late` says that one of them was not written from this very content, as far as we know; `stays` that an object of
    these kinds is no longer declared.
    """

    refs: tuple[ObjectRef, ...]
    is_late: bool
    stays: bool

    def allows(self, change: Change) -> bool:
        """Tell whether a removal may go on: it may not before what replaces it, perhaps, is written."""
        return not self.is_late or change.taken or change.action not in REMOVES


def _leaving(
    declared: Mapping[ObjectRef, Manifest],
    live: Mapping[ObjectRef, Live],
    looked_at: frozenset[ObjectRef],
    policy: Policy,
    unread: _Unread,
) -> vetoes.Removals:
    """Decide about objects that are no longer declared, as far as their kind can be read; none of them is settled."""
    left = (live[ref] for ref in looked_at if ref in live and ref not in declared)
    if not any(each.label == policy.label for each in left):
        return vetoes.Removals()
    owned = {ref: item for ref, item in live.items() if item.label == policy.label}
    if policy.unreadable:
        owned = {ref: item for ref, item in owned.items() if ref.group_kind not in policy.unreadable}
    found = vetoes.removals(owned, frozenset(declared), policy)
    return replace(found, changes=tuple(each for each in found.changes if unread.allows(each)))


def _unread(manifests: Sequence[Manifest], live: Mapping[ObjectRef, Live], policy: Policy) -> _Unread:
    declared = {manifest.ref: manifest.digest for manifest in manifests}
    hidden = ((ref, item) for ref, item in live.items() if ref.group_kind in policy.unreadable)
    return _Unread(
        refs=tuple(sorted(declared)),
        is_late=any(policy.written.get(ref) != digest for ref, digest in declared.items()),
        stays=bool(policy.unreadable)
        and any(ref not in declared and ownership(item, policy) in OWN for ref, item in hidden),
    )


def _was(change: Change, policy: Policy) -> bool:
    """Tell whether a change only brings back what was written before."""
    return change.manifest is not None and policy.written.get(change.ref) == change.manifest.digest


def _parted(changes: Sequence[Change], policy: Policy) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """Part the changes that wait for other repositories from those that do not."""
    if policy.standing == claims.ALONE:
        return (), tuple(changes)
    waiting = tuple(change for change in changes if _waits(change, policy))
    return waiting, tuple(change for change in changes if not _waits(change, policy))


def _waits(change: Change, policy: Policy) -> bool:
    """Tell whether another repository must take its step first: release the object, or say whether it wants it."""
    standing = policy.standing
    return change.ref in standing.coming or (bool(standing.elders) and change.action is Action.CREATE)


def _failure(manifest: Manifest, refused: RefusedObject, sha: str) -> Failure:
    return Failure(
        reason=refused.reason,
        message=refused.message,
        object=str(manifest.ref),
        file=manifest.origin.file,
        line=manifest.origin.line,
        commit=sha,
        field=refused.field,
    )
