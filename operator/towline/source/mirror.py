"""Bare mirrors of remotes: looking at a remote, fetching from it, reading what was fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Any, TypeVar

from towline.errors import Reason, SourceError
from towline.model import Revision
from towline.source import complaints, process, refs, store
from towline.source.access import Remote
from towline.source.addresses import Addresses
from towline.source.fetching import Fetcher, OutgrownError
from towline.source.history import History
from towline.source.reading import Reader, UnreadableError
from towline.source.refs import Refs
from towline.source.transport import Call, Transport
from towline.source.tree import Entry, Limits

_T = TypeVar("_T")
_REF_BYTES = 160
_GIT_VERSION = (2, 38)
"""The first whose `cat-file` takes names that are ended by NUL."""


def _check_git() -> None:
    """Import GitPython now, while nobody waits: that takes its time and runs git."""
    try:
        import git
    except ImportError as error:
        raise SourceError(Reason.GIT_UNAVAILABLE, "git is not installed where the operator runs") from error
    if git.Git().version_info < _GIT_VERSION:
        needed = ".".join(map(str, _GIT_VERSION))
        raise SourceError(Reason.GIT_UNAVAILABLE, f"the operator needs git {needed} or later")


def _start(command: Sequence[str], folder: Path, stdin: int, inherited: Sequence[int]) -> Popen[bytes]:
    import git

    handle: Any = git.Git(folder).execute(
        list(command), istream=stdin, as_process=True, start_new_session=True, pass_fds=tuple(inherited)
    )
    started: Popen[bytes] = handle.proc
    handle.proc = None  # GitPython ends the process when it drops the handle
    return started


@dataclass(slots=True)
class _Mirror:
    """What this process knows of one bare repository.

    `complete` are commits that are there with all they need; removing the repository starts a new set.
    """

    folder: Path
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    complete: set[str] = field(default_factory=set)
    tidy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a remote offered, and when, by the event loop's clock."""

    refs: Refs
    at: float


class Mirrors:
    """All mirrors below one folder. Belongs to one event loop; no thread ever waits for a server.

    With `addresses`, hosts that these refuse are never asked.
    """

    def __init__(
        self, folder: Path, limits: Limits | None = None, addresses: Addresses | None = None
    ) -> None:
        _check_git()
        self._folder = folder / "mirrors"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._limits = limits or Limits()
        self._mirrors: dict[str, _Mirror] = {}
        self._looks: dict[str, asyncio.Task[Refs]] = {}
        self._seen: dict[str, _Seen] = {}
        self._git = Transport(self._folder, _start, addresses)
        self._reader = Reader(self._git, self._limits)
        self._fetcher = Fetcher(self._git, self._limits)

    async def look(self, remote: Remote, seconds: float, age: float = 0.0) -> Refs:
        """Return what the remote offers; calls for one remote at the same time share one process.

        An answer that is at most `age` seconds old will do, so that repositories of one remote can share it.

        Raises:
            SourceError: the remote cannot be read within `seconds`, or offers too much.
        """
        now = asyncio.get_running_loop().time()
        last = self._seen.get(remote.identity)
        if last and now - last.at <= age:
            return last.refs
        task = self._looks.get(remote.identity)
        if task is None:
            task = asyncio.create_task(self._look(remote, seconds))
            self._looks[remote.identity] = task
            task.add_done_callback(partial(self._looked, remote.identity))
        async with _deadline(remote, seconds):
            return await asyncio.shield(task)

    def seen_at(self, remote: Remote) -> float:
        """Return when the last answer of a remote came, by the event loop's clock; it must have been looked at."""
        return self._seen[remote.identity].at

    async def fetch(self, remote: Remote, refname: str, sha: str, seconds: float) -> None:
        """Make the commit and everything it needs readable; nothing happens where it is already.

        `refname` and `sha` are what `refs.resolve` returned.

        Raises:
            SourceError: the remote does not give it out within `seconds`, or it is too large or invalid.
        """
        mirror = self._mirror(remote, sha)
        if sha in mirror.complete:
            return
        async with _deadline(remote, seconds), mirror.lock:
            if sha not in mirror.complete:
                await self._bring(remote, mirror, refname, sha)
                mirror.complete.add(sha)
        async with mirror.lock:
            await self._fetcher.join(mirror.folder)

    async def revision(self, remote: Remote, sha: str) -> Revision:
        """Return one fetched commit."""
        mirror = self._mirror(remote, sha)
        return await self._read(remote, mirror, sha, self._reader.revision(mirror.folder, sha))

    async def history(self, remote: Remote, old: str, new: str) -> History:
        """Return the commits that `new` has and `old` lacks; `new` alone where they share nothing."""
        mirror = self._mirror(remote, new)
        return await self._read(remote, mirror, new, self._reader.history(mirror.folder, old, new))

    async def entries(self, remote: Remote, sha: str, path: str) -> tuple[Entry, ...]:
        """Return the files, symlinks and submodules below `path` of a fetched commit.

        Raises:
            SourceError: PathNotFound, SymlinkRefused, SourceTooLarge.
        """
        mirror = self._mirror(remote, sha)
        return await self._read(remote, mirror, sha, self._reader.entries(mirror.folder, sha, path))

    async def blobs(self, remote: Remote, shas: Iterable[str]) -> Mapping[str, bytes]:
        """Return the content of each blob, by its id."""
        wanted = tuple(dict.fromkeys(shas))
        if not wanted:
            return {}
        mirror = self._mirror(remote, wanted[0])
        return await self._read(remote, mirror, "", self._reader.blobs(mirror.folder, wanted))

    async def retain(self, remotes: Iterable[Remote]) -> None:
        """Give back the disk of every mirror that none of these remotes uses."""
        used = {remote.identity for remote in remotes}
        self._seen = {identity: seen for identity, seen in self._seen.items() if identity in used}
        for name, mirror in list(self._mirrors.items()):
            if name.partition(".")[0] not in used and not mirror.lock.locked():
                del self._mirrors[name]
        for folder in await asyncio.to_thread(lambda: list(self._folder.iterdir())):
            if folder.name.partition(".")[0] not in used and folder.name not in self._mirrors:
                await asyncio.to_thread(store.discard, folder)

    async def aclose(self) -> None:
        """End every look; fetches and reads end with the calls that wait for them."""
        looks = list(self._looks.values())
        for task in looks:
            task.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

    async def _look(self, remote: Remote, seconds: float) -> Refs:
        try:
            async with _deadline(remote, seconds):
                return await self._listed(remote)
        except process.TooMuchOutputError as error:
            raise self._too_many_refs(remote) from error

    async def _listed(self, remote: Remote) -> Refs:
        limit = self._limits.refs * _REF_BYTES
        call = Call(arguments=("ls-remote", "--symref", "--", remote.url), limit=limit, remote=remote)
        answer = await self._git.run(call)
        if answer.code != 0:
            raise complaints.error(remote, answer.complaint)
        if not answer.out and not (await self._git.run(replace(call, traced=True))).complaint:
            raise complaints.error(remote, "fatal: the answer is not that of a Git server")
        if answer.out.count(b"\n") > self._limits.refs:
            raise self._too_many_refs(remote)
        return await asyncio.to_thread(refs.parse, answer.out)

    def _too_many_refs(self, remote: Remote) -> SourceError:
        return SourceError(
            Reason.SOURCE_TOO_LARGE, f"{remote.url}: the remote has more than {self._limits.refs} refs"
        )

    def _looked(self, identity: str, task: asyncio.Task[Refs]) -> None:
        del self._looks[identity]
        if not task.cancelled() and task.exception() is None:
            self._seen[identity] = _Seen(refs=task.result(), at=asyncio.get_running_loop().time())

    async def _bring(self, remote: Remote, mirror: _Mirror, refname: str, sha: str) -> None:
        await self._make_usable(mirror, sha)
        if await self._reader.holds(mirror.folder, sha):
            return
        try:
            await self._fetcher.fetch(remote, mirror.folder, refname)
        except OutgrownError:
            await self._shrink(mirror)
            raise
        except SourceError:
            if await self._reader.sound(mirror.folder):
                raise
            await self._discard(mirror)
            await self._make_usable(mirror, sha)
            await self._fetcher.fetch(remote, mirror.folder, refname)
        if not await self._reader.holds(mirror.folder, sha):
            raise _absent(remote, refname, sha)

    async def _shrink(self, mirror: _Mirror) -> None:
        """Start anew where what was fetched earlier fills half the room: much of it may be needed no more."""
        if await asyncio.to_thread(store.size, mirror.folder) > self._limits.mirror_bytes // 2:
            await self._discard(mirror)

    async def _make_usable(self, mirror: _Mirror, sha: str) -> None:
        if not mirror.tidy:
            await asyncio.to_thread(store.make_usable, mirror.folder, len(sha))
            mirror.tidy = True

    async def _read(
        self, remote: Remote, mirror: _Mirror, sha: str, reading: Coroutine[None, None, _T]
    ) -> _T:
        """Return what a reader returns; a mirror that lost what it had is removed, until the next fetch."""
        complete = mirror.complete
        try:
            async with _deadline(remote, self._limits.read_seconds, "reading the mirror"):
                return await reading
        except process.TooMuchOutputError as error:
            raise SourceError(
                Reason.SOURCE_TOO_LARGE, f"{remote.url}: the commit is too large to read"
            ) from error
        except UnreadableError as error:
            async with mirror.lock:
                if mirror.complete is complete and (sha in complete or (complete and not sha)):
                    await self._discard(mirror)
            raise SourceError(
                Reason.GIT_UNAVAILABLE,
                f"{remote.url}: the mirror lacks a part of the commit; it is fetched again",
            ) from error

    async def _discard(self, mirror: _Mirror) -> None:
        mirror.complete = set()
        mirror.tidy = False
        await asyncio.to_thread(store.discard, mirror.folder)

    def _mirror(self, remote: Remote, sha: str) -> _Mirror:
        """Return the mirror for object ids of this length: a repository has one, whatever a spec asks it for."""
        name = f"{remote.identity}.{len(sha)}"
        return self._mirrors.setdefault(name, _Mirror(folder=self._folder / name))


@asynccontextmanager
async def _deadline(remote: Remote, seconds: float, whose: str = "spec.timeout") -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise SourceError(
            Reason.GIT_TIMEOUT,
            f"{remote.url}: not finished within {seconds:g} s ({whose})",
        ) from error


def _absent(remote: Remote, refname: str, sha: str) -> SourceError:
    if refname == sha:
        return SourceError(Reason.REF_NOT_FOUND, f"{remote.url}: no branch or tag holds a commit {sha}")
    return SourceError(Reason.GIT_UNAVAILABLE, f"{remote.url}: {refname} moved while it was fetched")
