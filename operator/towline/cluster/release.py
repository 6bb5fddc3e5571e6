"""Releases: objects that stay and are no longer ours."""

from __future__ import annotations

from collections.abc import Sequence

from towline import aio
from towline.cluster import prediction
from towline.cluster.course import Course, Written
from towline.cluster.objects import Objects, Sync
from towline.errors import ApiError
from towline.kube import refusals
from towline.kube.client import IN_FLIGHT
from towline.live.index import Index
from towline.live.observed import live_from
from towline.model import Body, Change, Live, Outcome, Result
from towline.plan import release_patch
from towline.plan.ownership import Ownership

_ATTEMPTS = 5
"""How often an object is read again that others write at the same moment."""


class Releases:
    """The releases of one sync."""

    def __init__(self, objects: Objects, index: Index, sync: Sync) -> None:
        self._objects = objects
        self._index = index
        self._sync = sync
        self._course = Course(objects, sync)

    async def run(self, changes: Sequence[Change]) -> Written:
        """Release the objects; one that refuses does not hold back the others."""
        return self._course.written(await aio.gather(self._tried, changes, IN_FLIGHT))

    async def _tried(self, change: Change) -> Outcome:
        with self._index.writing(change.ref):
            return await self._course.step(change, lambda: self._released(change))

    async def _released(self, change: Change) -> Outcome:
        left = await self._patched(change)
        self._index.record(change.ref, left)
        live = None if left is None else live_from(left, change.ref)
        return Outcome(change=change, result=Result.DONE, live=live)

    async def _patched(self, change: Change) -> Body | None:
        """Return the object without us, None where it does not exist; one that is not ours stays as it is."""
        attempt = 1
        while True:
            body = await self._objects.read(change.ref, self._sync)
            if body is None or not self._is_ours(live_from(body, change.ref)):
                return body
            try:
                patch = release_patch.operations(body, self._sync.identity)
                return await self._objects.patch(body, change.ref, patch, self._sync)
            except ApiError as error:
                if refusals.is_absent(error):
                    return None
                if attempt == _ATTEMPTS or not refusals.is_stale(error):
                    raise
            attempt += 1

    def _is_ours(self, live: Live) -> bool:
        return prediction.ownership_of(live, self._sync) in {Ownership.OURS, Ownership.INHERITED}
