"""Ask remotes which refs they have, once for all GitRepositories that follow the same remote."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from towline import aio
from towline.errors import Reason, SourceError
from towline.source import git_errors, process, refs
from towline.source.access import Remote
from towline.source.advertisement import Advertisements
from towline.source.refs import Refs
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
    """Asks remotes for their refs; `limit` is how many of them one may have."""

    def __init__(self, git: Transport, limit: int) -> None:
        self._git = git
        self._advertisements = Advertisements(git)
        self._limit = limit
        self._looks: dict[str, _Look] = {}
        self._seen: dict[str, _Seen] = {}
        self._hearings: WeakValueDictionary[str, Hearing] = WeakValueDictionary()

    async def look(self, remote: Remote, seconds: float, age: float) -> Refs:
        """Return what the remote offers; calls for one remote at the same time share one request.

        An answer that is at most `age` seconds old is reused, and so is a request that began as recently (it may
        miss a push). Each caller waits for its own `seconds`, in which the wait for a turn does not count.

        Raises:
            SourceError: the remote cannot be read within `seconds`, or offers too much.
        """
        now = asyncio.get_running_loop().time()
        last = self._seen.get(remote.identity)
        if last and now - last.at <= age:
            return last.refs
        hearing = self._hearings.setdefault(remote.identity, Hearing())
        async with patience(remote, seconds, hearing):
            earlier = self._looks.get(remote.identity)
            if earlier and now - earlier.begun > max(age, TOGETHER):
                await asyncio.wait({earlier.task})
            return await self._shared(remote, hearing)

    async def _shared(self, remote: Remote, hearing: Hearing) -> Refs:
        look = self._looks.get(remote.identity)
        if look is None:
            look = _Look(
                asyncio.create_task(self._offered(remote, hearing)), asyncio.get_running_loop().time()
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
        """Forget the answers of all other remotes."""
        self._seen = {
            identity: seen
            for identity, seen in self._seen.items()
            if identity in identities or seen.at > until
        }

    async def aclose(self) -> None:
        """End every look."""
        looks = tuple(self._looks.items())
        await aio.gather(lambda each: self._end(*each), looks, len(looks))

    async def _offered(self, remote: Remote, hearing: Hearing) -> Refs:
        """Ask without a git process first; where that gives no plain answer, let git ask and explain."""
        offered = await self._advertisements.read(remote, self._limit * _REF_BYTES, hearing.hear)
        if offered is None:
            return await self._listed(remote, hearing)
        if len(offered.names) > self._limit:
            raise self._too_many(remote)
        return offered

    async def _listed(self, remote: Remote, hearing: Hearing) -> Refs:
        call = GitCommand(
            arguments=("ls-remote", "--symref", "--", remote.url),
            limit=self._limit * _REF_BYTES,
            remote=remote,
        )
        try:
            answer = await self._git.run(call, hearing.hear)
        except process.TooMuchOutputError as error:
            raise self._too_many(remote) from error
        if answer.code != 0:
            raise git_errors.error(remote, answer.complaint)
        if not answer.out and not (await self._git.run(replace(call, traced=True))).complaint:
            raise git_errors.error(remote, "fatal: the answer is not that of a Git server")
        if answer.out.count(b"\n") > self._limit:
            raise self._too_many(remote)
        return await process.parsed(answer.out, refs.listed)

    def _too_many(self, remote: Remote) -> SourceError:
        return SourceError(
            Reason.SOURCE_TOO_LARGE, f"{remote.url}: the remote has more than {self._limit} refs"
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
