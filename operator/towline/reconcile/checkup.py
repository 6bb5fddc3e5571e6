"""Assess the health of a repository: from the index, and for the first unhealthy objects from their Pods."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from towline import aio
from towline.errors import Reason
from towline.health import pod
from towline.live.index import Index
from towline.live.pods import Pods
from towline.model import ObjectRef, State
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.desired.head import Head
from towline.reconcile.locate import FieldLine, Locator
from towline.reconcile.state import Fetched
from towline.status.compute import PassResult
from towline.status.survey import HealthSummary, UnhealthyObject

FRESH_SECONDS = 2.0
"""Seconds after its write was seen in which the Pods of an unready workload are not read."""

_SECONDS = 3.0
"""Seconds for which a pass waits for the Pods."""


class _Image(NamedTuple):
    """The field of an object that names an image, in a commit."""

    sha: str
    ref: ObjectRef
    field: str


class Checkups:
    """Assesses all repositories.

    Args:
        index: the live objects with their health.
        pods: what is wrong with the Pods of a workload.
        locator: finds the lines of images.
        clock: monotonic seconds.
    """

    def __init__(self, index: Index, pods: Pods, locator: Locator, clock: Callable[[], float]) -> None:
        self._index = index
        self._pods = pods
        self._locator = locator
        self._clock = clock
        self._placed: dict[str, Mapping[_Image, FieldLine | None]] = {}
        self._seen: dict[str, Mapping[tuple[ObjectRef, str], float]] = {}

    async def checked(
        self, label: str, desired: Desired | None, passed: PassResult, fetched: Fetched | None
    ) -> PassResult:
        """Add the health of the objects to the result of an attempt; nothing if it is not known what Git declares.

        Nothing is added either while none of the declared objects exists. `fetched` is what was fetched last: its
        repository says where images are declared.
        """
        if desired is None or passed.reason is Reason.SUSPENDED:
            return passed
        found = await self.of(label, desired, passed.done or {})
        if fetched:
            found = await self._named(label, replace(fetched.head, sha=desired.sha), desired, found)
        means_something = found.total or passed.reason is Reason.SUCCEEDED
        return replace(passed, health=found) if means_something else passed

    def forget(self, label: str) -> None:
        """Forget a repository that is gone."""
        self._seen.pop(label, None)
        self._placed.pop(label, None)

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

    async def _named(self, label: str, head: Head, desired: Desired, found: HealthSummary) -> HealthSummary:
        """Give objects whose Pods have trouble with an image the line of that image."""
        before = self._placed.get(label, {})
        now: dict[_Image, FieldLine | None] = {}
        first: list[UnhealthyObject] = []
        for each in found.first:
            manifest = desired.declared[each.ref]
            image = _Image(head.sha, each.ref, pod.image_field(manifest.body, each.health.message))
            if image.field and image not in before:
                places = await self._locator.lines(head, manifest, [image.field])
                now[image] = places.get(image.field)
            elif image.field:
                now[image] = before[image]
            place = now.get(image)
            first.append(replace(each, file=place.file, line=place.line) if place else each)
        self._placed[label] = now
        return replace(found, first=tuple(first))

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
