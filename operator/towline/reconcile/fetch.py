"""From a spec to what Git declares: head, commit, manifests, each read only where the last pass does not tell it."""

from __future__ import annotations

import math
from collections.abc import Callable

from towline import log
from towline.api.gitrepository import Spec
from towline.errors import SourceError
from towline.live.index import Index
from towline.model import Revision
from towline.reconcile.desired import CommitReader, Desired, Head
from towline.reconcile.neighbours import Neighbours
from towline.reconcile.state import Attempt
from towline.status import reasons
from towline.status.compute import PassResult

_log = log.logger(__name__)

_NEWS_SECONDS = 1.0
"""How old an answer may be where another repository has news: they may tell of a commit that no older one shows."""

_MOMENT = 0.001
"""Seconds by which an answer must be newer than the one that is known, to be another one."""


class Fetcher:
    """Reads Git for attempts.

    Args:
        source: what Git declares.
        index: says which kinds can still be seen.
        neighbours: counts what other repositories did.
        clock: monotonic seconds.
    """

    def __init__(
        self, source: CommitReader, index: Index, neighbours: Neighbours, clock: Callable[[], float]
    ) -> None:
        self._source = source
        self._index = index
        self._neighbours = neighbours
        self._clock = clock

    async def still_away(self, attempt: Attempt, spec: Spec) -> PassResult | None:
        """Return the last pass where Git could not be read, nothing about that changed, and no retry is due."""
        memory = attempt.memory
        if memory.passed is None or memory.passed.reason not in reasons.AWAY:
            return None
        if memory.passed.reason in reasons.AUTHENTICATION and spec.secret_name:
            attempt.secret = await self._source.secret_version(attempt.repository.key, spec)
        same = (memory.secret, memory.spec, memory.manual) == (attempt.secret, spec, attempt.manual)
        if not same or self._clock() >= memory.retry_at:
            return None
        attempt.is_new = False
        return memory.passed

    async def head(self, attempt: Attempt, spec: Spec) -> Head:
        """Look up the head, unless that was done for this very spec less than an interval ago.

        Repositories of one remote share an answer, but for a new spec or where somebody asks for a look.
        """
        memory = attempt.memory
        attempt.news = self._neighbours.news(attempt.repository.key)
        fresh = self._clock() < memory.looked_at + spec.interval * 0.9 and memory.news == attempt.news
        if memory.head and fresh and memory.spec == spec and memory.manual == attempt.manual:
            attempt.looked_at = memory.looked_at
            return memory.head
        attempt.remote = await self._source.remote(attempt.repository.key, spec)
        head = await self._source.head(attempt.remote, spec, self._age(attempt, spec))
        attempt.looked_at = head.seen_at
        if memory.head is None or memory.head.sha != head.sha:
            _log.info("head moved", repository=str(attempt.repository.key), ref=head.name, commit=head.sha)
        return head

    def _age(self, attempt: Attempt, spec: Spec) -> float:
        """Return how old an answer may be, in seconds: new where somebody asks, or where the last led to no commit."""
        memory = attempt.memory
        if memory.head is None or memory.spec != spec or memory.manual != attempt.manual:
            return 0.0
        if memory.news != attempt.news:
            return min(spec.interval * 0.9, _NEWS_SECONDS)
        if memory.looked_at > -math.inf:
            return spec.interval * 0.9
        return min(spec.interval * 0.9, self._clock() - memory.head.seen_at - _MOMENT)

    async def revision(self, attempt: Attempt, spec: Spec, head: Head) -> Revision:
        """Fetch the commit. Where it cannot be had, the next try looks for the head anew: it may be gone for good.

        Raises:
            SourceError: it cannot be had.
        """
        try:
            return await self._source.revision(head, spec.timeout, attempt.memory.revision)
        except SourceError:
            attempt.looked_at = -math.inf
            raise

    async def desired(self, attempt: Attempt, spec: Spec, head: Head) -> Desired:
        """Read the manifests, unless the last pass did so and every kind can still be seen.

        Kinds that were unknown or forbidden then are looked for again when a retry is due.
        """
        memory = attempt.memory
        known, due = memory.desired, self._clock() >= memory.retry_at or memory.manual != attempt.manual
        fresh = known and known.sha == head.sha and known.spec == spec and not (known.failures and due)
        if known and fresh and not self._index.unseen(known.kinds):
            return known
        return await self._source.desired(head, spec)
