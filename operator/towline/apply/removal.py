"""Delete and release objects, and find out by dry runs which removals would be refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from towline import aio
from towline.apply import leaving, prediction
from towline.apply.objects import Objects, WriteContext
from towline.apply.outcomes import Steps, WriteResult
from towline.errors import ApiError, Failure
from towline.kube import refusals
from towline.kube.client import IN_FLIGHT
from towline.live.index import Index
from towline.live.observed import live_from
from towline.model import Action, Body, Change, Live, ObjectRef, Outcome, Result
from towline.plan import release_patch, second_look
from towline.plan.ownership import OWN

_PRUNE_ATTEMPTS = 3
"""How often a prune is tried again for an object that others write at the same moment."""

_PAUSE = 0.1
"""Seconds before the third look, twice that before the fourth."""

_RELEASE_ATTEMPTS = 5
"""How often an object is read again that others write at the same moment."""


class Prunes:
    """The prunes of one sync; it waits at most `patience` seconds for objects with finalizers."""

    def __init__(self, objects: Objects, index: Index, sync: WriteContext, patience: float) -> None:
        self._objects = objects
        self._index = index
        self._sync = sync
        self._patience = patience
        self._course = Steps(objects, sync)

    async def run(self, changes: Sequence[Change]) -> WriteResult:
        """Delete the objects; a refusal does not hold back the others."""
        outcomes: list[Outcome] = []
        last_first = sorted(changes, key=lambda change: -change.wave)
        for _, wave in groupby(last_first, key=lambda change: change.wave):
            outcomes += await aio.gather(self._tried, tuple(wave), IN_FLIGHT)
        ended = await leaving.waited(self._objects, self._index, outcomes, self._sync, self._patience)
        return self._course.written(ended)

    async def _tried(self, change: Change) -> Outcome:
        with self._index.writing(change.ref):
            return await self._course.step(change, lambda: self._pruned(change))

    async def _pruned(self, change: Change) -> Outcome:
        """Delete the object as it was seen; if it was written since, decide anew."""
        current: Live | Outcome = seen(change)
        attempt = 0
        while isinstance(current, Live):
            try:
                return await self._deleted(change, current)
            except ApiError as error:
                if attempt == _PRUNE_ATTEMPTS or not refusals.is_conflict(error):
                    raise
            await asyncio.sleep(_PAUSE * attempt)
            attempt += 1
            current = await self._again(change)
        return current

    async def _deleted(self, change: Change, live: Live) -> Outcome:
        left = await self._objects.delete(change.ref, (live.uid, live.resource_version), self._sync)
        return self._done(change, left)

    async def _again(self, change: Change) -> Outcome | Live:
        """Read an object that was written since the plan; there may be nothing left to do."""
        now = await self._objects.read(change.ref, self._sync)
        if now is None:
            return self._done(change, None)
        current = live_from(now, self._sync.stamps, change.ref)
        if current.terminating and current.uid == seen(change).uid:
            return self._done(change, now)
        if veto := second_look.veto(seen(change), current, prediction.policy_of(self._sync)):
            self._index.looked_at(change.ref, now)
            skipped = replace(change, action=Action.SKIP, reason=veto.reason, message=veto.message)
            return Outcome(change=skipped, result=Result.DONE, live=current)
        return current

    def _done(self, change: Change, left: Body | None) -> Outcome:
        """A deletion is done when the server has accepted it; a finalizer may keep the object for a while."""
        self._index.record(change.ref, left)
        live = None if left is None else live_from(left, self._sync.stamps, change.ref)
        return Outcome(change=change, result=Result.DONE, live=live)


class Releases:
    """The releases of one sync."""

    def __init__(self, objects: Objects, index: Index, sync: WriteContext) -> None:
        self._objects = objects
        self._index = index
        self._sync = sync
        self._course = Steps(objects, sync)

    async def run(self, changes: Sequence[Change]) -> WriteResult:
        """Release the objects; a refusal does not hold back the others."""
        return self._course.written(await aio.gather(self._tried, changes, IN_FLIGHT))

    async def _tried(self, change: Change) -> Outcome:
        with self._index.writing(change.ref):
            return await self._course.step(change, lambda: self._released(change))

    async def _released(self, change: Change) -> Outcome:
        left = await self._patched(change)
        self._index.record(change.ref, left)
        live = None if left is None else live_from(left, self._sync.stamps, change.ref)
        return Outcome(change=change, result=Result.DONE, live=live)

    async def _patched(self, change: Change) -> Body | None:
        """Return the released object, None if it does not exist; one that Towline does not own stays as it is."""
        attempt = 1
        while True:
            body = await self._objects.read(change.ref, self._sync)
            if body is None or not self._is_ours(live_from(body, self._sync.stamps, change.ref)):
                return body
            try:
                patch = release_patch.operations(body, self._sync.identity)
                return await self._objects.patch(body, change.ref, patch, self._sync)
            except ApiError as error:
                if refusals.is_absent(error):
                    return None
                if attempt == _RELEASE_ATTEMPTS or not refusals.is_stale(error):
                    raise
            attempt += 1

    def _is_ours(self, live: Live) -> bool:
        return prediction.ownership_of(live, self._sync) in OWN


class RemovalLooks:
    """The reads of what is to be removed although no commit asks for it: the index may have been told the past."""

    def __init__(self, objects: Objects, index: Index, sync: WriteContext) -> None:
        self._objects = objects
        self._index = index
        self._sync = sync

    async def run(self, changes: Sequence[Change]) -> frozenset[ObjectRef]:
        """Return the objects that are not there any more, or are not what the plan saw.

        Raises:
            ClusterError: the API server could not be asked.
        """
        found = await aio.gather(self._past, changes, IN_FLIGHT)
        return frozenset(ref for ref in found if ref)

    async def _past(self, change: Change) -> ObjectRef | None:
        now = await self._objects.read(change.ref, self._sync)
        if now is not None and not self._differs(change, live_from(now, self._sync.stamps, change.ref)):
            return None
        self._index.looked_at(change.ref, now)
        return change.ref

    def _differs(self, change: Change, now: Live) -> bool:
        if change.action is Action.RELEASE:
            return prediction.ownership_of(now, self._sync) not in OWN
        return second_look.veto(seen(change), now, prediction.policy_of(self._sync)) is not None


class RemovalDryRun:
    """The dry runs of the removals of one sync."""

    def __init__(self, objects: Objects, sync: WriteContext) -> None:
        self._objects = objects
        self._sync = sync
        self._course = Steps(objects, sync)

    async def run(self, changes: Sequence[Change]) -> tuple[Failure, ...]:
        """Return what would be refused.

        Raises:
            ClusterError: the API server could not be asked, or refuses Towline as a whole.
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


def seen(change: Change) -> Live:
    """Return the live object that a removal is about."""
    if change.live is None:
        raise ValueError(f"{change.action} of {change.ref} has no live object")
    return change.live
