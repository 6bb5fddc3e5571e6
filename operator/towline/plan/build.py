"""Make the plan: compare desired and live objects by digest and unbroken ownership."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from towline import text
from towline.api import gitrepository, labels, syncrecord
from towline.api.gitrepository import Adopt, ForeignFields
from towline.errors import Failure, Refusal
from towline.fields import owned_paths, pointer
from towline.model import REMOVES, Action, Body, Change, Key, Live, Manifest, ObjectRef, Plan
from towline.plan import claims, drift_policy, gates, ignore_fields, one_shot, partners, vetoes, waves
from towline.plan.ownership import OWN, Ownership, Policy, is_unstamped, missing, ownership
from towline.plan.snapshot import Snapshot
from towline.plan.verdicts import Settled, Verdicts

_OUR_CRDS = frozenset({"gitrepositories.towline.dev", "syncrecords.towline.dev"})
_STAMPS: Body = {
    "metadata": {
        "labels": {labels.REPOSITORY_LABEL: ""},
        "annotations": dict.fromkeys((labels.OWNER, labels.DIGEST, labels.COMMIT, labels.SOURCE), ""),
    }
}
"""What Towline adds to each declared body; only the paths matter here."""

_FINISHED = (Action.KEEP, one_shot.DONE, "did its work, and is not created again")
_RUNS_AGAIN = (Action.REPLACE, "", f"runs again: {labels.RERUN} has a new value")
_DELETED = "it was deleted, or its towline.dev/repository label was removed"
_ALTERED = "values were changed in a way that managedFields do not show"
_FOREIGN_FIELDS = "another field manager added fields inside the object"
_SHARED = "a former field manager still holds the same fields, so Git could not remove them"

_NAMED = 5
"""How many lost paths are named; the others are counted."""


class _Refused(NamedTuple):
    reason: Refusal
    message: str
    field: str = ""


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
    failures = [_failure(declared[ref], verdict, sha) for ref, verdict in refusals.items()]
    refused += (declared[ref] for ref in refusals)
    changes = sorted(new, key=lambda change: (change.wave, change.ref))
    memo.keep(before, settled, new, Snapshot(declared=declared, live=live, unsettled=looked_at))
    leaving = _leaving(declared, live, looked_at, policy, unread)
    known = (settled[ref] for ref in before.gates if ref in settled)
    gate = gates.closed((*changes, *known), refused) if policy.gated else None
    waiting, ready = _parted(changes, policy)
    ready = (*ready, *leaving.changes)
    failures.sort(key=lambda failure: (failure.file, failure.line, failure.object))
    gated = frozenset(
        change.ref
        for change in (ready if gate else ())
        if gates.holds(gate, change) and not change.taken and not _was(change, policy)
    )
    return Plan(
        changes=tuple(change for change in ready if change.ref not in gated) if gated else ready,
        settled=settled,
        blocked=leaving.blocked,
        token=leaving.token,
        doubted=leaving.doubted,
        waiting=(*waiting, *leaving.waiting),
        gated=tuple(gates.gated(gate, change) for change in ready if change.ref in gated) if gated else (),
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
) -> tuple[list[Change], dict[ObjectRef, _Refused]]:
    """Judge some objects, but for those of kinds that cannot be read."""
    changes: list[Change] = []
    refusals: dict[ObjectRef, _Refused] = {}
    memo.judged = 0
    for manifest in manifests:
        if manifest.ref.group_kind in policy.unreadable:
            continue
        memo.judged += 1
        verdict = _verdict(manifest, live.get(manifest.ref), policy, memo.lost)
        if isinstance(verdict, Change):
            changes.append(verdict)
        else:
            refusals[manifest.ref] = verdict
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


def _verdict(
    manifest: Manifest, found: Live | None, policy: Policy, memo: owned_paths.Memo
) -> Change | _Refused:
    try:
        wave = waves.wave(manifest)
    except ValueError as error:
        return _Refused(Refusal.INVALID, str(error), pointer.extend("/metadata/annotations", labels.WAVE))
    refused = _self_management(manifest, policy)
    if refused:
        return refused
    judged = _judged(manifest, found, policy, memo)
    if isinstance(judged, _Refused):
        return judged
    action, reason, message = judged
    return Change(
        action=action,
        ref=manifest.ref,
        manifest=manifest,
        live=found,
        reason=reason,
        message=message,
        wave=wave,
        restores=action is not Action.KEEP and manifest.ref in policy.written,
    )


def _judged(
    manifest: Manifest, found: Live | None, policy: Policy, memo: owned_paths.Memo
) -> _Refused | tuple[Action, str, str]:
    if (found is None or found.terminating) and one_shot.is_done(manifest, policy.done):
        return _FINISHED
    return _absent(manifest, policy) if found is None else _existing(manifest, found, policy, memo)


def _self_management(manifest: Manifest, policy: Policy) -> _Refused | None:
    ref = manifest.ref
    if ref.group_kind == waves.CRD and ref.name in _OUR_CRDS:
        message = "Towline's own CRDs are installed with the operator, not by it"
    elif ref.group_kind == syncrecord.RESOURCE.group_kind:
        message = "only the operator writes sync records"
    elif ref == ObjectRef(*gitrepository.RESOURCE.group_kind, *policy.key):
        message = "a GitRepository cannot manage itself"
    elif ref in policy.installation:
        message = "it belongs to the operator's installation, and is managed with that, not by Towline"
    elif _names_keys(manifest, policy):
        message = (
            f"it names {labels.KEYS}, the Secret of the operator's own keys, which no other object may use"
        )
    else:
        return None
    return _Refused(Refusal.SELF_MANAGEMENT_REFUSED, message)


def _names_keys(manifest: Manifest, policy: Policy) -> bool:
    """Tell whether an object beside the operator's Secret names it anywhere: a pod could mount it."""
    own = ObjectRef("", "Secret", manifest.ref.namespace, labels.KEYS)
    return own in policy.installation and f'"{labels.KEYS}"'.encode() in manifest.content


def _absent(manifest: Manifest, policy: Policy) -> _Refused | tuple[Action, str, str]:
    """Create an object that no repository owns, unless an older one declares it, too."""
    if rival := policy.standing.rivals.get(manifest.ref):
        return _rivalled(rival)
    if policy.written.get(manifest.ref) == manifest.digest:
        again = manifest.ref in policy.short_lived and manifest.ref not in policy.refused
        if again and (partner := partners.partner(manifest)):
            return _removed_at_once(manifest, policy, partner)
        return _drifted(manifest, policy, Action.CREATE, _DELETED)
    if not policy.standing.elders:
        return Action.CREATE, "", ""
    whom, have = claims.named(policy.standing.elders, policy.key)
    return Action.CREATE, "", f"waits until {whom}, which came first, {have} read its commit"


def _removed_at_once(manifest: Manifest, policy: Policy, partner: str) -> tuple[Action, str, str]:
    """Write again what the control plane removed without its partner: no drift, so no answer to drift counts."""
    what = f"it was removed seconds after it was written, as the control plane does without {partner}"
    if manifest.ref in policy.contested:
        advice = (
            f"it is written again within 10 min. Declare {partner} as well, or take this object out of Git"
        )
        return Action.SKIP, Refusal.CONTESTED, f"{what}, again and again; {advice}"
    return Action.CREATE, "", what


def _anothers(found: Live, policy: Policy) -> _Refused | tuple[Action, str, str]:
    """Leave an object to its owner, or wait if the owner is about to release it."""
    if owner := policy.standing.coming.get(found.ref):
        return Action.SKIP, "", f"waits until GitRepository {owner} has released it"
    return _Refused(
        Refusal.OWNED_BY_ANOTHER, f"belongs to another GitRepository, {labels.owner_name(found.label)}"
    )


def _strangers(found: Live, policy: Policy) -> _Refused | tuple[Action, str, str]:
    """Adopt an object that only looks owned, like any other; marks of other tools are seen when it is read."""
    if rival := policy.standing.rivals.get(found.ref):
        return _rivalled(rival)
    lacks = f"it has {missing(found, policy)}"
    if policy.adopt is Adopt.NEVER:
        return _Refused(
            Refusal.NOT_OURS, f"exists already and was not written by this GitRepository: {lacks}"
        )
    return Action.ADOPT, "", f"was not written by this GitRepository: {lacks}"


def _rivalled(rival: Key) -> _Refused:
    message = f"GitRepository {rival}, which is older, declares it, too"
    return _Refused(Refusal.OWNED_BY_ANOTHER, message)


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


def _existing(
    manifest: Manifest, found: Live, policy: Policy, memo: owned_paths.Memo
) -> _Refused | tuple[Action, str, str]:
    """Refuse an object that may not be written; else choose the action, with its reason and message."""
    whose = ownership(found, policy)
    if whose in _FOREIGN:
        return _FOREIGN[whose](found, policy)
    if found.terminating:
        return _Refused(Refusal.TERMINATING, "is being deleted; Towline creates it again when it is gone")
    if whose is Ownership.INHERITED and not is_unstamped(found, policy):
        return Action.UPDATE, Refusal.INHERITED, _taken_over(found, policy)
    if found.digest != manifest.digest:
        return _RUNS_AGAIN if one_shot.runs_again(manifest, found) else (Action.UPDATE, "", "")
    return _same_content(manifest, found, policy, memo)


def _taken_over(found: Live, policy: Policy) -> str:
    if found.owner == policy.uid:
        return f"stamped anew: its {labels.OWNER} has no stamp of the operator's key"
    return "taken over from an earlier GitRepository of this name"


def _same_content(
    manifest: Manifest, found: Live, policy: Policy, memo: owned_paths.Memo
) -> tuple[Action, str, str]:
    """Look for drift in an object that was written from this very content."""
    held = owned_paths.lost_once(manifest.digest, lambda: manifest.body, found.fields, memo)
    lost = _counted(manifest, held, found) if manifest.ignored and held else held
    lost += owned_paths.lost_once("", lambda: _STAMPS, found.fields, memo)
    if overridden := policy.overridden.get((found.ref, found.digest)):
        lost = tuple(path for path in lost if path not in overridden)
    if lost or found.altered:
        return _drifted(manifest, policy, Action.REPAIR, _lost(lost) if lost else _ALTERED)
    if (
        drift_policy.answer(manifest, policy.drift) is drift_policy.DriftResponse.REPAIR
        and found.ref not in policy.contested
    ):
        if found.shared:
            return Action.REPAIR, "", _SHARED
        if found.foreign and policy.foreign is ForeignFields.REMOVE:
            return Action.REPAIR, "", _FOREIGN_FIELDS
    return Action.KEEP, "", ""


def _counted(manifest: Manifest, lost: tuple[str, ...], found: Live) -> tuple[str, ...]:
    """Leave out fields that are left to others, and those lost with them unless a read showed other values."""
    counted = ignore_fields.without(manifest.ignored, lost)
    if not counted or found.altered:
        return counted
    unsure = ignore_fields.unsure(manifest.body, manifest.ignored, lost)
    return tuple(path for path in counted if path not in unsure)


def _drifted(manifest: Manifest, policy: Policy, repair: Action, what: str) -> tuple[Action, str, str]:
    """Repair drift or leave it, by spec, annotation, and whether the object is contested."""
    match drift_policy.answer(manifest, policy.drift):
        case drift_policy.DriftResponse.IGNORE:
            return Action.KEEP, "", ""
        case drift_policy.DriftResponse.REPORT:
            return Action.SKIP, drift_policy.DRIFTED, what
    if why := policy.refused.get(manifest.ref):
        return Action.SKIP, drift_policy.REFUSED, why
    if why := policy.contested.get(manifest.ref):
        return Action.SKIP, Refusal.CONTESTED, why
    return repair, "", what


_FOREIGN: Mapping[Ownership, Callable[[Live, Policy], _Refused | tuple[Action, str, str]]] = MappingProxyType(
    {Ownership.ANOTHER: _anothers, Ownership.NOT_OURS: _strangers}
)


def _lost(paths: tuple[str, ...]) -> str:
    more = len(paths) - _NAMED
    named = ", ".join(map(text.dotted, paths[:_NAMED]))
    return f"changed or removed in the cluster: {named}" + (f" and {more} more" if more > 0 else "")


def _failure(manifest: Manifest, refused: _Refused, sha: str) -> Failure:
    return Failure(
        reason=refused.reason,
        message=refused.message,
        object=str(manifest.ref),
        file=manifest.origin.file,
        line=manifest.origin.line,
        commit=sha,
        field=refused.field,
    )
