"""Ask remotes which refs they have, once for all GitRepositories that follow the same remote."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from towline import aio
from towline.api.gitrepository import Ref
from towline.errors import Reason, SourceError
from towline.source import git_errors, process, refs
from towline.source.access import Remote
from towline.source.advertisement import Advertisements
from towline.source.process import ProcessResult
from towline.source.refs import Refs
from towline.source.smart.exchange import Exchanges
from towline.source.transport import GitCommand, Hearing, Transport, patience

TOGETHER = 0.5
"""Seconds within which callers count as asking at the same time."""

_REF_BYTES = 160


@dataclass(slots=True)
class _Look:
    """One request in flight, when it began, and how many callers wait for it: the last to give up cancels it."""

    task: asyncio.Task[Refs]
    begun: float
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a remote offered, and when, by the event loop's clock."""

    refs: Refs
    at: float


class Looks:
    """Asks remotes for their refs, by `exchanges` or `git`; `limit` is how many of them one may have."""

    def __init__(self, git: Transport, exchanges: Exchanges, limit: int) -> None:
        self._git = git
        self._advertisements = Advertisements(git, exchanges)
        self._limit = limit
        self._looks: dict[str, _Look] = {}
        self._seen: dict[str, _Seen] = {}
        self._wanted: dict[str, dict[Ref | None, float]] = {}
        self._hearings: WeakValueDictionary[str, Hearing] = WeakValueDictionary()

    async def look(self, remote: Remote, seconds: float, age: float, ref: Ref | None = None) -> Refs:
        """Return what the remote offers; calls for one remote at the same time share one request.

        An answer that is at most `age` seconds old is reused, and so is a request that began as recently (it may
        miss a push). Each caller waits for its own `seconds`, in which the wait for a turn does not count.
        Of a remote with many refs the answer holds those that `ref` and the specs that looked before it follow; all
        where it is None.

        Raises:
            SourceError: the remote cannot be read within `seconds`, or offers too much.
        """
        now = asyncio.get_running_loop().time()
        wanted = None if ref is None else frozenset({ref})
        self._wanted.setdefault(remote.identity, {})[ref] = now
        last = self._seen.get(remote.identity)
        if last and now - last.at <= age and last.refs.covers(wanted):
            return last.refs
        hearing = self._hearings.setdefault(remote.identity, Hearing())
        async with patience(remote, seconds, hearing):
            earlier = self._looks.get(remote.identity)
            if earlier and now - earlier.begun > max(age, TOGETHER):
                await asyncio.wait({earlier.task})
            offered = await self._shared(remote, hearing)
            while not offered.covers(wanted):  # it began before this spec was known
                offered = await self._shared(remote, hearing)
            return offered

    async def _shared(self, remote: Remote, hearing: Hearing) -> Refs:
        look = self._looks.get(remote.identity)
        if look is None:
            known = self._wanted[remote.identity]
            wanted = None if None in known else frozenset(ref for ref in known if ref)
            look = _Look(
                asyncio.create_task(self._offered(remote, wanted, hearing)),
                asyncio.get_running_loop().time(),
            )
            self._looks[remote.identity] = look
            look.task.add_done_callback(lambda _: self._ended(remote.identity, look))
        look.waiting += 1
        try:
            return await asyncio.shield(look.task)
        finally:
            look.waiting -= 1
            if not look.waiting:
                await self._end(remote.identity, look)

    def seen_at(self, remote: Remote) -> float:
        """Return when the last answer of a remote came, by the event loop's clock; it must have been looked at."""
        return self._seen[remote.identity].at

    def retain(self, identities: Collection[str], until: float) -> None:
        """Forget the answers of all other remotes, and what no spec has followed since."""
        self._seen = {
            identity: seen
            for identity, seen in self._seen.items()
            if identity in identities or seen.at > until
        }
        followed = {
            identity: {ref: at for ref, at in known.items() if at > until}
            for identity, known in self._wanted.items()
            if identity not in self._looks
        }
        self._wanted.update(followed)
        self._wanted = {identity: known for identity, known in self._wanted.items() if known}

    async def aclose(self) -> None:
        """End every look."""
        looks = tuple(self._looks.items())
        await aio.gather(lambda each: self._end(*each), looks, len(looks))

    async def _offered(self, remote: Remote, wanted: frozenset[Ref] | None, hearing: Hearing) -> Refs:
        """Ask without a git process first; where that gives no plain answer, let git ask and explain."""
        last = self._seen.get(remote.identity)
        parse = _Parse(wanted=wanted, last=last.refs if last else None)
        offered = await self._advertisements.read(remote, self._limit * _REF_BYTES, hearing.hear, parse)
        if offered is None:
            offered = await self._listed(remote, wanted, hearing)
        if offered.total and offered.total > self._limit:
            raise self._too_many(remote)
        return offered

    async def _listed(self, remote: Remote, wanted: frozenset[Ref] | None, hearing: Hearing) -> Refs:
        """Let git ask for what is wanted; if nothing of it is there, for everything, to say what is wrong."""
        if wanted:
            answer = await self._ls_remote(remote, hearing, *refs.patterns(wanted))
            found = await process.parsed(answer.out, lambda listing: refs.listed(listing, wanted))
            if found.names:
                return replace(found, answers=wanted, total=None)
        answer = await self._ls_remote(remote, hearing)
        if not answer.out and not (await self._git.run(self._call(remote, traced=True))).complaint:
            raise git_errors.error(remote, "fatal: the answer is not that of a Git server")
        return await process.parsed(answer.out, lambda listing: refs.listed(listing, wanted))

    async def _ls_remote(self, remote: Remote, hearing: Hearing, *patterns: str) -> ProcessResult:
        try:
            answer = await self._git.run(self._call(remote, *patterns), hearing.hear)
        except process.TooMuchOutputError as error:
            raise self._too_many(remote) from error
        if answer.code != 0:
            raise git_errors.error(remote, answer.complaint)
        return answer

    def _call(self, remote: Remote, *patterns: str, traced: bool = False) -> GitCommand:
        return GitCommand(
            arguments=("ls-remote", "--symref", "--", remote.url, *patterns),
            limit=self._limit * _REF_BYTES,
            remote=remote,
            traced=traced,
        )

    def _too_many(self, remote: Remote) -> SourceError:
        return SourceError(
            Reason.SOURCE_TOO_LARGE,
            f"{remote.url}: the remote has more than {self._limit} refs: remove some of them",
        )

    def _ended(self, identity: str, look: _Look) -> None:
        self._leave(identity, look)
        if not look.task.cancelled() and look.task.exception() is None:
            self._seen[identity] = _Seen(refs=look.task.result(), at=asyncio.get_running_loop().time())

    async def _end(self, identity: str, look: _Look) -> None:
        """Cancel a request, once, and wait for its processes to end; the next caller begins another."""
        if self._leave(identity, look):
            look.task.cancel()
        await asyncio.wait({look.task})

    def _leave(self, identity: str, look: _Look) -> bool:
        if self._looks.get(identity) is not look:
            return False
        del self._looks[identity]
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parse:
    """Reads an advertisement, unless it is the same as the last one: many thousand tags cost most of a second."""

    wanted: frozenset[Ref] | None
    last: Refs | None

    def __call__(self, answer: bytes) -> Refs:
        digest = hashlib.sha256(answer).digest()
        if self.last and self.last.digest == digest and self.last.covers(self.wanted):
            return self.last
        return replace(refs.advertised(answer, self.wanted), digest=digest)
