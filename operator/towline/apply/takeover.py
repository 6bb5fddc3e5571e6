"""Remove what other field managers left on an object: see `fields.coowners`, `additions` and `edited_items`."""

from __future__ import annotations

from towline.api.gitrepository import ForeignFields
from towline.apply.objects import Objects, WriteContext, metadata, version_of
from towline.apply.prediction import Prediction
from towline.errors import ApiError
from towline.fields import additions, coowners, edited_items, managed
from towline.fields.additions import Addition
from towline.fields.edited_items import LeftItem
from towline.kube import refusals
from towline.model import Action, Body, ObjectRef

_ATTEMPTS = 3
"""How often a patch is tried on an object that a controller writes at the same moment."""


async def fold(objects: Objects, body: Body, ref: ObjectRef, sync: WriteContext) -> Body:
    """Remove what Towline applies, and defaults, from the entries of earlier writers; return the object after that.

    If the object is written at the same moment, it is read once more. If that goes on, or the patch is refused, nothing
    fails: the index knows that the object is shared, and the next pass tries again.
    """
    for _ in range(_ATTEMPTS):
        filled = [each.steps for each in await filled_in(objects, body, ref, sync)]
        left = coowners.folded(managed.entries(body), sync.identity.manager, filled)
        if left is None:
            return body
        drop = {"op": "replace", "path": "/metadata/managedFields", "value": left}
        try:
            return await objects.patch(body, ref, (_held(body), drop), sync)
        except ApiError as error:
            if not refusals.is_stale(error):
                break
        now = await objects.read(ref, sync, version_of(body))
        if now is None or metadata(now)["uid"] != metadata(body)["uid"]:
            break
        body = now
    return body


async def filled_in(objects: Objects, body: Body, ref: ObjectRef, sync: WriteContext) -> tuple[Addition, ...]:
    """Return additions of the object's creator that are defaults of the API server.

    One dry run removes everything that was added by updates, if there is anything, and shows what comes back.
    If it is refused, nothing is known, and all of it counts as additions.
    """
    found = [each for each in additions.additions(body, sync.identity.manager) if each.updated]
    if not found:
        return ()
    operations = (_held(body), *additions.removal(found))
    try:
        bare = await objects.patch(body, ref, operations, sync, dry_run=True)
    except ApiError:
        return ()
    return additions.filled_in(found, bare)


def left(before: Body, found: Prediction, sync: WriteContext) -> tuple[LeftItem, ...]:
    """Return the items that people left in place of list items of an object that the repository owned before."""
    if found.change.action not in {Action.UPDATE, Action.REPAIR}:
        return ()
    return edited_items.left(found.body, before, sync.identity.manager)


async def claim_left(objects: Objects, found: Prediction, sync: WriteContext) -> Body | None:
    """Claim the items that people left in place of declared ones, so that the next apply removes them.

    Return what to apply first if the API server has assigned a value to such an item, so that the item keeps it.

    Raises:
        ApiError: the patch is refused, or the object was written since it was read.
    """
    before = found.before
    items = left(before, found, sync) if before else ()
    if not before or not items:
        return None
    entries = edited_items.claimed(before, items, sync.identity.manager)
    claim = {"op": "replace", "path": "/metadata/managedFields", "value": entries}
    await objects.patch(before, found.change.ref, (_held(before), claim), sync)
    return edited_items.keeping_assigned(found.body, items)


async def purge(objects: Objects, body: Body, ref: ObjectRef, sync: WriteContext) -> Body:
    """Remove what others added inside declared list items, if the spec asks for it; return the object then.

    Raises:
        ApiError: the patch is refused, or the object was written since it was read.
    """
    if sync.foreign is ForeignFields.REPORT:
        return body
    found = additions.additions(body, sync.identity.manager)
    if not found:
        return body
    return await objects.patch(body, ref, (_held(body), *additions.removal(found)), sync)


def _held(body: Body) -> Body:
    """Return the operation that makes a JSON patch fail unless the object has the version that was read."""
    return {"op": "test", "path": "/metadata/resourceVersion", "value": metadata(body)["resourceVersion"]}
