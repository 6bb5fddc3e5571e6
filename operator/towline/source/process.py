"""Wait for a child process without a thread, with limits on time and output, and kill whatever it leaves."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from subprocess import Popen
from typing import IO, TypeVar

_T = TypeVar("_T")
_INLINE_BYTES = 64 * 1024
"""Bytes that are parsed within a few milliseconds; more than that is parsed in a thread."""

_COMPLAINT_LIMIT = 64 * 1024
_TAKEN_BACK = re.compile(rb"(?<![^\r\n])(?:[^\r\n]*+\r(?!\n)|[^\r\n]*: +100% \(\d+/\d+\)[^\r\n]*\n)")
"""A line of progress: the next one overwrites it, or it says that a step is done.

Only where a line begins: a long line of a hostile server would be searched anew from each of its letters.
"""

_GRACE = 2.0
"""Seconds that a killed process may need to vanish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessResult:
    """How a process ended: exit code, standard output, and the first 64 KiB of standard error."""

    code: int
    out: bytes
    complaint: str

    @property
    def is_spent(self) -> bool:
        """Whether it was ended because it had computed for as long as it may."""
        return self.code == -signal.SIGXCPU


class TooMuchOutputError(Exception):
    """The process wrote more than its limit."""


async def parsed(output: bytes, parse: Callable[[bytes], _T]) -> _T:
    """Return what `parse` makes of what git or its server sent, without holding up the event loop."""
    return parse(output) if len(output) <= _INLINE_BYTES else await asyncio.to_thread(parse, output)


async def finish(
    process: Popen[bytes],
    limit: int,
    hear: Callable[[str], None] | None = None,
    talk: Callable[[Talk], Awaitable[None]] | None = None,
) -> ProcessResult:
    """Collect what a process writes, at most `limit` bytes, until it ends.

    `hear` is called with each line of progress on standard error; such lines are no part of the complaint. `talk` sends
    it what it reads, which ends when this returns; what it raises ends the process and is raised here.
    The process must lead its own session. Whatever ends this call (also a cancellation), the process and
    everything in its group is killed and reaped.

    Raises:
        TooMuchOutputError: it wrote more than `limit` bytes.
    """
    try:
        plain = _Collector(limit, process)
        said = _Progress(_COMPLAINT_LIMIT, hear) if hear else _Collector(_COMPLAINT_LIMIT, None)
        async with _collected(process.stdout, plain) as out, _collected(process.stderr, said) as complaint:
            if talk and process.stdin:
                await _talked(process.stdin, plain, talk)
            await out.ended
            await complaint.ended
            await _exited(process)
    finally:
        _kill(process)
        await _reap(process)
        _close(process)
    if out.overflowed:
        raise TooMuchOutputError
    return ProcessResult(
        code=process.returncode,
        out=bytes(out.content),
        complaint=bytes(complaint.content).decode("utf-8", "replace"),
    )


class _Collector(asyncio.Protocol):
    """Keeps the first `limit` bytes of a pipe; where `owner` is given, more than that kills it."""

    def __init__(self, limit: int, owner: Popen[bytes] | None) -> None:
        self.content = bytearray()
        self.overflowed = False
        self.ended = asyncio.get_running_loop().create_future()
        self.came = asyncio.Event()
        self._limit = limit
        self._owner = owner

    def data_received(self, chunk: bytes) -> None:
        room = self._limit - len(self.content)
        self.content += chunk[:room]
        self.came.set()
        if len(chunk) > room and self._owner and not self.overflowed:
            self.overflowed = True
            _kill(self._owner)

    def connection_lost(self, error: Exception | None) -> None:
        del error  # a pipe that breaks has ended; the exit code tells the rest
        self.came.set()
        if not self.ended.done():
            self.ended.set_result(None)


class Talk:
    """A process that is talked to: it is sent what it reads, and its answers are read before it ends."""

    def __init__(self, pipe: IO[bytes], out: _Collector) -> None:
        self._descriptor = pipe.fileno()
        self._out = out
        os.set_blocking(self._descriptor, False)

    async def send(self, content: bytes) -> None:
        """Send something, as fast as the process reads; nothing happens where it reads no more."""
        left = memoryview(content)
        with suppress(BrokenPipeError):
            while left:
                try:
                    left = left[os.write(self._descriptor, left) :]
                except BlockingIOError:
                    await self._writable()

    async def answer(self, known: int) -> bytes:
        """Return what it has written, as soon as that is more than `known` bytes, or nothing more comes."""
        while len(self._out.content) <= known and not self._out.ended.done():
            self._out.came.clear()
            await self._out.came.wait()
        return bytes(self._out.content)

    async def _writable(self) -> None:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        loop.add_writer(self._descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._descriptor)


async def _talked(pipe: IO[bytes], out: _Collector, talk: Callable[[Talk], Awaitable[None]]) -> None:
    try:
        await talk(Talk(pipe, out))
    finally:
        with suppress(BrokenPipeError):
            pipe.close()


class _Progress(_Collector):
    """Tells of each line that a carriage return takes back, and keeps the others."""

    def __init__(self, limit: int, hear: Callable[[str], None]) -> None:
        super().__init__(limit, None)
        self._hear = hear

    def data_received(self, chunk: bytes) -> None:
        super().data_received(chunk)
        for line in _TAKEN_BACK.findall(bytes(self.content)):
            self._hear(line.decode("utf-8", "replace").strip())
        self.content[:] = _TAKEN_BACK.sub(b"", bytes(self.content))


@asynccontextmanager
async def _collected(pipe: IO[bytes] | None, collector: _Collector) -> AsyncIterator[_Collector]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: collector, pipe)
    try:
        yield collector
    finally:
        transport.close()


async def _exited(process: Popen[bytes]) -> None:
    """Wait until the process has ended without reaping it, so that its group's number stays its own."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    descriptor = os.pidfd_open(process.pid)
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _kill(process: Popen[bytes]) -> None:
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


async def _reap(process: Popen[bytes]) -> None:
    if process.returncode is None:
        async with asyncio.timeout(_GRACE):
            await _exited(process)
        process.wait()
    while _reap_orphan(process.pid):
        pass


def _close(process: Popen[bytes]) -> None:
    """Close what was not attached yet when a cancellation came; in the middle of that, the loop may have closed it."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            with suppress(OSError):
                pipe.close()


def _reap_orphan(group: int) -> bool:
    """Reap one grandchild, if we are process 1 (as in a container) and inherited it."""
    try:
        return os.waitpid(-group, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False
