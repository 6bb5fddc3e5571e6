"""Assess the health of a repository: from the index, and for the first unhealthy objects from their Pods."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from towline import aio
from towline.errors import Reason
from towline.live.index import Index
from towline.live.pods import Pods
from towline.model import ObjectRef, State
from towline.reconcile.desired.declared_objects import Desired
from towline.status.compute import PassResult
from towline.status.survey import HealthSummary, UnhealthyObject

FRESH_SECONDS = 2.0
"""Seconds after its write was seen in which the Pods of an unready workload are not read."""

_SECONDS = 3.0
"""Seconds for which a pass waits for the Pods."""


class Checkups:
    """Assesses all repositories.

    Args:
        index: the live objects with their health.
        pods: what is wrong with the Pods of a workload.
        clock: monotonic seconds.
    """

    def __init__(self, index: Index, pods: Pods, clock: Callable[[], float]) -> None:
        self._index = index
        self._pods = pods
        self._clock = clock
        self._seen: dict[str, Mapping[tuple[ObjectRef, str], float]] = {}

    async def checked(self, label: str, desired: Desired | None, passed: PassResult) -> PassResult:
        """Add the health of the objects to the result of an attempt; nothing if it is not known what Git declares.

        Nothing is added either while none of the declared objects exists.
        """
        if desired is None or passed.reason is Reason.SUSPENDED:
            return passed
        found = await self.of(label, desired, passed.done or {})
        means_something = found.total or passed.reason is Reason.SUCCEEDED
        return replace(passed, health=found) if means_something else passed

    def forget(self, label: str) -> None:
        """Forget a repository that is gone."""
        self._seen.pop(label, None)

    async def of(self, label: str, desired: Desired, done: Mapping[str, str]) -> HealthSummary:
        """Assess the declared objects; it never fails, and takes a few seconds at most."""
        owned = self._index.owned(label)
        found = desired.health.survey(desired.declared, owned, desired.spec.health_timeout, done)
        if found.well:
            self.forget(label)
            return found
        waited = self._waited(label, found.first)
        asked = [
            asyncio.create_task(self._explained(each, seconds))
            for each, seconds in zip(found.first, waited, strict=True)
        ]
        try:
            over, _ = await asyncio.wait(asked, timeout=_SECONDS)
        finally:
            await aio.end(*asked)
        told = (
            task.result() if task in over else each for task, each in zip(asked, found.first, strict=True)
        )
        return replace(found, first=tuple(told))

    def _waited(self, label: str, found: Sequence[UnhealthyObject]) -> Sequence[float]:
        """Return how long ago each of these objects was first seen as it was written last."""
        at, before = self._clock(), self._seen.get(label, {})
        writes = [(each.ref, each.written_at) for each in found]
        self._seen[label] = {write: before.get(write, at) for write in writes}
        return [at - self._seen[label][write] for write in writes]

    async def _explained(self, ailing: UnhealthyObject, seconds: float) -> UnhealthyObject:
        """Add what the Pods of a workload report, unless the workload was written a moment ago."""
        waits = ailing.health.state is not State.FAILED
        if waits and seconds < FRESH_SECONDS:
            return ailing
        trouble = await self._pods.trouble(ailing.ref)
        if not trouble:
            return ailing
        message = f"{trouble} ({ailing.health.message})" if ailing.health.message else trouble
        return replace(ailing, health=ailing.health._replace(message=message))
