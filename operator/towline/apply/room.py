"""Check whether quotas leave room for everything that a plan creates, by one request for each namespace or fewer."""

from __future__ import annotations

import asyncio
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

_TOGETHER = 4
"""While quotas of so many namespaces are asked for, one list of all namespaces takes the place of theirs."""

_MOST = 200
"""Quotas of one list of all namespaces; where there are more, each namespace is listed."""


class QuotaRoom:
    """Checks plans of all repositories; those that ask at the same time share a list of all quotas.

    Args:
        objects: lists the quotas.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._asked = 0
        self._turn = asyncio.Lock()
        self._listing: asyncio.Task[Sequence[Body] | None] | None = None

    async def refused(self, predictions: Sequence[Prediction], sync: WriteContext) -> tuple[Failure, ...]:
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
        listed = await self._listed(places, sync) if places else ()
        found = [quota for quota in listed if quota["metadata"]["namespace"] in places]
        if not found:
            return ()
        plurals = await self._objects.plurals(change.ref.group_kind for change in created)
        return quotas.exceeded(created, plurals, found, sync.revision.sha)

    async def _listed(self, places: Sequence[str], sync: WriteContext) -> Sequence[Body]:
        """Return the quotas of these namespaces, and maybe of others."""
        self._asked += len(places)
        try:
            if self._asked >= _TOGETHER and (everywhere := await self._everywhere(sync)) is not None:
                return everywhere
            each = await aio.gather(partial(self._quotas, sync), places, IN_FLIGHT)
        finally:
            self._asked -= len(places)
        return [quota for found in each for quota in found]

    async def _everywhere(self, sync: WriteContext) -> Sequence[Body] | None:
        """Return all quotas, None where they are too many or may not be listed.

        Whoever asks while they are listed shares the next list: what this one says may be older than the question.
        """
        if self._listing is None:
            self._listing = asyncio.create_task(self._all(sync), name="list all ResourceQuotas")
        return await asyncio.shield(self._listing)

    async def _all(self, sync: WriteContext) -> Sequence[Body] | None:
        async with self._turn:
            self._listing = None
            try:
                return await self._objects.few(quotas.QUOTA, sync, _MOST)
            except ApiError as error:
                if refusals.concerns_all(error):
                    raise
                return None

    async def _quotas(self, sync: WriteContext, namespace: str) -> Sequence[Body]:
        try:
            return await self._objects.listed(quotas.QUOTA, namespace, sync)
        except ApiError as error:
            if refusals.concerns_all(error):
                raise
            return ()


def _is_new(found: Prediction) -> bool:
    return found.change.action is Action.CREATE and found.known and not found.causes
