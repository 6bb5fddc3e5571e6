"""Check whether quotas leave room for everything that a plan creates, by one request for each namespace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from towline import aio
from towline.apply.objects import Objects, WriteContext
from towline.apply.prediction import Prediction
from towline.errors import ApiError, Failure
from towline.kube import refusals
from towline.kube.client import IN_FLIGHT
from towline.model import Action, Body
from towline.plan import quotas

_FEWEST = 2
"""The fewest creations that are checked: one alone is refused by its own dry run."""


async def refused(
    objects: Objects, predictions: Sequence[Prediction], sync: WriteContext
) -> tuple[Failure, ...]:
    """Return refusals of creations that exceed a quota together, although their dry runs accepted them one by one.

    Namespaces are left out if the same plan changes their quotas, or if Towline may not list them.

    Raises:
        ClusterError: no answer.
    """
    changing = {
        found.change.ref.namespace
        for found in predictions
        if found.change.ref.group_kind == quotas.QUOTA and found.change.action is not Action.KEEP
    }
    created = [found.change for found in predictions if _is_new(found)]
    counted = Counter(change.ref.namespace for change in created)
    places = [name for name, many in counted.items() if name and many >= _FEWEST and name not in changing]
    listed = await aio.gather(partial(_quotas, objects, sync), places, IN_FLIGHT)
    found = tuple(quota for each in listed for quota in each)
    if not found:
        return ()
    plurals = await objects.plurals(change.ref.group_kind for change in created)
    return quotas.exceeded(created, plurals, found, sync.revision.sha)


def _is_new(found: Prediction) -> bool:
    return found.change.action is Action.CREATE and found.known and not found.causes


async def _quotas(objects: Objects, sync: WriteContext, namespace: str) -> Sequence[Body]:
    try:
        return await objects.listed(quotas.QUOTA, namespace, sync)
    except ApiError as error:
        if refusals.concerns_all(error):
            raise
        return ()
