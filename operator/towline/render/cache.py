"""Remember manifests by blob, so that equal content is parsed once for all files and GitRepositories."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TypeAlias

from towline import aio
from towline.errors import BuildError
from towline.model import Manifest
from towline.render import build_report
from towline.render.parse_turns import ParseTurns
from towline.render.rendered import Bounds, Reading, Rendered, Total, rendered
from towline.render.sops import opened_files
from towline.render.sops.opened_files import UnopenedError

File: TypeAlias = tuple[str, str, int]
"""Path from the repository root, Git object id of the content, size in bytes."""
Read: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, bytes]]]
"""Returns the contents of blobs by their ids, or raises the error of its door."""

_BATCH_BYTES = 512 * 1024  # read and parsed in one go
_BATCH_FILES = 500
_FIRST_FILES = 100  # parsed while the rest is being read
_SLICE = 1000  # files looked up in one go: a millisecond or two
_WIDTH = 2  # repositories that parse in one moment
_THREADS = 64  # of them, most wait for their turn
_Name: TypeAlias = tuple[str, str]  # path and blob

_OUTDATED = 500
"""So many files that newer commits have replaced are remembered, for a commit that goes back."""


class Cache:
    """Keeps what files declared, the latest used ones first.

    Args:
        limit_bytes: how much memory it may take.
        limit_files: how many files are remembered.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        limit_bytes: int = 64 * 1024**2,
        limit_files: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit_bytes = limit_bytes
        self._limit_files = limit_files
        self._files: OrderedDict[_Name, Rendered] = OrderedDict()
        self._blobs: dict[str, str] = {}
        self._outdated: OrderedDict[_Name, None] = OrderedDict()
        self._weight = 0
        self._parsing: dict[_Name, asyncio.Future[None]] = {}
        self._turns = ParseTurns(width=_WIDTH, clock=clock)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="parse")

    @property
    def weight(self) -> int:
        """The bytes of memory that all files take."""
        return self._weight

    def outdate(self, files: Iterable[tuple[str, str]]) -> None:
        """Note which files, by path and blob, a newer commit has replaced: few of them are remembered."""
        for name in files:
            if name in self._files:
                self._outdated[name] = None
                self._outdated.move_to_end(name)
        while len(self._outdated) > _OUTDATED:
            self._forget(next(iter(self._outdated)))

    async def render(
        self, files: Sequence[File], read: Read, how: Reading, *, skip_non_manifests: bool = False
    ) -> tuple[Manifest, ...]:
        """Return what files declare, in byte order of their paths.

        Every call must have the same limits; what is read otherwise has another mark. With `skip_non_manifests` a
        file without any object is not an error.

        Raises:
            BuildError: with every error of every file, or that of one that the sops binary could not open this time.
            SourceError: SourceTooLarge, for more objects or larger ones than `limits` allows.
        """
        bounds = Bounds.of(sum(size for _, _, size in files), how.limits)
        marked = [(path, _marked(blob, how.mark), size) for path, blob, size in files]
        ordered = sorted(marked, key=lambda file: file[0].encode("utf-8", "surrogateescape"))
        found = await self._known(ordered)
        total = Total.of(found.values())
        batches = list(_batches([file for file in ordered if file[:2] not in found]))
        async with aclosing(_ahead(batches, _unmarked(read))) as contents:
            async for batch, content in contents:
                bounds.check(total)
                opened = await _opened(batch, content, how)
                parsed = await self._parse(batch, content, opened, bounds.size - total.size)
                found |= parsed
                total = total.plus(Total.of(parsed.values()))
        bounds.check(total)
        passed_over = {build_report.NO_OBJECT} if skip_non_manifests else frozenset[str]()
        return _collected([found[file[:2]] for file in ordered], passed_over)

    async def _known(self, files: Sequence[File]) -> dict[_Name, Rendered]:
        """Look up what is remembered, giving other tasks of the event loop their turn."""
        found: dict[_Name, Rendered] = {}
        for start in range(0, len(files), _SLICE):
            for path, blob, _ in files[start : start + _SLICE]:
                if known := self._remembered(path, blob):
                    found[path, blob] = known
            await asyncio.sleep(0)
        return found

    def _remembered(self, path: str, blob: str) -> Rendered | None:
        known = self._files.get((path, blob))
        if known:
            self._files.move_to_end((path, blob))
            self._outdated.pop((path, blob), None)
            return known
        twin = self._files.get((self._blobs.get(blob, path), blob))
        return self._remember(path, blob, twin.renamed(path)) if twin else None

    def _remember(self, path: str, blob: str, new: Rendered) -> Rendered:
        before = self._files.pop((path, blob), None)
        self._files[path, blob] = new
        self._blobs[blob] = path
        self._weight += new.weight - (before.weight if before else 0)
        while len(self._files) > 1 and (
            self._weight > self._limit_bytes or len(self._files) > self._limit_files
        ):
            self._forget(next(iter(self._files)))
        return new

    def _forget(self, name: _Name) -> None:
        path, blob = name
        self._weight -= self._files.pop(name).weight
        self._outdated.pop(name, None)
        if self._blobs.get(blob) == path:
            del self._blobs[blob]

    async def _parse(
        self, batch: Sequence[File], contents: Mapping[str, bytes], how: Reading, most: int
    ) -> dict[_Name, Rendered]:
        """Parse what is neither remembered nor being parsed for another repository; wait for that."""
        found: dict[_Name, Rendered] = {}
        names = [file[:2] for file in batch]
        while names:
            found |= {name: one for name in names if (one := self._remembered(*name))}
            missing = [name for name in names if name not in found]
            mine = [name for name in missing if name not in self._parsing]
            if mine:
                parsed = await self._parsed(mine, contents, how, most)
                found |= parsed
                if len(parsed) < len(mine):
                    break  # more than the commit may declare
            elif missing:
                await asyncio.wait([self._parsing[missing[0]]])
            names = [name for name in missing if name not in found]
        return found

    async def _parsed(
        self, names: Sequence[_Name], contents: Mapping[str, bytes], how: Reading, most: int
    ) -> dict[_Name, Rendered]:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        self._parsing |= dict.fromkeys(names, ended)
        try:
            work = partial(_in_turns, self._turns, names, contents, how, most)
            parsed = await loop.run_in_executor(self._threads, work)
            for name, one in parsed.items():
                self._remember(*name, one)
        finally:
            for name in names:
                self._parsing.pop(name, None)
            ended.set_result(None)
        return parsed


def _marked(blob: str, mark: str) -> str:
    """Return what the content of a file is known by, once it is decrypted and filled in."""
    return f"{blob} {mark}" if mark else blob


def _blob(marked: str) -> str:
    return marked.partition(" ")[0]


def _unmarked(read: Read) -> Read:
    async def contents(marked: Sequence[str]) -> Mapping[str, bytes]:
        found = await read([_blob(each) for each in marked])
        return {each: found[_blob(each)] for each in marked}

    return contents


def _batches(files: Sequence[File]) -> Iterator[list[File]]:
    batch: list[File] = []
    size = 0
    most = _FIRST_FILES
    for file in files:
        if batch and (size + file[2] > _BATCH_BYTES or len(batch) == most):
            yield batch
            batch, size, most = [], 0, _BATCH_FILES
        batch.append(file)
        size += file[2]
    if batch:
        yield batch


async def _ahead(
    batches: Sequence[Sequence[File]], read: Read
) -> AsyncGenerator[tuple[Sequence[File], Mapping[str, bytes]], None]:
    """Yield batches with their contents; while one is parsed, the next one is being read."""

    async def contents(batch: Sequence[File]) -> Mapping[str, bytes]:
        return await read(tuple(dict.fromkeys(blob for _, blob, _ in batch)))

    begun = (asyncio.create_task(contents(batch)) for batch in batches)
    ahead = list(islice(begun, 1))
    try:
        for batch in batches:
            found = await ahead.pop()
            ahead += islice(begun, 1)
            yield batch, found
    finally:
        await aio.end(*ahead)


async def _opened(batch: Sequence[File], contents: Mapping[str, bytes], how: Reading) -> Reading:
    """Return how files are read, with what the sops binary has opened of them.

    Raises:
        BuildError: it could not; nothing is remembered of that.
    """
    files = {path: contents[blob] for path, blob, _ in batch}
    try:
        keys = await opened_files.opened(how.treatment.keys, files, how.limits)
    except UnopenedError as error:
        raise error.as_build_error() from error
    return how._replace(treatment=replace(how.treatment, keys=keys))


def _in_turns(
    turns: ParseTurns, names: Sequence[_Name], contents: Mapping[str, bytes], how: Reading, most: int
) -> dict[_Name, Rendered]:
    """Parse files, and stop after the one whose objects exceed `most` bytes; the caller checks for that."""
    found: dict[_Name, Rendered] = {}
    by_blob: dict[str, Rendered] = {}
    size = 0
    with turns.one() as give_way:
        for path, blob in names:
            if size > most:
                break
            twin = by_blob.get(blob)
            one = twin.renamed(path) if twin else rendered(path, _blob(blob), contents[blob], how, give_way)
            size += one.size
            by_blob[blob] = found[path, blob] = one
    return found


def _collected(files: Sequence[Rendered], passed_over: AbstractSet[str]) -> tuple[Manifest, ...]:
    failures = tuple(
        failure for one in files for failure in one.failures if failure.message not in passed_over
    )
    if failures:
        raise BuildError(failures)
    return tuple(manifest for one in files for manifest in one.manifests)
