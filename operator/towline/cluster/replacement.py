"""Objects that cannot change in place: deleted and created again, where that is allowed and would succeed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from towline.api import labels
from towline.cluster import prediction
from towline.cluster.objects import Objects, Sync
from towline.cluster.prediction import Prediction
from towline.errors import ApiError, Failure, Refusal
from towline.kube import refusals
from towline.model import Action
from towline.plan import vetoes


async def instead(
    objects: Objects, found: Prediction, failures: tuple[Failure, ...], sync: Sync
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


def _forced(found: Prediction, sync: Sync) -> bool:
    return sync.force or prediction.declared(found.change).directives.get(labels.FORCE) == "true"
