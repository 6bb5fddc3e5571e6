"""Fetch one ref of a remote into a bare repository, within limits on size and time."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from towline import aio
from towline.errors import Reason, SourceError
from towline.source import disk, git_errors
from towline.source.access import Remote
from towline.source.process import ProcessResult
from towline.source.selection import SourceLimits
from towline.source.smart.exchange import Exchanges
from towline.source.smart.first_pack import FirstPacks
from towline.source.transport import GitCommand, Hearing, Transport

_T = TypeVar("_T")

KEPT = "refs/towline"
"""Where what was fetched is kept, under names of our own: no remote can make them collide."""

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_OPTIONS = (
    "--quiet",
    "--progress",
    "--force",
    "--prune",
    "--no-tags",
    "--no-auto-maintenance",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
)
_WHOLE = f"--depth={2**31 - 1}"
"""All of the history; what matters is that git then refuses the unchecked dumb protocol."""

_TIP = "--depth=1"
_MORE = tuple(f"--deepen={10**power}" for power in range(1, 6))
"""The steps in which a history comes that did not come at once: what each of them brings stays."""

_NO_STEPS = "does not support --deepen"
_OUTPUT_BYTES = 1024**2
_WATCH_SECONDS = 0.2
_JOIN_SECONDS = 30.0


class OutgrownError(SourceError):
    """The repository with what arrived is larger than it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A ref of a remote, where it is fetched to, and who hears of it."""

    remote: Remote
    repository: Path
    refname: str
    sha: str
    hear: Callable[[str], None]

    @property
    def kept(self) -> str:
        """The name of our own under which it is kept."""
        return f"{KEPT}/{hashlib.sha256(self.refname.encode()).hexdigest()[:32]}"

    def call(self, depth: str, *refspecs: str) -> GitCommand:
        """Return the command that fetches so much of it."""
        return GitCommand(
            arguments=("fetch", *_OPTIONS, depth, "--", self.remote.url, *refspecs),
            limit=_OUTPUT_BYTES,
            repository=self.repository,
            remote=self.remote,
            hear=self.hear,
        )


class MirrorFetcher:
    """Fetches into bare repositories; the caller sees to it that nobody else writes to the same one."""

    def __init__(self, git: Transport, exchanges: Exchanges, limits: SourceLimits) -> None:
        self._git = git
        self._first_packs = FirstPacks(git, exchanges)
        self._limits = limits

    async def fetch(  # noqa: PLR0913  what is fetched, where to, and who hears of it
        self,
        remote: Remote,
        repository: Path,
        refname: str,
        sha: str,
        hearing: Hearing,
        *,
        found: disk.Contents,
    ) -> disk.Contents:
        """Fetch a ref, which was seen to lead to a commit, or that commit by its id, with its whole history.

        `found` is what the repository holds now; returns what it holds then.

        However this ends, nothing half-written stays. Where a first fetch was cut short, the next one goes in steps,
        and what each of them brought stays.

        Raises:
            OutgrownError: the repository became too large.
            SourceError: the remote failed, or the repository is damaged.
        """
        wanted = _Wanted(remote=remote, repository=repository, refname=refname, sha=sha, hear=hearing.hear)
        if not found.is_empty:
            found = await asyncio.to_thread(disk.tidied, repository)
        try:
            if found.is_partial:
                await self._rest(wanted)
                await asyncio.to_thread(disk.complete, repository)
            elif found.is_empty and await self._first(wanted):
                return await asyncio.to_thread(disk.referred, repository, wanted.kept, sha)
            else:
                await self._step(wanted, _WHOLE)
        except BaseException:
            await asyncio.to_thread(disk.broken_off, repository)
            raise
        return await asyncio.to_thread(disk.settled, repository)

    async def _first(self, wanted: _Wanted) -> bool:
        """Fetch the whole history into an empty repository without `git fetch`; False where that is needed.

        Nothing refers to it yet.
        """
        fetching = self._first_packs.fetch(
            wanted.remote, wanted.repository, wanted.refname, wanted.sha, wanted.hear
        )
        if await self._bounded(wanted, fetching):
            return True
        await asyncio.to_thread(disk.tidy, wanted.repository)
        return False

    async def _rest(self, wanted: _Wanted) -> None:
        """Fetch the tip, if nothing is there yet, and ever more of its history, until that is whole."""
        if await asyncio.to_thread(disk.is_empty, wanted.repository):
            await self._step(wanted, _TIP)
        for depth in (*_MORE, _WHOLE):
            if not await asyncio.to_thread(disk.shallow, wanted.repository):
                return
            if not await self._step(wanted, depth):
                await self._step(wanted, _WHOLE)
                return

    async def _step(self, wanted: _Wanted, depth: str) -> bool:
        """Fetch so much; False where the server cannot do it in steps."""
        remote, refname = wanted.remote, wanted.refname
        answer = await self._fetched(wanted, depth, f"+{refname}:{wanted.kept}")
        if answer.code != 0 and git_errors.withheld(answer.complaint):
            if not _COMMIT.fullmatch(refname):
                raise moved(remote, refname)
            every = (f"+refs/heads/*:{KEPT}/heads/*", f"+refs/tags/*:{KEPT}/tags/*")
            answer = await self._fetched(wanted, depth, *every)
        if answer.code != 0 and _NO_STEPS in answer.complaint:
            return False
        if answer.code != 0:
            raise git_errors.error(remote, answer.complaint)
        return True

    async def fetch_tag(
        self, remote: Remote, repository: Path, refname: str, sha: str, hearing: Hearing
    ) -> None:
        """Fetch an annotated tag whose commit is there already.

        Raises:
            SourceError: the remote failed.
        """
        await self._step(
            _Wanted(remote=remote, repository=repository, refname=refname, sha=sha, hear=hearing.hear), _WHOLE
        )

    async def join(self, repository: Path) -> None:
        """Join many small packs into few; a repository that cannot be joined in time stays as it is."""
        if (await asyncio.to_thread(disk.contents, repository)).packs <= self._limits.packs:
            return
        arguments = ("repack", "--geometric=2", "-d", "--quiet")
        try:
            async with asyncio.timeout(_JOIN_SECONDS):
                await self._git.run(
                    GitCommand(arguments=arguments, repository=repository, limit=_OUTPUT_BYTES)
                )
        except TimeoutError:
            await asyncio.to_thread(disk.tidy, repository)

    async def slim(self, repository: Path) -> bool:
        """Drop objects that no ref reaches, if the repository has doubled since; return True if some may be gone.

        It is not tried again before the next doubling, however it ends.
        """
        size = await asyncio.to_thread(disk.size, repository)
        if size <= 2 * await asyncio.to_thread(disk.weighed, repository) + self._limits.slack_bytes:
            return False
        await asyncio.to_thread(disk.weigh, repository)
        call = GitCommand(
            arguments=("repack", "-a", "-d", "--quiet"), repository=repository, limit=_OUTPUT_BYTES
        )
        await self._git.run(call)
        await asyncio.to_thread(disk.weigh, repository)
        return True

    async def _fetched(self, wanted: _Wanted, depth: str, *refspecs: str) -> ProcessResult:
        return await self._bounded(wanted, self._git.run(wanted.call(depth, *refspecs)))

    async def _bounded(self, wanted: _Wanted, fetching: Coroutine[None, None, _T]) -> _T:
        """Run a fetch; end it when the repository outgrows its limit."""
        running = asyncio.create_task(fetching)
        size = -1
        try:
            while not (await asyncio.wait({running}, timeout=_WATCH_SECONDS))[0]:
                before, size = size, await self._checked_size(wanted)
                if size > before >= 0:
                    wanted.hear("")
            await self._checked_size(wanted)
        finally:
            await aio.end(running)
        return running.result()

    async def _checked_size(self, wanted: _Wanted) -> int:
        size = await asyncio.to_thread(disk.size, wanted.repository)
        if size > self._limits.mirror_bytes:
            limit = self._limits.mirror_bytes
            message = f"{wanted.remote.url}: the repository has more than {limit} bytes"
            raise OutgrownError(Reason.SOURCE_TOO_LARGE, message)
        return size


def moved(remote: Remote, refname: str) -> SourceError:
    """Return the error for a ref that moved, or that not every server behind the address has yet."""
    return SourceError(Reason.GIT_UNAVAILABLE, f"{remote.url}: {refname} moved while it was fetched")
