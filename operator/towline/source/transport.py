"""Run one git process; it gets credentials through anonymous memory, never through arguments or environment."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import Popen
from typing import TypeAlias
from weakref import WeakValueDictionary

from towline.errors import Reason, SourceError
from towline.source import gitconfig, process
from towline.source.access import Remote
from towline.source.gitconfig import Files
from towline.source.memfd import MemoryFiles
from towline.source.process import ProcessResult
from towline.source.public_addresses import Addresses

Start: TypeAlias = Callable[[Sequence[str], Path, int, Sequence[int]], "Popen[bytes]"]
"""Starts a command in a folder and a session of its own, with an input and further descriptors to inherit."""

NO_REPOSITORY = Path(os.devnull)
"""The repository of a call that needs none; git then looks for no other."""

_PER_HOST = 8
"""Git processes and requests to one host at a time: a silent host delays no other."""

_LOCAL = 6
"""Git processes that read mirrors at the same time."""


LONGEST = 10
"""A fetch that is never silent for long may take so many times as long as it may be silent."""

_PROGRESS = re.compile(r"(?:remote: )?(?P<step>[A-Z][a-z]+ [a-z]+): +(?P<percent>\d{1,3})%")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitCommand:
    """One git command on one bare repository.

    `limit` bounds its output in bytes; `remote` is whom it talks to, None where it stays on this machine. Where it is
    `traced`, standard error shows the packets of the smart protocol, and nothing where the other side speaks none.
    `hear` is told of each line of progress.
    """

    arguments: tuple[str, ...]
    limit: int
    repository: Path = NO_REPOSITORY
    remote: Remote | None = None
    stdin: bytes = b""
    traced: bool = False
    hear: Callable[[str], None] | None = None


class Transport:
    """Runs git with nothing of the operator's own environment and configuration."""

    def __init__(self, folder: Path, start: Start, addresses: Addresses | None, memory_bytes: int) -> None:
        self._folder = folder
        self._memory = memory_bytes
        self._addresses = addresses
        self._start = start
        self._local = asyncio.Semaphore(_LOCAL)
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._command = tuple(shutil.which(name) for name in ("env", "git"))

    async def run(self, call: GitCommand) -> ProcessResult:
        """Run git until it ends; ending this call, for whatever cause, ends git and all its children.

        Raises:
            SpecError: the remote's address is refused.
            SourceError: git is not installed, or the remote has no address.
            process.TooMuchOutputError: it wrote more than `call.limit`.
        """
        if call.remote is None:
            async with self._local:
                return await self._ran(call)
        async with self.reach(call.remote) as remote:
            return await self._ran(replace(call, remote=remote))

    @asynccontextmanager
    async def reach(self, remote: Remote) -> AsyncIterator[Remote]:
        """Yield a remote that may be asked now, with the address to ask it at where that must not be looked up again.

        Raises:
            SpecError: the remote's address is refused.
            SourceError: it has no address.
        """
        pinned = await self._addresses.pinned(remote) if self._addresses else remote
        async with self._hosts.setdefault(remote.host, asyncio.Semaphore(_PER_HOST)):
            yield pinned

    async def _ran(self, call: GitCommand) -> ProcessResult:
        with MemoryFiles() as kept:
            with MemoryFiles() as lent:
                started = self._started(call, lent, kept)
            return await process.finish(started, call.limit, call.hear)

    def _started(self, call: GitCommand, lent: MemoryFiles, kept: MemoryFiles) -> Popen[bytes]:
        env, git = self._command
        if env is None or git is None:
            raise SourceError(Reason.GIT_UNAVAILABLE, "git is not installed where the operator runs")
        files = _files(call.remote, lent, kept) if call.remote else Files()
        config = lent.inherited(gitconfig.render(call.remote, files))
        environment = gitconfig.environment(config, str(self._folder), call.remote, files)
        more = (f"GIT_DIR={call.repository}", *(("GIT_TRACE_PACKET=1",) if call.traced else ()))
        command = (env, "-i", *environment, *more, git, *call.arguments)
        inherited = tuple(lent.descriptors)
        started = self._start(command, self._folder, lent.descriptor(call.stdin), inherited)
        self._bound(started.pid)
        return started

    def _bound(self, process: int) -> None:
        """Limit the memory of a process and its children, so that it fails before the kernel kills the operator."""
        with suppress(ProcessLookupError):
            resource.prlimit(process, resource.RLIMIT_AS, (self._memory, self._memory))


@asynccontextmanager
async def deadline(remote: Remote, seconds: float, whose: str = "spec.timeout") -> AsyncIterator[None]:
    """Cancel the block after so many seconds; `whose` names the setting that they come from.

    Raises:
        SourceError: GitTimeout.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise SourceError(
            Reason.GIT_TIMEOUT,
            f"{remote.url}: not finished within {seconds:g} s ({whose})",
        ) from error


class Hearing:
    """What is heard of the fetch into one repository, whoever of those that wait for it has begun it."""

    def __init__(self) -> None:
        self._listeners: set[Callable[[], None]] = set()
        self.progress = ""

    def hear(self, said: str = "") -> None:
        """Give everybody who waits more time; `said` is a line in which git tells how far it is."""
        if found := _PROGRESS.match(said):
            self.progress = f"{found['step'].lower()}, {found['percent']} %"
        for heard in self._listeners:
            heard()

    @contextmanager
    def listened(self, heard: Callable[[], None]) -> Iterator[None]:
        """Call `heard` whenever something is heard, until the block ends."""
        if not self._listeners:
            self.progress = ""
        self._listeners.add(heard)
        try:
            yield
        finally:
            self._listeners.discard(heard)


@asynccontextmanager
async def patience(remote: Remote, seconds: float, hearing: Hearing) -> AsyncIterator[None]:
    """Cancel the block after so many seconds of silence, and at any rate after `LONGEST` times as many.

    Raises:
        SourceError: GitTimeout.
    """
    loop = asyncio.get_running_loop()
    latest = loop.time() + LONGEST * seconds
    try:
        async with asyncio.timeout(seconds) as limit:

            def heard() -> None:
                if not limit.expired():
                    limit.reschedule(min(loop.time() + seconds, latest))

            with hearing.listened(heard):
                yield
    except TimeoutError as error:
        over = loop.time() >= latest
        why = (
            f"{LONGEST * seconds:g} s ({LONGEST} times spec.timeout)"
            if over
            else f"{seconds:g} s (spec.timeout)"
        )
        told = f"; it had come to {hearing.progress}, and what arrived is kept" if hearing.progress else ""
        raise SourceError(Reason.GIT_TIMEOUT, f"{remote.url}: not finished within {why}{told}") from error


def _files(remote: Remote, lent: MemoryFiles, kept: MemoryFiles) -> Files:
    """Write the files that git reads: git inherits their descriptors; ssh, which closes those, gets paths."""
    if remote.scheme != "ssh":
        return Files(ca=lent.inherited(remote.ca) if remote.ca else "")
    return Files(
        key=kept.ours(remote.key),
        known_hosts=kept.ours(remote.known_hosts),
        askpass=kept.ours(gitconfig.askpass(remote.password)) if remote.password else "",
    )
