"""Fetch one ref of a remote into a bare repository, within limits on size and time."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path

from towline import aio
from towline.errors import Reason, SourceError
from towline.source import disk, git_errors
from towline.source.access import Remote
from towline.source.process import ProcessResult
from towline.source.selection import SourceLimits
from towline.source.transport import GitCommand, Transport

KEPT = "refs/towline"
"""Where what was fetched is kept, under names of our own: no remote can make them collide."""

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_OPTIONS = (
    "--quiet",
    "--force",
    "--prune",
    "--no-tags",
    f"--depth={2**31 - 1}",  # all of it; what matters is that git then refuses the unchecked dumb protocol
    "--no-auto-maintenance",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
)
_OUTPUT_BYTES = 1024**2
_WATCH_SECONDS = 0.2
_JOIN_SECONDS = 30.0


class OutgrownError(SourceError):
    """The repository with what arrived is larger than it may be."""


class MirrorFetcher:
    """Fetches into bare repositories; the caller sees to it that nobody else writes to the same one."""

    def __init__(self, git: Transport, limits: SourceLimits) -> None:
        self._git = git
        self._limits = limits

    async def fetch(self, remote: Remote, repository: Path, refname: str) -> None:
        """Fetch a ref, or a commit by its id, with its whole history.

        However this ends, nothing half-written stays.

        Raises:
            OutgrownError: the repository became too large.
            SourceError: the remote failed, or the repository is damaged.
        """
        kept = f"{KEPT}/{hashlib.sha256(refname.encode()).hexdigest()[:32]}"
        await asyncio.to_thread(disk.tidy, repository)
        try:
            answer = await self._bounded(_call(remote, repository, f"+{refname}:{kept}"))
            if answer.code != 0 and git_errors.withheld(answer.complaint):
                if not _COMMIT.fullmatch(refname):
                    raise moved(remote, refname)
                every = (f"+refs/heads/*:{KEPT}/heads/*", f"+refs/tags/*:{KEPT}/tags/*")
                answer = await self._bounded(_call(remote, repository, *every))
        finally:
            await asyncio.to_thread(disk.tidy, repository)
        if answer.code != 0:
            raise git_errors.error(remote, answer.complaint)
        await asyncio.to_thread(disk.weighed, repository)

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
        try:
            while not (await asyncio.wait({running}, timeout=_WATCH_SECONDS))[0]:
                await self._check_size(call)
            await self._check_size(call)
        finally:
            await aio.end(running)
        return running.result()

    async def _check_size(self, call: GitCommand) -> None:
        if await asyncio.to_thread(disk.size, call.repository) > self._limits.mirror_bytes:
            url = call.remote.url if call.remote else ""
            limit = self._limits.mirror_bytes
            raise OutgrownError(Reason.SOURCE_TOO_LARGE, f"{url}: the repository has more than {limit} bytes")


def moved(remote: Remote, refname: str) -> SourceError:
    """Return the error for a ref that moved, or that not every server behind the address has yet."""
    return SourceError(Reason.GIT_UNAVAILABLE, f"{remote.url}: {refname} moved while it was fetched")


def _call(remote: Remote, repository: Path, *refspecs: str) -> GitCommand:
    return GitCommand(
        arguments=("fetch", *_OPTIONS, "--", remote.url, *refspecs),
        limit=_OUTPUT_BYTES,
        repository=repository,
        remote=remote,
    )
