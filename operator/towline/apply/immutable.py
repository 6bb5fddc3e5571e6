"""What an update cannot change in place: objects that are created anew, unions that a patch swaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from towline.api import labels
from towline.apply import prediction
from towline.apply.objects import Objects, WriteContext, version_of
from towline.apply.prediction import Prediction
from towline.errors import ApiError, Failure, Refusal
from towline.fields import unions
from towline.kube import refusals
from towline.model import Action
from towline.plan import vetoes
from towline.plan.ownership import Ownership

_OWN = frozenset({Ownership.OURS, Ownership.INHERITED})


async def instead(
    objects: Objects, found: Prediction, failures: tuple[Failure, ...], sync: WriteContext
) -> Prediction | tuple[Failure, ...]:
    """Return the replacement of a refused update, or the failures where there must be none.

    Only the refusal of an immutable field can lead to one, only where spec or annotation say `force`, only for what
    is ours already, never for kinds that hold data, and only if a dry run of the creation passes: an object that
    could not come back is not deleted.
    """
    if (
        found.change.action is Action.ADOPT
        or not _forced(found, sync)
        or not _immutable(failures)
        or found.change.ref.group_kind in vetoes.DATA_KINDS
    ):
        return failures
    fresh = replace(found, bound=None, after=None)
    try:
        await objects.rehearse_create(fresh.body, found.change.ref, sync)
    except ApiError as error:
        if error.status_reason != "AlreadyExists":
            about = refusals.subject(found.change, sync.revision.sha, found.before)
            return (*failures, *refusals.failures(error, about, sync.mask))
    return replace(fresh, change=replace(found.change, action=Action.REPLACE))


def _immutable(failures: Iterable[Failure]) -> bool:
    return any(failure.reason == Refusal.IMMUTABLE_FIELD for failure in failures)


def _forced(found: Prediction, sync: WriteContext) -> bool:
    return sync.force or prediction.declared(found.change).directives.get(labels.FORCE) == "Enabled"


async def would_help(objects: Objects, found: Prediction, error: ApiError, sync: WriteContext) -> bool:
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


async def swap(objects: Objects, found: Prediction, error: ApiError, sync: WriteContext) -> bool:
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
