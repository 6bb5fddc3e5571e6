"""Fetch what Git declares: head, commit, manifests, each only if the last pass did not read it already."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from typing import TypeAlias

from towline import log
from towline.api.gitrepository import GitRepository, Spec
from towline.errors import Reason
from towline.live.index import Index
from towline.model import Key
from towline.reconcile.desired.commit_reader import CommitReader
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.desired.head import Head
from towline.reconcile.desired.head_reader import HeadReader
from towline.reconcile.desired.signed_heads import SignedHeads
from towline.reconcile.state import Fetched, Start
from towline.source.access import Remote
from towline.status import reasons

_log = log.logger(__name__)

_NEWS_SECONDS = 1.0
"""How old an answer may be where another repository has news: they may tell of a commit that no older one shows."""

_MOMENT = 0.001
"""Seconds by which an answer must be newer than the one that is known, to be another one."""

_FRESH = 0.9
"""The fraction of an interval for which an answer is reused."""


Told: TypeAlias = Callable[[GitRepository, str, Callable[[], str | None]], AbstractAsyncContextManager[None]]
"""Gets whose commit is fetched, which one it is, and what says how far that is, None before it has begun."""


class Fetcher:
    """Reads Git for attempts.

    Args:
        heads: looks up and fetches commits.
        source: reads what they declare.
        signed: verifies signatures.
        index: says which kinds can still be seen.
        clock: monotonic seconds.
        told: tells how far a fetch is while a block runs; nobody does where it is None.
    """

    def __init__(  # noqa: PLR0913  what is read, and who is told
        self,
        *,
        heads: HeadReader,
        source: CommitReader,
        signed: SignedHeads,
        index: Index,
        clock: Callable[[], float],
        told: Told | None = None,
    ) -> None:
        self._heads = heads
        self._source = source
        self._signed = signed
        self._index = index
        self._clock = clock
        self._telling = told
        self._remotes: dict[Key, Remote] = {}
        self._asking: set[Key] = set()

    async def refused_secret(self, start: Start, spec: Spec) -> str | None:
        """Return the version of the credentials that the last pass was refused with; None where it was not.

        Raises:
            ClusterError: the Secret could not be read.
        """
        passed = start.last.passed
        if passed is None or passed.reason not in reasons.AUTHENTICATION or not spec.secret_names:
            return None
        return await self._heads.secret_version(start.repository.key, spec)

    def is_still_away(self, start: Start, spec: Spec, secret: str | None) -> bool:
        """Tell whether Git could not be read, nothing about that changed, and no retry is due."""
        last = start.last
        if last.passed is None or last.passed.is_costly or last.passed.reason not in reasons.AWAY:
            return False
        same = (last.secret, last.spec, last.manual) == (secret, spec, start.manual)
        return same and self._clock() < last.retry_at

    def is_too_costly(self, start: Start, spec: Spec, head: Head) -> bool:
        """Tell whether this commit took more than it may for this very spec, and no retry is due.

        Each try would take as much of what all repositories share.
        """
        last = start.last
        if last.passed is None or not last.passed.is_costly or start.is_asked_for:
            return False
        same = (last.spec, last.passed.observed) == (spec, head.sha)
        return same and self._clock() < last.retry_at

    async def head(self, start: Start, spec: Spec) -> Head:
        """Look up the head, unless that was done for this very spec less than an interval ago.

        Repositories of one remote share an answer, except for a new spec or a requested look.

        Raises:
            SpecError, SourceError: the url, the credentials, the remote or the ref.
            ClusterError: the Secret could not be read.
        """
        last, key = start.last, start.repository.key
        fresh = self._clock() < last.looked_at + spec.interval * _FRESH and last.news == start.news
        if last.head and fresh and last.spec == spec and not start.is_asked_for:
            return last.head
        self._remotes[key] = remote = await self._heads.remote(key, spec)
        with self._asks(key):
            head = await self._heads.head(remote, spec, self._age(start, spec))
        if last.head is None or last.head.sha != head.sha:
            _log.info("head moved", repository=str(key), ref=head.name, commit=head.sha)
        return head

    def remotes(self) -> tuple[Remote, ...]:
        """Return every remote that a repository follows, reached or not."""
        return tuple(self._remotes.values())

    def is_asking(self, key: Key) -> bool:
        """Say whether a pass of the repository waits for its Git server."""
        return key in self._asking

    @contextmanager
    def _asks(self, key: Key) -> Iterator[None]:
        self._asking.add(key)
        try:
            yield
        finally:
            self._asking.discard(key)

    def forget(self, key: Key) -> None:
        """Forget a repository that is gone."""
        self._remotes.pop(key, None)
        self._signed.forget(key)

    def _age(self, start: Start, spec: Spec) -> float:
        """Return how old an answer may be, in seconds: 0 for a requested look, or if the last led to no commit."""
        last = start.last
        if last.head is None or last.spec != spec or start.is_asked_for:
            return 0.0
        if last.news != start.news:
            return min(spec.interval * _FRESH, _NEWS_SECONDS)
        if last.looked_at > -math.inf:
            return spec.interval * _FRESH
        return min(spec.interval * _FRESH, self._clock() - last.head.seen_at - _MOMENT)

    async def commit(self, start: Start, spec: Spec, head: Head) -> Fetched:
        """Fetch the commit of the head, and verify the signatures that the spec asks for.

        Raises:
            SourceError: the fetch failed.
            ClusterError: the Secret with the keys could not be read.
        """
        known = start.last.fetched.revision if start.last.fetched else None
        async with self._told(start, head):
            with self._asks(start.repository.key):
                revision = await self._heads.revision(head, spec, known)
        repository = start.repository
        found = await self._signed.verification(repository.key, spec, head, repository.applied)
        return Fetched(spec=spec, head=head, revision=revision, verification=found)

    def is_still_refused(self, start: Start, fetched: Fetched) -> bool:
        """Tell whether the last pass was refused for the same signatures, and nobody asks for another look."""
        last, found = start.last, fetched.verification
        if (
            found is None
            or found.is_trusted
            or last.passed is None
            or last.fetched is None
            or start.is_asked_for
        ):
            return False
        before = (last.passed.reason, last.passed.generation, last.fetched.head, last.fetched.verification)
        return before == (Reason.VERIFICATION_FAILED, start.repository.generation, fetched.head, found)

    async def admit(self, start: Start, fetched: Fetched) -> None:
        """Let a commit be read whose signatures are trusted, or for which none are asked.

        Raises:
            UnverifiedError: they are not.
        """
        found, repository = fetched.verification, start.repository
        if found and not found.is_trusted:
            raise await self._signed.refusal(
                repository.key, fetched.head, fetched.revision, found, repository.applied
            )

    def _told(self, start: Start, head: Head) -> AbstractAsyncContextManager[None]:
        if self._telling is None:
            return nullcontext()
        return self._telling(start.repository, head.sha[:7], lambda: self._heads.progress(head))

    async def desired(self, start: Start, fetched: Fetched) -> Desired:
        """Read the manifests, unless the last pass did so and every kind can still be seen.

        Kinds that were unknown or forbidden then are looked for again when a retry is due.

        Raises:
            BuildError, SourceError, ClusterError: as `CommitReader.treated` and `desired` do.
        """
        treated = await self._source.treated(start.repository.key, fetched.spec)
        known, due = start.last.desired, self._clock() >= start.last.retry_at or start.is_asked_for
        wanted = (fetched.head.sha, fetched.spec, treated.mark)
        same = known and (known.sha, known.spec, known.mark) == wanted
        if known and same and not (known.failures and due) and not self._index.unseen(known.kinds):
            return known
        return await self._source.desired(start.repository, fetched.head, fetched.spec, treated, known)
