"""Run one git process; it gets credentials through anonymous memory, never through arguments or environment.

Most repositories need little memory, so every call begins with little; one that does not get by is repeated with much,
few of them at a time.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Protocol, TypeAlias

from towline.errors import CostlyError, Reason, SourceError
from towline.shares import behalf, children, pools
from towline.shares.children import Limiter, Limits, NoShellError
from towline.shares.pools import Pools
from towline.shares.slots import Slots
from towline.source import gitconfig, process
from towline.source.access import Remote
from towline.source.gitconfig import Files
from towline.source.memfd import MemoryFiles
from towline.source.process import ProcessResult, Talk
from towline.source.public_addresses import Addresses

Start: TypeAlias = Callable[[Sequence[str], Path, int, Sequence[int]], "Popen[bytes]"]
"""Starts a command in a folder and a session of its own, with an input and further descriptors to inherit."""

Waiting: TypeAlias = Callable[[], None]
"""Is called again and again while a call waits until it is its turn."""

NO_REPOSITORY = Path(os.devnull)
"""The repository of a call that needs none; git then looks for no other."""

LOCAL_CPU = 60
_REMOTE_CPU = 600
"""Seconds of processor time for one git process that reads a mirror, and for one that fetches."""

_WAITING_SECONDS = 1.0
"""How often a call that waits for its turn says so."""

IN_LINE = "in line"
"""What is heard of a fetch then."""

_STARVED = re.compile(
    r"unable to (?:fork off|create thread|create async)|malloc|mmap failed"
    r"|bad pack header|index-pack (?:died|failed)",
    re.IGNORECASE,
)
"""What git and its children say besides, in many ways, where they may allocate no more."""


LONGEST = 10
"""A fetch that is never silent for long may take so many times as long as it may be silent."""

_PROGRESS = re.compile(r"(?:remote: )?(?P<step>[A-Z][a-z]+ [a-z]+): +(?P<percent>\d{1,3})%")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitCommand:
    """One git command on one bare repository.

    `limit` bounds its output in bytes; `remote` is whom it talks to, None where it stays on this machine. Where it is
    `traced`, standard error shows the packets of the smart protocol, and nothing where the other side speaks none.
    `hear` is told of each line of progress. `talk` sends it what it reads, instead of `stdin`, and may read what it
    answers; so it cannot be repeated with more memory. `settings` are lines that its configuration has besides, and
    `variables` are in its environment as `NAME=value`. `program` is the path of another program, empty for git itself.
    """

    arguments: tuple[str, ...]
    limit: int
    program: str = ""
    settings: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    repository: Path = NO_REPOSITORY
    remote: Remote | None = None
    stdin: bytes = b""
    traced: bool = False
    hear: Callable[[str], None] | None = None
    talk: Callable[[Talk], Awaitable[None]] | None = None


class GitRunner(Protocol):
    """Runs git commands."""

    async def run(self, call: GitCommand) -> ProcessResult:
        """Run one command until it ends."""


class Transport:
    """Runs git with nothing of the operator's own environment and configuration."""

    def __init__(self, folder: Path, start: Start, addresses: Addresses | None, pools: Pools) -> None:
        self._folder = folder
        self._addresses = addresses
        self._start = start
        self._pools = pools
        self._git = shutil.which("git")
        self._limiter = Limiter()

    async def run(self, call: GitCommand, waiting: Waiting | None = None) -> ProcessResult:
        """Run git until it ends; ending this call, for whatever cause, ends git and all its children.

        `waiting`, or else `call.hear`, is called every second while others have the turn.

        Raises:
            SpecError: the remote's address is refused.
            SourceError: git is not installed, or the remote has no address.
            process.TooMuchOutputError: it wrote more than `call.limit`.
        """
        if waiting is None and call.hear:
            waiting = partial(call.hear, IN_LINE)
        if call.remote is None:
            return await self._in_turn(call, waiting)
        slots = self._pools.looks if call.arguments[0] == "ls-remote" else self._pools.fetches
        async with self._reached(call.remote, slots, waiting) as remote:
            if call.hear:
                call.hear("")  # it is its turn
            return await self._in_turn(replace(call, remote=remote), waiting)

    def look(self, remote: Remote, waiting: Waiting | None = None) -> AbstractAsyncContextManager[Remote]:
        """Yield a remote when it may be looked at, with its address where that must not be looked up again.

        `waiting` is called every second while others have the turn.

        Raises:
            SpecError: the remote's address is refused.
            SourceError: it has no address.
        """
        return self._reached(remote, self._pools.looks, waiting)

    def fetching(self, remote: Remote, waiting: Waiting | None = None) -> AbstractAsyncContextManager[Remote]:
        """Yield a remote when it may be fetched from, without git; else as `look`."""
        return self._reached(remote, self._pools.fetches, waiting)

    @asynccontextmanager
    async def _reached(
        self, remote: Remote, slots: Callable[[str], Slots], waiting: Waiting | None
    ) -> AsyncIterator[Remote]:
        pinned = await self._addresses.pinned(remote) if self._addresses else remote
        async with _slot(
            slots(remote.host), waiting
        ):  # asked for only now: idle ones are forgotten meanwhile
            yield pinned

    async def _in_turn(self, call: GitCommand, waiting: Waiting | None) -> ProcessResult:
        async with _slot(self._pools.children, waiting):
            result = await self._ran(call, pools.CHILD_MEMORY)
            if result.code == 0 or call.talk or not _is_starved(result.complaint):
                return result
            async with _slot(self._pools.large, waiting):
                return await self._ran(call, self._pools.large_memory)

    async def _ran(self, call: GitCommand, memory: int) -> ProcessResult:
        with MemoryFiles() as kept:
            with MemoryFiles() as lent:
                started = self._started(call, memory, lent, kept)
            return await process.finish(started, call.limit, call.hear, call.talk)

    def _started(self, call: GitCommand, memory: int, lent: MemoryFiles, kept: MemoryFiles) -> Popen[bytes]:
        if self._git is None:
            raise SourceError(Reason.GIT_UNAVAILABLE, "git is not installed where the operator runs")
        files = _files(call.remote, lent, kept) if call.remote else Files()
        config = lent.inherited(gitconfig.render(call.remote, files, call.settings))
        environment = gitconfig.environment(config, str(self._folder), call.remote, files)
        traced = ("GIT_TRACE_PACKET=1",) if call.traced else ()
        more = (f"GIT_DIR={call.repository}", *traced, *call.variables)
        seconds = _REMOTE_CPU if call.remote else LOCAL_CPU
        limits = Limits(memory=memory, seconds=seconds)
        try:
            command = self._limiter.limited(
                limits, (*environment, *more), (call.program or self._git, *call.arguments)
            )
        except NoShellError as error:
            message = "git cannot be limited: sh or env is not installed where the operator runs"
            raise SourceError(Reason.GIT_UNAVAILABLE, message) from error
        inherited = tuple(lent.descriptors)
        stdin = PIPE if call.talk else lent.descriptor(call.stdin)
        started = self._start(command, self._folder, stdin, inherited)
        if self._pools.usage.is_much(behalf.key()):
            children.step_back(started.pid)
        return started


def _is_starved(complaint: str) -> bool:
    return children.is_starved(complaint) or _STARVED.search(complaint) is not None


@asynccontextmanager
async def _slot(slots: Slots, waiting: Waiting | None) -> AsyncIterator[None]:
    """Hold a slot for the repository that asks; call `waiting` every second until there is one."""
    number = slots.at_once(behalf.key())
    if number is None:
        with _ticking(waiting):
            number = await slots.begin(behalf.key())
    try:
        yield
    finally:
        slots.end(number)


@contextmanager
def _ticking(act: Waiting | None) -> Iterator[None]:
    """Call `act` every second until the block ends."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def tick() -> None:
        nonlocal timer
        if act:
            act()
        timer = loop.call_later(_WAITING_SECONDS, tick)

    timer = loop.call_later(_WAITING_SECONDS, tick)
    try:
        yield
    finally:
        timer.cancel()


@asynccontextmanager
async def deadline(remote: Remote, seconds: float, what: str) -> AsyncIterator[None]:
    """Cancel the block, which reads what was fetched, after so many seconds; `what` names what it does.

    Raises:
        CostlyError: GitTimeout.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise overdue(remote, f"{seconds:g} s", what) from error


def overdue(remote: Remote, budget: str, what: str) -> CostlyError:
    """Return the error of reading something that took more than its budget."""
    return CostlyError(Reason.GIT_TIMEOUT, f"{remote.url}: not finished within {budget} ({what})")


class Hearing:
    """What is heard of the fetch into one repository, whoever of those that wait for it has begun it."""

    def __init__(self) -> None:
        self._listeners: set[Callable[[], None]] = set()
        self.progress = ""
        self.is_in_line = False

    def hear(self, said: str = "") -> None:
        """Give everybody who waits more time; `said` is a line in which git tells how far it is, or `IN_LINE`."""
        self.is_in_line = said == IN_LINE
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
