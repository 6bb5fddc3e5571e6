"""Predict one change before it is written: the object as it is, and as it would become."""

from __future__ import annotations

from dataclasses import dataclass, replace

from towline.api import labels
from towline.api.gitrepository import Adopt, ForeignFields
from towline.api.syncrecord import FieldChange
from towline.apply.objects import Objects, WriteContext, metadata, terminates
from towline.drift import deviations
from towline.errors import Failure, Refusal
from towline.fields import diff
from towline.fields.mask import Mask
from towline.kube import object_failures
from towline.live.observed import live_from
from towline.model import Action, Body, Change, Live, Manifest, ObjectRef
from towline.plan import adoption, ignore_fields, ownership, stamp
from towline.plan.ownership import Ownership, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """What an object takes from others, which let go first.

    `givers` are the others, `turn` its place among those that take something, from 1. `aside` are the pointers into
    what it declares for which the API server picks other values first: another object takes what it has.
    """

    givers: frozenset[ObjectRef]
    turn: int
    aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One change with its old and new content.

    `change` may differ from the planned one: what vanished is created, what lost its label is repaired, what
    cannot change in place is replaced, what would stay as it is is kept. `bound` is what will be sent to the very
    object that was seen, None for new objects: thousands of bodies need not be kept in memory. `before` is the live
    object, None where there is none; `after` what a dry run made of it, None where none could be asked, and for new
    objects. `known` says that it is known whether the object exists. `causes` are the changes of the same plan that
    may lift its refusal: it is tried once more when they are written. `hand_over` says what it takes from others.
    """

    change: Change
    sync: WriteContext
    bound: Body | None = None
    before: Body | None = None
    after: Body | None = None
    known: bool = True
    causes: frozenset[ObjectRef] = frozenset()
    hand_over: HandOver | None = None

    @property
    def body(self) -> Body:
        """What will be sent."""
        if self.bound is not None:
            return self.bound
        manifest = declared(self.change)
        return stamped(manifest, self.sync)


async def look(objects: Objects, change: Change, sync: WriteContext) -> Prediction | Failure:
    """Read the live object and predict the change; a failure where Towline may not write it."""
    before = await objects.read(change.ref, sync, declared(change).version)
    return seen(change, before, sync)


def seen(change: Change, before: Body | None, sync: WriteContext) -> Prediction | Failure:
    """Predict a change for the object that was read; a failure where Towline may not write it."""
    manifest = declared(change)
    if before is None or terminates(before):
        return unseen(replace(change, action=Action.CREATE), sync, known=before is None)
    whose = claim(before, change.ref, sync)
    is_ours = whose in {Ownership.OURS, Ownership.INHERITED}
    adopted = "" if is_ours else adopted_at(change, sync)
    marked = stamped(manifest, sync, before, adopted)
    body = _only(before, ignore_fields.sent(marked, manifest.ignored, before, sync.identity.manager))
    if not is_ours:
        if refused := stranger(change, before, sync):
            return refused
        taken = replace(change, action=Action.ADOPT)
        return Prediction(change=taken, sync=sync, bound=_as_seen(before, body), before=before)
    action = Action.REPAIR if change.action in {Action.CREATE, Action.ADOPT} else change.action
    bound = _as_seen(before, body) if manifest.ignored else body  # what is left to others was read for it
    return Prediction(change=replace(change, action=action), sync=sync, bound=bound, before=before)


def unseen(change: Change, sync: WriteContext, *, known: bool = False) -> Prediction:
    """Predict a change without a read; unless the object is `known` not to exist, the write finds out."""
    return Prediction(change=change, sync=sync, known=known)


def declared(change: Change) -> Manifest:
    """Return the manifest of a change that applies one."""
    if change.manifest is None:
        raise ValueError(f"{change.action} of {change.ref} has no manifest")
    return change.manifest


def stamped(manifest: Manifest, sync: WriteContext, existing: Body | None = None, adopted: str = "") -> Body:
    """Return the body of an apply in the name of a sync; see `stamp.stamp`."""
    changed_by = sync.change_of(manifest)
    return stamp.stamp(manifest, sync.identity, changed_by, existing, adopted, stamps=sync.stamps)


def adopted_at(change: Change, sync: WriteContext) -> str:
    """Return when an object of another owner is adopted (RFC 3339); empty if the repository had written it before.

    An object that lost our marks, or was deleted and made anew by another, did not exist before Towline managed it:
    it is deleted with its GitRepository.
    """
    return "" if change.restores else sync.moment


def claim(body: Body, ref: ObjectRef, sync: WriteContext) -> Ownership:
    """Tell whether a repository owns an object; one that only lost its label may still be written."""
    known = live_from(body, sync.stamps, ref)
    marked = ownership_of(live_from(_labelled(body, sync.identity.label), sync.stamps, ref), sync)
    if marked is Ownership.OURS or not known.label:
        return marked
    return ownership_of(known, sync)


def ownership_of(known: Live, sync: WriteContext) -> Ownership:
    """Tell who owns an object, by everything that proves ownership."""
    return ownership.ownership(known, policy_of(sync))


def policy_of(sync: WriteContext) -> Policy:
    """Return how the objects of the repository are known for which a sync writes."""
    own = sync.identity
    return Policy(key=own.key, uid=own.uid, label=own.label, manager=own.manager, evidence=sync.evidence)


def _only(before: Body, body: Body) -> Body:
    """Bind an apply to the uid that was read, so that it cannot create or change another object."""
    return {**body, "metadata": {**body["metadata"], "uid": metadata(before)["uid"]}}


def _as_seen(before: Body, body: Body) -> Body:
    """Bind an apply to the version that was read, too: a write in between may change who owns the object."""
    version = metadata(before)["resourceVersion"]
    return {**body, "metadata": {**body["metadata"], "resourceVersion": version}}


def _labelled(body: Body, label: str) -> Body:
    held = metadata(body)
    marked = {**(held.get("labels") or {}), labels.REPOSITORY_LABEL: label}
    return {**body, "metadata": {**held, "labels": marked}}


def stranger(change: Change, before: Body, sync: WriteContext) -> Failure | None:
    """Return the failure of an object that may not be adopted; None if it may."""
    about = object_failures.subject(change, sync.commit_of(change))
    known = live_from(before, sync.stamps, change.ref)
    if claim(before, change.ref, sync) is Ownership.ANOTHER:
        message = f"belongs to another GitRepository, {labels.owner_name(known.label)}"
        return object_failures.failure(about, Refusal.OWNED_BY_ANOTHER, message)
    refused = adoption.refusal(metadata(before), sync.adopt)
    return object_failures.failure(about, refused.reason, refused.message) if refused else None


def insists(change: Change, sync: WriteContext) -> bool:
    """Tell whether an apply may take fields from other managers."""
    return change.action is not Action.ADOPT or sync.adopt is not Adopt.IF_NO_CONFLICT


def changed_fields(found: Prediction, foreign: ForeignFields, mask: Mask) -> tuple[FieldChange, ...]:
    """Return the fields that a change changes; for a repair, with the field manager that gave them their old value.

    Args:
        found: the change, and the object before and after it.
        foreign: what happens to fields that others added inside list items that Git declares.
        mask: hides secret values.
    """
    if found.before is None:
        return ()  # without making its body, which thousands of creations would for nothing
    manager, sent = found.sync.identity.manager, found.body
    fields = diff.fields(found.before, found.after, sent, mask)
    if found.change.action in {Action.UPDATE, Action.REPAIR}:
        fields += deviations.taken_off(sent, found.before, manager, mask)
    if found.change.action is not Action.REPAIR:
        return fields
    attributed = deviations.Holders(sent, found.before, manager).attributed(fields)
    if foreign is ForeignFields.REPORT:
        return attributed
    return (*attributed, *deviations.removals(found.before, manager, mask))
