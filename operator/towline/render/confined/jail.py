"""Run a tool on copies of files, confined: no environment, PATH or network, limits from its first instruction on."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from io import FileIO
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import NamedTuple

from towline import log, text
from towline.render.confined import landlock
from towline.shares import behalf, children
from towline.shares.children import Limiter, Limits, NoShellError
from towline.shares.pools import MIB, Pools
from towline.source import process
from towline.source.process import ProcessResult, TooMuchOutputError

_log = log.logger(__name__)

SECONDS = 60.0
"""How long a tool may run."""

MEMORY = 192 * MIB
"""What it may allocate at first; when measured, kustomize took less for a thousand objects, and Helm for any chart."""

LARGE_MEMORY = 512 * MIB
"""What it may allocate where that did not suffice, and the machine has as much for large children."""

OUTPUT = 32 * MIB
_FILE = 64 * MIB
_DESCRIPTORS = 256
_PREFIX = "render-"

_PROGRAMS = ("/bin", "/usr", "/lib", "/lib64", "/etc/ld.so.cache")
"""Where programs and their libraries are, with nothing in it that a tool must not see."""

_WRITABLE = "/dev/null"

_NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl", "/etc/pki")
"""What is read to find a host by its name, and to check its certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one run gets that others do not.

    Attributes:
        environment: variables, which may be secret.
        network: whether it may use TCP.
        collects_late: whether a tool in Go collects garbage only once it holds half of its memory. One that ends soon
            does not spend a fifth of its time on that then; one whose time goes with its memory gets slower.
    """

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    network: bool = False
    collects_late: bool = False


CONFINED = Grant()


class JailError(Exception):
    """The tool could not run to its end; the message says why. Another attempt may succeed where it is `passing`."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.message = message
        self.passing = passing


class TimedOutError(JailError):
    """The tool did not end within its time."""


class _StarvedError(JailError):
    """The tool asked for more memory than it may have."""


class Run(NamedTuple):
    """How a tool ended, and after how many seconds; `root` is where the files were, which its complaint may name."""

    result: ProcessResult
    root: str
    seconds: float


class _Start(NamedTuple):
    """What is started: a command, which other programs it may run, where its files are, and what it is granted."""

    command: Sequence[str]
    programs: Sequence[str]
    place: Path
    grant: Grant

    @property
    def reads(self) -> tuple[str, ...]:
        """What it may read and execute."""
        network = _NETWORK if self.grant.network else ()
        return (*_PROGRAMS, *network, self.command[0], *self.programs, str(self.place / "confined"))


class Jail:
    """Runs tools within what all repositories share.

    Args:
        folder: where copies of files are; what an earlier process has left there is deleted.
        pools: what repositories share.
        seconds: how long a tool may run.
    """

    def __init__(self, folder: Path, pools: Pools, seconds: float = SECONDS) -> None:
        self._folder = folder.resolve()
        self._pools = pools
        self._seconds = seconds
        self._limiter = Limiter()
        self._has_landlock = landlock.version() > 0
        if not self._has_landlock:
            _log.info("no Landlock: renders are confined without it")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.glob(f"{_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)

    @property
    def width(self) -> int:
        """How many tools one repository should have run at a time: half of what all of them may."""
        return self._pools.renders_each

    async def run(
        self,
        command: Sequence[str],
        files: Mapping[str, bytes],
        programs: Sequence[str] = (),
        grant: Grant = CONFINED,
    ) -> Run:
        """Copy files, run a tool in the folder that is their root, and delete them, however it ends.

        Args:
            command: the tool by its absolute path, and its arguments.
            files: what it may read, by paths from the root.
            programs: which others it may run, by their absolute paths.
            grant: what it gets besides.

        Raises:
            JailError: it could not be started, or it exceeded a limit.
        """
        key = behalf.key()
        async with self._pools.renders.take(key):
            try:
                self._check_room(files)
                async with self._place() as place:
                    await _finished(partial(_write, place, files))
                    root = place / "confined" / "root"
                    begun = self._pools.clock()
                    result = await self._in_memory(_Start(command, programs, place, grant))
                    return Run(result, str(root), self._pools.clock() - begun)
            except OSError as error:
                why = "no space is left" if error.errno in {errno.ENOSPC, errno.EDQUOT} else error.strerror
                raise JailError(f"the files of the unit cannot be copied: {why}", passing=True) from error

    def _check_room(self, files: Mapping[str, bytes]) -> None:
        """Refuse files that would not fit even if nothing else was there."""
        room = os.statvfs(self._folder)
        size = sum(len(content) for content in files.values())
        if room.f_blocks and size > room.f_blocks * room.f_frsize:
            message = (
                f"the build reads {text.size(size)}, more than the {text.size(room.f_blocks * room.f_frsize)} that "
                "there are for renders (renders.size of the chart): split it"
            )
            raise JailError(message, passing=False)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[Path]:
        place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._folder))
        try:
            yield place
        finally:
            await _finished(partial(shutil.rmtree, place, ignore_errors=True))

    async def _in_memory(self, start: _Start) -> ProcessResult:
        """Run a tool, and once more with more memory where it needs that: few do, and few may at a time."""
        try:
            return await self._ran(start, MEMORY)
        except _StarvedError:
            async with self._pools.large.take(behalf.key()):
                return await self._ran(start, min(LARGE_MEMORY, self._pools.large_memory))

    async def _ran(self, start: _Start, memory: int) -> ProcessResult:
        started = self._start(self._limited(memory, start), start)
        if self._pools.render_usage.is_much(behalf.key()):
            children.step_back(started.pid)
        try:
            async with asyncio.timeout(self._seconds):
                result = await process.finish(started, OUTPUT)
        except TimeoutError as error:
            message = f"the render took more than {self._seconds:g} s: split it into units next to each other"
            raise TimedOutError(message, passing=True) from error
        except TooMuchOutputError as error:
            raise JailError(f"the render wrote more than {OUTPUT // MIB} MiB", passing=False) from error
        if result.code < 0:
            raise JailError(
                f"the render was killed (signal {-result.code}): it takes too long, or the machine has no memory left",
                passing=True,
            )
        if children.is_starved(result.complaint):
            raise _StarvedError(f"the render took more than {memory // MIB} MiB: split it", passing=False)
        return result

    def _start(self, limited: Sequence[str], asked: _Start) -> Popen[bytes]:
        """Start a command in a thread that is made for it: where the kernel has Landlock, that stays confined."""

        def start() -> Popen[bytes]:
            if self._has_landlock:
                landlock.confine(
                    asked.reads, (str(asked.place / "home"), _WRITABLE), network=asked.grant.network
                )
            return _started(limited, asked)

        with ThreadPoolExecutor(1) as made_for_it:
            return made_for_it.submit(start).result()

    def _limited(self, memory: int, start: _Start) -> Sequence[str]:
        limits = Limits(memory=memory, seconds=int(self._seconds), file_bytes=_FILE, descriptors=_DESCRIPTORS)
        home = str(start.place / "home")
        environment = {
            "HOME": home,
            "TMPDIR": home,
            "XDG_CONFIG_HOME": home,
            "XDG_CACHE_HOME": home,
            "XDG_DATA_HOME": home,
            "PATH": "/nonexistent",
            "GOMAXPROCS": "1",
        }
        if start.grant.collects_late:
            environment |= {"GOGC": "off", "GOMEMLIMIT": str(memory // 2)}
        variables = (f"{name}={value}" for name, value in environment.items())
        try:
            return self._limiter.limited(
                limits, variables, start.command, inherits=bool(start.grant.environment)
            )
        except NoShellError as error:
            raise JailError("sh or env is not installed where the operator runs", passing=True) from error


async def _finished(work: Callable[[], None]) -> None:
    """Do work in a thread, to its end also where the caller is cancelled: what it writes must not come too late."""
    doing = asyncio.create_task(asyncio.to_thread(work))
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait({doing})
        raise


def _started(command: Sequence[str], start: _Start) -> Popen[bytes]:
    return Popen(  # noqa: S603  a fixed binary, and arguments of ours
        command,
        cwd=start.place / "confined" / "root",
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
        env=start.grant.environment,
    )


def _write(place: Path, files: Mapping[str, bytes]) -> None:
    """Write files below `confined/root`: two levels deep, so that what leads out by two steps is still in the place."""
    root = place / "confined" / "root"
    root.mkdir(mode=0o700, parents=True)
    (place / "home").mkdir(mode=0o700)
    for folder in sorted({path.rpartition("/")[0] for path in files}):
        (root / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, content in files.items():
        descriptor = os.open(f"{root}/{path}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            _write_all(file, content)


def _write_all(file: FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
