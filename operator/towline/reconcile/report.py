"""Report a pass: write the status once and only if it differs, and post the news."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from towline import aio, log
from towline.api.gitrepository import GitRepository
from towline.drift.deviations import Deviation
from towline.errors import ClusterError, Reason
from towline.kube.clock_check import ClockCheck
from towline.kube.repositories import Repositories
from towline.model import Body
from towline.notify import announcement
from towline.notify.announce import Announcer
from towline.plan.snapshot import differing
from towline.reconcile.dependencies import Dependencies
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.state import Finalized
from towline.records.ledger import Ledger
from towline.status import compute, health_condition
from towline.status.compute import PassResult
from towline.status.waits import Waits

_log = log.logger(__name__)

_REWRITES = 3
"""How often a status is computed again because another client changed the resource at the same moment."""


_FETCH_SECONDS = 5.0
"""So often the status tells how far a fetch is; one that is over before is not told of."""


class Reporter:
    """Reports passes, for all repositories.

    Args:
        repositories: reads and writes GitRepositories.
        dependencies: learns whose status has changed.
        announcer: posts Events and logs.
        ledger: deletes old records.
        waits: measure how long objects have not been ready.
        now: the current time, with its zone, only for people to read.
        check: says whether that time can be believed.
    """

    def __init__(  # noqa: PLR0913  who is told, and by which clocks
        self,
        *,
        repositories: Repositories,
        dependencies: Dependencies,
        announcer: Announcer,
        ledger: Ledger,
        waits: Waits,
        now: Callable[[], datetime],
        check: ClockCheck,
    ) -> None:
        self._repositories = repositories
        self._dependencies = dependencies
        self._announcer = announcer
        self._ledger = ledger
        self._waits = waits
        self._now = now
        self._check = check

    async def report(self, repository: GitRepository, passed: PassResult, begun: Body) -> float | None:
        """Write the status, if it says anything new, and post what happened.

        Args:
            repository: the resource as it was last written.
            passed: what the pass found.
            begun: the status that the pass began with.

        Returns:
            The seconds until the status must be computed again, infinity if nothing requires that; None if it could not
            be written.
        """
        read: GitRepository | None = repository
        try:
            for _ in range(_REWRITES):
                if read is None or read.uid != repository.uid:
                    return math.inf
                waited = self._waits.look(read.uid, read.status, passed, self._check.agreed())
                signed = replace(passed, checkpoint=self._ledger.told(read.uid, read.status))
                said = compute.compute(read.status, signed, self._now(), waited, read.suspend_state)
                if written := await self._repositories.write_status(read, said):
                    if said != read.status:
                        self._dependencies.changed(read.key)
                    self._announcer.count(read.key, announcement.figures(said))
                    is_suspended = passed.reason is Reason.SUSPENDED
                    ended = announcement.announcements(read.status, said, is_suspended=is_suspended)
                    has_ended = read.suspend_state.ended is not None
                    suspensions = announcement.suspensions(begun, said, has_ended=has_ended)
                    for news in (*suspensions, *ended):
                        await self._announcer.announce(read, news)
                    await self._retain(written)
                    look = health_condition.next_look(said, passed.health, waited)
                    return math.inf if look is None else look
                read = await self._repositories.read(read.key)
        except ClusterError as error:
            _log.warning("cannot write the status", repository=str(repository.key), error=error.message)
        return None

    async def ignored(self, repository: GitRepository, now: Desired | None, before: Desired | None) -> None:
        """Announce the declared fields that are left to their controllers, each once in the life of the process."""
        if now is None or now is before:
            return
        known = before.declared if before else {}
        fresh = differing(known, now.declared)
        told, declared = (
            [each[ref] for ref in sorted(fresh) if ref in each] for each in (known, now.declared)
        )
        if news := announcement.ignored(declared, told):
            await self._announcer.announce(repository, news)

    async def set_back(self, repository: GitRepository, ended: Sequence[Deviation]) -> None:
        """Announce drift that has ended because other field managers have set it back."""
        if news := announcement.set_back(ended):
            await self._announcer.announce(repository, news)

    async def ended(self, repository: GitRepository, ended: Finalized) -> None:
        """Announce which objects a deletion no longer waits for, if there are any."""
        if left := ended.undeleted:
            news = announcement.undeleted(left.total, left.why, left.waited)
            await self._announcer.announce(repository, news)

    async def _retain(self, repository: GitRepository) -> None:
        try:
            await self._ledger.retain(repository.key, repository.uid, repository.status, self._check())
        except ClusterError as error:
            _log.debug("old records were not deleted", repository=str(repository.key), error=error.message)


class FetchProgress:
    """Tells of first fetches, for all repositories.

    Args:
        repositories: where the status is written.
        now: the current time, with its zone.
        seconds: between two writes.
    """

    def __init__(
        self, repositories: Repositories, now: Callable[[], datetime], seconds: float = _FETCH_SECONDS
    ) -> None:
        self._repositories = repositories
        self._now = now
        self._seconds = seconds

    @asynccontextmanager
    async def told(
        self, repository: GitRepository, short: str, progress: Callable[[], str | None]
    ) -> AsyncIterator[None]:
        """Write into the status how far a fetch is, until the block ends; only where no commit is applied yet.

        Args:
            repository: whose commit is fetched.
            short: the commit, as people write it.
            progress: says how far it is; empty where that is unknown. None while it waits for others: then nothing is
                told, or hundreds of new repositories would write it again and again.
        """
        if repository.applied:
            yield
            return
        telling = asyncio.create_task(self._telling(repository, short, progress))
        try:
            yield
        finally:
            await aio.end(telling)

    async def _telling(
        self, repository: GitRepository, short: str, progress: Callable[[], str | None]
    ) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            if (said := progress()) is None:
                continue
            try:
                await self._tell(repository, f"Fetching {short}" + (f": {said}" if said else ""))
            except ClusterError as error:
                _log.debug("cannot tell of a fetch", repository=str(repository.key), error=error.message)

    async def _tell(self, repository: GitRepository, message: str) -> None:
        read = await self._repositories.read(repository.key)
        if read is None or (read.uid, read.generation) != (repository.uid, repository.generation):
            return
        passed = PassResult(generation=read.generation, reason=Reason.PROGRESSING, message=message)
        said = compute.compute(read.status, passed, self._now(), suspended=read.suspend_state)
        await self._repositories.write_status(read, said)
