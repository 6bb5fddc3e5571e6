"""Fetch one ref of a remote into a bare repository, within limits on size and time."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from towline import aio
from towline.errors import Reason, SourceError
from towline.source import disk, git_errors
from towline.source.access import Remote
from towline.source.process import ProcessResult
from towline.source.selection import SourceLimits
from towline.source.transport import GitCommand, Hearing, Transport

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
    hear: Callable[[str], None]

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

    def __init__(self, git: Transport, limits: SourceLimits) -> None:
        self._git = git
        self._limits = limits

    async def fetch(self, remote: Remote, repository: Path, refname: str, hearing: Hearing) -> None:
        """Fetch a ref, or a commit by its id, with its whole history.

        However this ends, nothing half-written stays. Where a first fetch was cut short, the next one goes in steps,
        and what each of them brought stays.

        Raises:
            OutgrownError: the repository became too large.
            SourceError: the remote failed, or the repository is damaged.
        """
        wanted = _Wanted(remote=remote, repository=repository, refname=refname, hear=hearing.hear)
        await asyncio.to_thread(disk.tidy, repository)
        whole = False
        try:
            if await asyncio.to_thread(disk.is_partial, repository):
                await self._rest(wanted)
                await asyncio.to_thread(disk.complete, repository)
            else:
                await self._step(wanted, _WHOLE)
            whole = True
        finally:
            if not whole and await asyncio.to_thread(disk.is_interrupted, repository):
                await asyncio.to_thread(disk.begin, repository)
            await asyncio.to_thread(disk.tidy, repository)
        await asyncio.to_thread(disk.weighed, repository)

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
        kept = f"{KEPT}/{hashlib.sha256(refname.encode()).hexdigest()[:32]}"
        answer = await self._bounded(wanted.call(depth, f"+{refname}:{kept}"))
        if answer.code != 0 and git_errors.withheld(answer.complaint):
            if not _COMMIT.fullmatch(refname):
                raise moved(remote, refname)
            every = (f"+refs/heads/*:{KEPT}/heads/*", f"+refs/tags/*:{KEPT}/tags/*")
            answer = await self._bounded(wanted.call(depth, *every))
        if answer.code != 0 and _NO_STEPS in answer.complaint:
            return False
        if answer.code != 0:
            raise git_errors.error(remote, answer.complaint)
        return True

    async def join(self, repository: Path) -> None:
        """Join many small packs into few; a repository that cannot be joined in time stays as it is."""
        if await asyncio.to_thread(disk.packs, repository) <= self._limits.packs:
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

    async def _bounded(self, call: GitCommand) -> ProcessResult:
        """Run a fetch; end it when the repository outgrows its limit."""
        running = asyncio.ensure_future(self._git.run(call))
        size = -1
        try:
            while not (await asyncio.wait({running}, timeout=_WATCH_SECONDS))[0]:
                before, size = size, await self._checked_size(call)
                if size > before >= 0 and call.hear:
                    call.hear("")
            await self._checked_size(call)
        finally:
            await aio.end(running)
        return running.result()

    async def _checked_size(self, call: GitCommand) -> int:
        size = await asyncio.to_thread(disk.size, call.repository)
        if size > self._limits.mirror_bytes:
            url = call.remote.url if call.remote else ""
            limit = self._limits.mirror_bytes
            raise OutgrownError(Reason.SOURCE_TOO_LARGE, f"{url}: the repository has more than {limit} bytes")
        return size


def moved(remote: Remote, refname: str) -> SourceError:
    """Return the error for a ref that moved, or that not every server behind the address has yet."""
    return SourceError(Reason.GIT_UNAVAILABLE, f"{remote.url}: {refname} moved while it was fetched")
