"""Prepare the first write of a sync: hold the resource by the finalizer, and say in the status what begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from towline import aio, log
from towline.api import labels
from towline.api.gitrepository import GitRepository
from towline.errors import ClusterError
from towline.kube.repositories import Repositories
from towline.reconcile.state import Planned, kinds_of
from towline.status import compute

_log = log.logger(__name__)

_TRIES = 3
"""How often a resource is read again that is changed before the first write."""

_SECONDS = 5.0
"""After so long the status tells of a first sync of few objects; one that is over before is not told of."""

_FEW = 20
"""So many objects; of more, the status tells at once."""


class Beginnings:
    """Prepares the first writes of syncs, for all repositories.

    Args:
        repositories: reads and writes the resources.
        now: the current time, with its zone.
        seconds: after which the status tells of a first sync of few objects.
    """

    def __init__(
        self, repositories: Repositories, now: Callable[[], datetime], seconds: float = _SECONDS
    ) -> None:
        self._repositories = repositories
        self._now = now
        self._seconds = seconds

    @asynccontextmanager
    async def of(self, repository: GitRepository, planned: Planned) -> AsyncIterator[Beginning]:
        """Accompany one sync; at the end of the block nothing more is told of it."""
        beginning = Beginning(self._repositories, self._now, self._seconds, repository, planned)
        try:
            yield beginning
        finally:
            await beginning.end()


class Beginning:
    """What comes before the first write of one sync; made by `Beginnings.of`.

    Attributes:
        repository: the resource as it was last written.
    """

    def __init__(
        self,
        repositories: Repositories,
        now: Callable[[], datetime],
        seconds: float,
        repository: GitRepository,
        planned: Planned,
    ) -> None:
        self.repository = repository
        self._repositories = repositories
        self._now = now
        self._seconds = seconds
        self._planned = planned
        self._telling: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Add the finalizer, and note in the status what a crash must not lose: kinds to look for, blocked prunes.

        A first sync of few objects writes no such status unless it takes long: its finalizer alone tells the next
        process to look for objects of all kinds.

        Raises:
            ClusterError: the resource changed meanwhile; nothing is written then.
        """
        for _ in range(_TRIES):
            if await self._held():
                return
            self.repository = await self._reread()
        raise ClusterError("the GitRepository keeps changing; nothing was written")

    async def end(self) -> None:
        """Tell no more."""
        if self._telling:
            await aio.end(self._telling)

    async def _held(self) -> bool:
        """Hold the resource; False where it was changed since it was read."""
        is_new = labels.FINALIZER not in self.repository.finalizers
        held = await self._repositories.add_finalizer(self.repository)
        if held is None:
            return False
        self.repository = held
        if is_new and self._can_wait():
            self._telling = asyncio.create_task(self._tell_later(), name="tell of a first sync")
            return True
        return await self._tell()

    def _can_wait(self) -> bool:
        plan = self._planned.plan
        return not kinds_of(self.repository) and not plan.blocked and len(plan.writes) <= _FEW

    async def _tell(self) -> bool:
        """Write the status; False where the resource was changed since it was read."""
        planned = self._planned
        kinds = planned.visible.kinds.union(change.ref.group_kind for change in planned.plan.applies)
        begun = compute.progress(self.repository, planned.fetched.revision, planned.plan, kinds, self._now())
        written = await self._repositories.write_status(self.repository, begun)
        self.repository = written or self.repository
        return written is not None

    async def _tell_later(self) -> None:
        await asyncio.sleep(self._seconds)
        try:
            await self._tell()
        except ClusterError as error:
            _log.debug("cannot tell of a sync", repository=str(self.repository.key), error=error.message)

    async def _reread(self) -> GitRepository:
        before = self.repository
        now = await self._repositories.read(before.key)
        if now is None or now.deleting or (now.uid, now.generation) != (before.uid, before.generation):
            raise ClusterError("the GitRepository was changed before anything was written")
        if now.is_suspended:
            raise ClusterError("the GitRepository was suspended before anything was written")
        return now
