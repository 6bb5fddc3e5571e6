"""Dry runs of removals: what the API server would refuse once more need not be tried."""

from __future__ import annotations

from collections.abc import Sequence

from towline import aio
from towline.cluster.course import Course
from towline.cluster.objects import Objects, Sync
from towline.cluster.prune import seen
from towline.errors import Failure
from towline.kube.client import IN_FLIGHT
from towline.model import Action, Change, Outcome, Result
from towline.plan import release_patch


class Rehearsal:
    """The dry runs of the removals of one sync."""

    def __init__(self, objects: Objects, sync: Sync) -> None:
        self._objects = objects
        self._sync = sync
        self._course = Course(objects, sync)

    async def run(self, changes: Sequence[Change]) -> tuple[Failure, ...]:
        """Return what would be refused.

        Raises:
            ClusterError: the API server could not be asked, or refuses us as a whole.
        """
        outcomes = await aio.gather(self._tried, changes, IN_FLIGHT)
        if self._course.error:
            raise self._course.error
        return tuple(failure for outcome in outcomes for failure in outcome.failures)

    async def _tried(self, change: Change) -> Outcome:
        return await self._course.step(change, lambda: self._rehearsed(change))

    async def _rehearsed(self, change: Change) -> Outcome:
        if change.action is Action.RELEASE:
            await self._release(change)
        else:
            live = seen(change)
            version = (live.uid, live.resource_version)
            await self._objects.delete(change.ref, version, self._sync, dry_run=True)
        return Outcome(change=change, result=Result.DONE)

    async def _release(self, change: Change) -> None:
        body = await self._objects.read(change.ref, self._sync)
        if body is not None:
            patch = release_patch.operations(body, self._sync.identity)
            await self._objects.patch(body, change.ref, patch, self._sync, dry_run=True)
