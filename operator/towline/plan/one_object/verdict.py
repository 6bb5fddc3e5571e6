"""Compare one declared object with the live one, by digest and unbroken ownership."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from towline import text
from towline.api import labels
from towline.api.gitrepository import Adopt, ForeignFields
from towline.errors import Refusal
from towline.fields import owned_paths, pointer
from towline.model import Action, Body, Change, Key, Live, Manifest
from towline.plan import claims, drift_policy, ignore_fields, one_shot, partners, waves
from towline.plan.one_object import self_management
from towline.plan.ownership import Ownership, Policy, is_unstamped, missing, ownership

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


class RefusedObject(NamedTuple):
    """Why an object may not be written; `field` is a JSON pointer, empty where no field is to blame."""

    reason: Refusal
    message: str
    field: str = ""


def judge(
    manifest: Manifest, found: Live | None, policy: Policy, memo: owned_paths.Memo
) -> Change | RefusedObject:
    """Compare one declared object with the live one.

    Args:
        manifest: what is declared.
        found: the live object, None where there is none with a label of ours.
        policy: what the spec, the other repositories and the drift so far say.
        memo: which paths earlier plans found lost.
    """
    try:
        wave = waves.wave(manifest)
    except ValueError as error:
        return RefusedObject(
            Refusal.INVALID, str(error), pointer.extend("/metadata/annotations", labels.WAVE)
        )
    if own := self_management.refusal(manifest, policy):
        return RefusedObject(Refusal.SELF_MANAGEMENT_REFUSED, own)
    judged = _judged(manifest, found, policy, memo)
    if isinstance(judged, RefusedObject):
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
) -> RefusedObject | tuple[Action, str, str]:
    if (found is None or found.terminating) and one_shot.is_done(manifest, policy.done):
        return _FINISHED
    return _absent(manifest, policy) if found is None else _existing(manifest, found, policy, memo)


def _absent(manifest: Manifest, policy: Policy) -> RefusedObject | tuple[Action, str, str]:
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


def _anothers(found: Live, policy: Policy) -> RefusedObject | tuple[Action, str, str]:
    """Leave an object to its owner, or wait if the owner is about to release it."""
    if owner := policy.standing.coming.get(found.ref):
        return Action.SKIP, "", f"waits until GitRepository {owner} has released it"
    return RefusedObject(
        Refusal.OWNED_BY_ANOTHER, f"belongs to another GitRepository, {labels.owner_name(found.label)}"
    )


def _strangers(found: Live, policy: Policy) -> RefusedObject | tuple[Action, str, str]:
    """Adopt an object that only looks owned, like any other; marks of other tools are seen when it is read."""
    if rival := policy.standing.rivals.get(found.ref):
        return _rivalled(rival)
    lacks = f"it has {missing(found, policy)}"
    if policy.adopt is Adopt.NEVER:
        return RefusedObject(
            Refusal.NOT_OURS, f"exists already and was not written by this GitRepository: {lacks}"
        )
    return Action.ADOPT, "", f"was not written by this GitRepository: {lacks}"


def _rivalled(rival: Key) -> RefusedObject:
    message = f"GitRepository {rival}, which is older, declares it, too"
    return RefusedObject(Refusal.OWNED_BY_ANOTHER, message)


def _existing(
    manifest: Manifest, found: Live, policy: Policy, memo: owned_paths.Memo
) -> RefusedObject | tuple[Action, str, str]:
    """Refuse an object that may not be written; else choose the action, with its reason and message."""
    whose = ownership(found, policy)
    if whose in _FOREIGN:
        return _FOREIGN[whose](found, policy)
    if found.terminating:
        return RefusedObject(
            Refusal.TERMINATING, "is being deleted; Towline creates it again when it is gone"
        )
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


_FOREIGN: Mapping[Ownership, Callable[[Live, Policy], RefusedObject | tuple[Action, str, str]]] = (
    MappingProxyType({Ownership.ANOTHER: _anothers, Ownership.NOT_OURS: _strangers})
)


def _lost(paths: tuple[str, ...]) -> str:
    more = len(paths) - _NAMED
    named = ", ".join(map(text.dotted, paths[:_NAMED]))
    return f"changed or removed in the cluster: {named}" + (f" and {more} more" if more > 0 else "")
