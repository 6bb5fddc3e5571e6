"""Know the claims of all repositories: which declares what, which waits for which, and which to wake.

Claims are kept in memory alone; after a restart the next passes find them again.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from towline.api.gitrepository import GitRepository
from towline.kube.repositories import Repositories
from towline.model import Key, Live, ObjectRef, Plan
from towline.plan import claims
from towline.plan.claims import Claim, ClaimResult, Neighbour

PATIENCE_SECONDS = 60.0
"""How long a prune, or an object that its owner may release, waits for other repositories."""

ELDER_SECONDS = 5.0
"""How long a creation waits for older repositories that have not said yet what they declare."""


_REST = 4
_LONGEST_REST = 2.0
"""No list of all repositories begins so many times as long after one as that took, and at most so many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wait:
    """Which repositories one waits for with one commit, and since when.

    The news of each of `whom` matters at once; of `elders`, that of the last one: before, the wait would go on.
    """

    sha: str
    since: float
    whom: frozenset[Key]
    elders: frozenset[Key]


class Neighbours:
    """What all repositories declare.

    Args:
        repositories: lists the resources.
        wake: asks for a pass of a repository now.
        clock: monotonic seconds.
        moment: seconds for which a plan that creates waits for older repositories, before its pass ends and is woken by
            their news: those that were made with it tell theirs soon, and one more pass costs more than to wait.
    """

    def __init__(
        self,
        repositories: Repositories,
        wake: Callable[[Key], None],
        clock: Callable[[], float],
        moment: float = 0.0,
    ) -> None:
        self._repositories = repositories
        self._wake = wake
        self._clock = clock
        self._moment = moment
        self._claims: dict[tuple[Key, str], Claim] = {}
        self._tried: dict[Key, tuple[str, int]] = {}
        self._names: dict[Key, tuple[str, int, str]] = {}
        self._waits: dict[Key, _Wait] = {}
        self._awaiting: defaultdict[Key, set[Key]] = defaultdict(set)
        self._told: dict[Key, asyncio.Event] = {}
        self._seen_as: dict[Key, tuple[tuple[object, ...], Neighbour]] = {}
        self._asking: set[Key] = set()
        self._news: Counter[Key] = Counter()
        self._turn = asyncio.Lock()
        self._listing: asyncio.Task[Sequence[GitRepository]] | None = None
        self._rests_until = -math.inf

    def found(self, repository: GitRepository, name: str) -> None:
        """Note the full name of the ref that a spec leads to, and wake those that may follow the same one.

        In the first attempt with a spec they are woken at its end.
        """
        seen = (repository.uid, repository.generation, name)
        if self._names.get(repository.key) == seen:
            return
        self._names[repository.key] = seen
        if self._has_tried(repository):
            self._wake_waiting(repository.key)

    def declare(self, repository: GitRepository, sha: str, refs: frozenset[ObjectRef]) -> None:
        """Note what a commit declares, and wake those that waited for that, or declare what it drops."""
        whose = (repository.key, repository.uid)
        claim = Claim(sha=sha, refs=refs, generation=repository.generation)
        before = self._claims.get(whose)
        if before == claim:
            return
        self._claims[whose] = claim
        if before and before.refs is not claim.refs:
            self.released(repository.key, before.refs - claim.refs)
        self._wake_waiting(repository.key)

    def tried(self, repository: GitRepository) -> None:
        """Note that an attempt with this spec has ended, and wake those that waited for its result."""
        if not self._has_tried(repository):
            self._tried[repository.key] = (repository.uid, repository.generation)
            self._wake_waiting(repository.key)

    def withdraw(self, key: Key) -> None:
        """Forget a repository that is deleted, and wake those that declare the same objects."""
        dropped = [claim.refs for whose, claim in self._claims.items() if whose[0] == key]
        self._claims = {whose: claim for whose, claim in self._claims.items() if whose[0] != key}
        self._tried.pop(key, None)
        self._names.pop(key, None)
        self._waits.pop(key, None)
        self._seen_as.pop(key, None)
        self.released(key, frozenset().union(*dropped))
        self._wake_waiting(key)
        self._awaiting.pop(key, None)

    def released(self, owner: Key, refs: Collection[ObjectRef]) -> None:
        """Wake all repositories but the owner that declare one of these objects, which it has released."""
        if free := frozenset(refs):
            declaring = (whose[0] for whose, claim in self._claims.items() if not claim.refs.isdisjoint(free))
            self.stir({key for key in declaring if key != owner})

    def news(self, key: Key) -> int:
        """Return a number that grows whenever another repository did what may matter to this one."""
        return self._news[key]

    async def standing(
        self, me: GitRepository, sha: str, plan: Plan, live: Mapping[ObjectRef, Live]
    ) -> tuple[ClaimResult, float]:
        """Return what the other repositories mean for a plan, and how many seconds it may wait for them.

        Those that it waits for are woken, to read the same commit; new ones read theirs anyhow, and for a moment this
        waits for older ones among them.

        Raises:
            ClusterError: the GitRepositories could not be listed.
        """
        if not claims.concerns(plan):
            self._waits.pop(me.key, None)
            return claims.ALONE, 0.0
        while True:
            others = [self._seen(each) for each in self._relevant(me.key, plan, await self._everyone())]
            found = claims.stand(self._seen(me), sha, plan, live, others)
            standing, left = self._patient(me.key, sha, found)
            if not await self._all_told(me.key, standing.elders, min(left, self._moment)):
                return standing, left

    def is_asking(self, key: Key) -> bool:
        """Say whether a pass of the repository waits for news of others."""
        return key in self._asking

    async def _all_told(self, key: Key, elders: frozenset[Key], seconds: float) -> bool:
        """Wait until all of some older repositories have news; False where there are none, or it takes too long."""
        if not elders or seconds <= 0:
            return False
        told = [self._told.setdefault(elder, asyncio.Event()) for elder in elders]
        self._asking.add(key)
        try:
            async with asyncio.timeout(seconds):
                for each in told:
                    await each.wait()
        except TimeoutError:
            return False
        finally:
            self._asking.discard(key)
        return True

    def _relevant(self, me: Key, plan: Plan, everyone: Iterable[GitRepository]) -> Iterator[GitRepository]:
        """Yield the others that may matter to a plan: hardly any of hundreds, where it only creates."""
        created, is_more = claims.created(plan), claims.does_more(plan)
        for other in everyone:
            claim = self._claims.get((other.key, other.uid))
            is_known = claim is not None and claim.generation == other.generation
            shared = claim.refs if claim else ()
            if other.key != me and (is_more or not is_known or not created.isdisjoint(shared)):
                yield other

    async def _everyone(self) -> Sequence[GitRepository]:
        """List all repositories; those who ask while a list is under way, or just was, share the next one.

        A hundred new repositories would else list a hundred each, several times.
        """
        if self._listing is None:
            self._listing = asyncio.create_task(self._listed(), name="list all GitRepositories")
        return await asyncio.shield(self._listing)

    async def _listed(self) -> Sequence[GitRepository]:
        async with self._turn:
            if (rest := self._rests_until - self._clock()) > 0:
                await asyncio.sleep(rest)
            self._listing = None  # it is outdated for whoever asks from now on
            begun = self._clock()
            everyone = [each async for each in self._repositories.everyone()]
            took = self._clock() - begun
            self._rests_until = begun + took + min(_REST * took, _LONGEST_REST)
            return everyone

    def _patient(self, key: Key, sha: str, standing: ClaimResult) -> tuple[ClaimResult, float]:
        """Limit the wait: after its time, what was waited for is left out."""
        before = self._waits.get(key)
        since = before.since if before and before.sha == sha else self._clock()
        waited = self._clock() - since
        if waited >= ELDER_SECONDS:
            standing = replace(standing, elders=frozenset())
        if waited >= PATIENCE_SECONDS:
            standing = replace(standing, awaited=frozenset(), coming={})
        self._waits[key] = _Wait(sha=sha, since=since, whom=standing.waits_for, elders=standing.elders)
        for whom in standing.waits_for | standing.elders:
            self._awaiting[whom].add(key)
        self.stir(standing.waits_for - (before.whom if before and before.sha == sha else frozenset()))
        return standing, (ELDER_SECONDS if standing.elders else PATIENCE_SECONDS) - waited

    def _seen(self, repository: GitRepository) -> Neighbour:
        """Return a repository as the others see it, made once for whatever is known of it: each new one sees all."""
        claim = self._claims.get((repository.key, repository.uid))
        name, tried = self._name(repository), self._has_tried(repository)
        stored = (repository.uid, repository.generation, repository.deleting, repository.is_suspended)
        mark = (*stored, claim, name, tried)
        known = self._seen_as.get(repository.key)
        if known is None or known[0] != mark:
            known = (mark, claims.neighbour(repository, claim, name=name, tried=tried))
            self._seen_as[repository.key] = known
        return known[1]

    def _name(self, repository: GitRepository) -> str:
        """Return the ref that this very spec was last seen to lead to, empty where it was not."""
        uid, generation, name = self._names.get(repository.key, ("", 0, ""))
        return name if (uid, generation) == (repository.uid, repository.generation) else ""

    def _has_tried(self, repository: GitRepository) -> bool:
        return self._tried.get(repository.key) == (repository.uid, repository.generation)

    def _wake_waiting(self, whom: Key) -> None:
        """Wake those that wait for the news of a repository, unless they wait for other elders all the same."""
        if told := self._told.pop(whom, None):
            told.set()
        for key in self._awaiting.pop(whom, ()):
            wait = self._waits.get(key)
            if wait is None or whom not in wait.whom | wait.elders:
                continue  # by now it waits for others, or for nobody
            is_last = wait.elders == {whom}
            self._waits[key] = replace(wait, elders=wait.elders - {whom})
            if whom in wait.whom:
                self._awaiting[whom].add(key)
            if whom in wait.whom or (is_last and key not in self._asking):
                self.stir((key,))

    def stir(self, keys: Iterable[Key]) -> None:
        """Ask for a pass of repositories that have news."""
        for key in tuple(keys):
            self._news[key] += 1
            self._wake(key)
