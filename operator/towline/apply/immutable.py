"""Change what an update cannot change in place: recreate objects, and swap unions by a patch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from towline.api import labels
from towline.apply import faults, prediction
from towline.apply.objects import Objects, WriteContext, version_of
from towline.apply.prediction import Prediction
from towline.errors import ApiError, Failure, Refusal
from towline.fields import unions
from towline.kube import object_failures, refusals
from towline.model import Action
from towline.plan import vetoes
from towline.plan.ownership import Ownership

_OWN = frozenset({Ownership.OURS, Ownership.INHERITED})


async def instead(
    objects: Objects, found: Prediction, error: ApiError, failures: tuple[Failure, ...], sync: WriteContext
) -> Prediction | tuple[Failure, ...]:
    """Return the replacement of a refused update, or the failures where there must be none.

    A field is immutable if an update may not change it and a creation may hold it: the update is refused, and a dry run
    of the creation ends only in "already exists". So it is recognised in whatever words it is refused, and an object
    that is merely invalid is kept.

    There is a replacement only where spec or annotation say `force`, only for objects that Towline owns already, and
    never for kinds that hold data. An object that could not be created again is not deleted.
    """
    replaceable = _forced(found, sync) and found.change.ref.group_kind not in vetoes.DATA_KINDS
    is_named = all(failure.reason == Refusal.IMMUTABLE_FIELD for failure in failures)
    if found.change.action is Action.ADOPT or not _may_be_immutable(found, error):
        return failures
    if is_named and not replaceable:
        return failures
    fresh = replace(found, bound=None, after=None)
    try:
        await objects.rehearse_create(fresh.body, found.change.ref, sync)
    except ApiError as refused:
        if refused.status_reason != "AlreadyExists":
            about = object_failures.subject(found.change, sync.commit_of(found.change), found.before)
            also = await faults.told(refused, about, sync)
            return (*failures, *(each for each in also if each not in failures))
    if not replaceable:
        return _immutable(failures)
    return replace(fresh, change=replace(found.change, action=Action.REPLACE))


def _may_be_immutable(found: Prediction, error: ApiError) -> bool:
    """Tell whether a dry run of the creation is worth a request.

    That is so for an invalid update, and, where its object says `force` itself, for one that admission denies.
    """
    if any(cause.reason == "FieldValueDuplicate" for cause in error.causes):
        return False  # another field manager holds the same value: to create the object anew would take it from them
    if refusals.is_denied(error):
        return _says_force(found) and found.change.ref.group_kind not in vetoes.DATA_KINDS
    return error.code == 422 and error.status_reason == "Invalid" and not refusals.is_conflict(error)


def _immutable(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Turn failures of an update whose creation would be accepted into ImmutableField."""
    return tuple(
        replace(each, reason=Refusal.IMMUTABLE_FIELD) if each.reason == Refusal.INVALID else each
        for each in failures
    )


def _forced(found: Prediction, sync: WriteContext) -> bool:
    if found.change.action is Action.REPLACE:
        return True  # another run was asked for
    return sync.force or _says_force(found)


def _says_force(found: Prediction) -> bool:
    return bool(prediction.declared(found.change).directives.get(labels.FORCE) == "Enabled")


async def would_help(objects: Objects, found: Prediction, error: ApiError, sync: WriteContext) -> bool:
    """Tell whether a refused update would be accepted with its unions swapped."""
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
    """Swap the unions that made an update fail, if any did and Towline still owns the object; then apply it again.

    Raises:
        ApiError: the API server refuses the patch, perhaps because the object was written at the same moment.
    """
    ref = found.change.ref
    now = await objects.read(ref, sync, version_of(found.body))
    if now is None or prediction.claim(now, ref, sync) not in _OWN:
        return False
    patch = unions.swaps(error, now, prediction.declared(found.change).body)
    if patch:
        await objects.patch(now, ref, patch, sync)
    return bool(patch)
