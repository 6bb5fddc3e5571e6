"""What is known of one change before it is written: the object as it is, and as it would become."""

from __future__ import annotations

from dataclasses import dataclass, replace

from towline.api import labels
from towline.cluster.metadata import live_from
from towline.cluster.objects import Objects, Sync, metadata, terminates, version_of
from towline.core import ownership, refusals, stamp
from towline.core.ownership import Ownership, Policy
from towline.errors import Failure, Refusal
from towline.model import Action, Body, Change, Live, Manifest, ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One change with its old and new content.

    `change` may differ from the planned one: what vanished is created, what lost its label is repaired, what
    cannot change in place is replaced, what would stay as it is is kept. `body` is what will be sent.
    `before` is the live object, None where there is none; `after` what a dry run made of it, None where none
    could be asked, and for new objects. `known` says that somebody looked whether the object exists.
    """

    change: Change
    body: Body
    before: Body | None = None
    after: Body | None = None
    known: bool = True


async def look(objects: Objects, change: Change, sync: Sync) -> Prediction | Failure:
    """Read the live object and say what the change comes to; a failure where it is not ours to write."""
    manifest = declared(change)
    before = await objects.read(change.ref, sync, version_of(manifest.body))
    if before is None or terminates(before):
        return replace(unseen(replace(change, action=Action.CREATE), sync), known=before is None)
    whose = claim(before, change.ref, sync)
    if whose not in {Ownership.OURS, Ownership.INHERITED}:
        return stranger(change, before, sync)
    action = Action.REPAIR if change.action is Action.CREATE else change.action
    body = _only(before, stamp.stamp(manifest, sync.identity, sync.revision, before))
    return Prediction(change=replace(change, action=action), body=body, before=before)


def unseen(change: Change, sync: Sync) -> Prediction:
    """Say what the change comes to without looking; whether the object exists is asked when it is written."""
    body = stamp.stamp(declared(change), sync.identity, sync.revision)
    return Prediction(change=change, body=body, known=False)


def declared(change: Change) -> Manifest:
    """Return the manifest of a change that applies one."""
    if change.manifest is None:
        raise ValueError(f"{change.action} of {change.ref} has no manifest")
    return change.manifest


def claim(body: Body, ref: ObjectRef, sync: Sync) -> Ownership:
    """Judge whose an object is; one whose label alone was taken off or overwritten is still ours to write."""
    known = live_from(body, ref.group_kind)
    marked = ownership_of(live_from(_labelled(body, sync.identity.label), ref.group_kind), sync)
    if marked is Ownership.OURS or not known.label:
        return marked
    return ownership_of(known, sync)


def ownership_of(known: Live, sync: Sync) -> Ownership:
    """Judge whose an object is, by all that ownership rests on."""
    own = sync.identity
    policy = Policy(key=own.key, uid=own.uid, label=own.label, manager=own.manager)
    return ownership.ownership(known, policy)


def _only(before: Body, body: Body) -> Body:
    """Bind an apply to the object that was read: it neither creates one nor touches one in its place."""
    return {**body, "metadata": {**body["metadata"], "uid": metadata(before)["uid"]}}


def _labelled(body: Body, label: str) -> Body:
    held = metadata(body)
    marked = {**(held.get("labels") or {}), labels.REPOSITORY_LABEL: label}
    return {**body, "metadata": {**held, "labels": marked}}


def stranger(change: Change, before: Body, sync: Sync) -> Failure:
    """Say whose an object is that we do not touch."""
    about = refusals.subject(change, sync.revision.sha)
    known = live_from(before, change.ref.group_kind)
    if claim(before, change.ref, sync) is Ownership.ANOTHER:
        message = f"belongs to another GitRepository, {known.label}"
        return refusals.failure(about, Refusal.OWNED_BY_ANOTHER, message)
    message = f"exists already and is not ours: it was written by {_writers(before)}"
    return refusals.failure(about, Refusal.NOT_OURS, message)


def _writers(before: Body) -> str:
    """Name the field managers of an object, but for those of its status."""
    entries = metadata(before).get("managedFields") or ()
    names = {str(entry.get("manager")) for entry in entries if not entry.get("subresource")}
    return ", ".join(sorted(names)) or "somebody unknown"
