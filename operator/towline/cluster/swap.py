"""Unions that an apply cannot swap, swapped by a patch before it."""

from __future__ import annotations

from towline.cluster import prediction
from towline.cluster.objects import Objects, Sync, version_of
from towline.cluster.prediction import Prediction
from towline.errors import ApiError
from towline.fields import unions
from towline.plan.ownership import Ownership

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
