"""Unions that an apply cannot swap, swapped by a patch before it."""

from __future__ import annotations

from towline.cluster import prediction
from towline.cluster.objects import Objects, Sync, metadata, version_of
from towline.cluster.prediction import Prediction
from towline.core import unions
from towline.core.ownership import Ownership
from towline.errors import ApiError
from towline.model import Body, ObjectRef

_OWN = frozenset({Ownership.OURS, Ownership.INHERITED})


async def would_help(objects: Objects, found: Prediction, error: ApiError, sync: Sync) -> bool:
    """Tell whether a refused update would pass with its unions swapped."""
    patch = found.before and unions.swaps(error, found.before, prediction.declared(found.change).body)
    if not patch:
        return False
    untested = patch[1:]  # whoever writes the status meanwhile does not change the verdict
    fresh = prediction.unseen(found.change, sync).body
    try:
        await objects.patch(fresh, found.change.ref, untested, sync, dry_run=True)
        await objects.rehearse_create(fresh, found.change.ref, sync)
    except ApiError as refused:
        return refused.status_reason == "AlreadyExists"
    return True


async def swap(objects: Objects, found: Prediction, error: ApiError, sync: Sync) -> bool:
    """Swap the unions that made an update fail, if any did and the object is still ours; then apply it again.

    Raises:
        ApiError: the API server refuses the patch; somebody may have written the object at the same moment.
    """
    ref = found.change.ref
    now = await objects.read(ref, sync, version_of(found.body))
    if now is None or prediction.claim(now, ref, sync) not in _OWN:
        return False
    patch = unions.swaps(error, now, prediction.declared(found.change).body)
    if patch:
        await objects.patch(now, ref, patch, sync)
    return bool(patch)


async def disown(objects: Objects, body: Body, ref: ObjectRef, sync: Sync) -> Body:
    """Take the entry of the swap off an object: what Git drops later would stay for its sake.

    Where somebody writes the object at the same moment, the entry stays and nothing fails.
    """
    entries = metadata(body).get("managedFields") or ()
    staying = [each for each in entries if not _is_swap(each, sync)]
    if len(staying) == len(entries):
        return body
    version = metadata(body)["resourceVersion"]
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
    drop = {"op": "replace", "path": "/metadata/managedFields", "value": staying}
    try:
        return await objects.patch(body, ref, (test, drop), sync)
    except ApiError:
        return body


def _is_swap(entry: Body, sync: Sync) -> bool:
    own = (sync.identity.manager, "Update", None)
    return (entry.get("manager"), entry.get("operation"), entry.get("subresource")) == own
