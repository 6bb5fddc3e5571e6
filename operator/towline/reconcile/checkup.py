"""The health of all objects of a repository: from the index, and for the first unhealthy ones from their Pods."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from towline import aio
from towline.errors import Reason
from towline.live.index import Index
from towline.live.pods import Pods
from towline.model import State
from towline.reconcile.desired import Desired
from towline.status import survey
from towline.status.compute import PassResult
from towline.status.survey import HealthSummary, UnhealthyObject

FRESH_SECONDS = 2.0
"""So soon after it was written, nobody asks why a workload is not ready yet."""

_SECONDS = 3.0
"""How long a pass may wait for what Pods say."""


class Checkups:
    """Looks, for all repositories.

    Args:
        index: what is live, and how it is.
        pods: what is wrong with the Pods of a workload.
        now: the current time, with its zone.
    """

    def __init__(self, index: Index, pods: Pods, now: Callable[[], datetime]) -> None:
        self._index = index
        self._pods = pods
        self._now = now

    async def checked(self, label: str, desired: Desired | None, passed: PassResult) -> PassResult:
        """Add how the objects are, whatever became of the attempt; nothing where nobody knows what is declared.

        Where none exists yet, that says nothing, either, unless it is what Git wants.
        """
        if desired is None or passed.reason is Reason.SUSPENDED:
            return passed
        found = await self.of(label, desired, passed.done or {})
        means_something = found.total or passed.reason is Reason.SUCCEEDED
        return replace(passed, health=found) if means_something else passed

    async def of(self, label: str, desired: Desired, done: Mapping[str, str]) -> HealthSummary:
        """Look at what is declared; it never fails, and takes no longer than a few seconds."""
        found = survey.survey(desired.manifests, self._index.owned(label), desired.spec.health_timeout, done)
        if found.well:
            return found
        asked = [asyncio.create_task(self._explained(each)) for each in found.first]
        try:
            over, _ = await asyncio.wait(asked, timeout=_SECONDS)
        finally:
            await aio.end(*asked)
        told = (
            task.result() if task in over else each for task, each in zip(asked, found.first, strict=True)
        )
        return replace(found, first=tuple(told))

    async def _explained(self, ailing: UnhealthyObject) -> UnhealthyObject:
        """Add what the Pods of a workload say, where it has had the time to say so itself."""
        waits = ailing.health.state is not State.FAILED
        if waits and ailing.written_at and self._age(ailing.written_at) < FRESH_SECONDS:
            return ailing
        trouble = await self._pods.trouble(ailing.ref)
        if not trouble:
            return ailing
        message = f"{trouble} ({ailing.health.message})" if ailing.health.message else trouble
        return replace(ailing, health=ailing.health._replace(message=message))

    def _age(self, written_at: str) -> float:
        return (self._now() - datetime.fromisoformat(written_at)).total_seconds()
