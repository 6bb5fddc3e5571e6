"""Remember manifests by blob, so that equal content is parsed once for all files and GitRepositories."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import replace
from itertools import islice
from typing import NamedTuple, TypeAlias

from towline import aio, text
from towline.errors import BuildError, Failure, Reason, SourceError
from towline.model import Manifest
from towline.render import build_report, plain
from towline.render.documents import YamlLimits

File: TypeAlias = tuple[str, str, int]
"""Path from the repository root, Git object id of the content, size in bytes."""
Read: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, bytes]]]
"""Returns the contents of blobs by their ids, or raises the error of its door."""

_BATCH_BYTES = 512 * 1024  # parsed in one go: a fraction of a second, so that repositories take turns;
# a larger file, which may take seconds, takes turns with other such files only
_BATCH_FILES = 500
_FIRST_FILES = 100  # parsed while the rest is being read
_SLICE = 1000  # files looked up in one go: a millisecond or two
_Name: TypeAlias = tuple[str, str]  # path and blob

_FILE_BYTES = 768
_OBJECT_BYTES = 640
"""What Python needs for a file, and for each of its objects, beside the bytes of its content."""

_OUTDATED = 500
"""So many files that newer commits have replaced are remembered, for a commit that goes back."""


class Rendered(NamedTuple):
    """What one file declares; `size` is its bytes, or those of its objects as JSON, whichever are more."""

    manifests: tuple[Manifest, ...]
    failures: tuple[Failure, ...]
    size: int

    @property
    def weight(self) -> int:
        """Return the bytes of memory that it takes, or a little more."""
        return _FILE_BYTES + _OBJECT_BYTES * len(self.manifests) + self.size


class Cache:
    """Keeps what files declared, the latest used ones first.

    Args:
        limit_bytes: how much memory it may take.
        limit_files: how many files are remembered.
    """

    def __init__(self, *, limit_bytes: int = 64 * 1024**2, limit_files: int = 100_000) -> None:
        self._limit_bytes = limit_bytes
        self._limit_files = limit_files
        self._files: OrderedDict[_Name, Rendered] = OrderedDict()
        self._blobs: dict[str, str] = {}
        self._outdated: OrderedDict[_Name, None] = OrderedDict()
        self._bytes = 0
        self._parsing = asyncio.Lock()
        self._parsing_large = asyncio.Lock()

    @property
    def weight(self) -> int:
        """The bytes of memory that all files take."""
        return self._bytes

    def outdate(self, files: Iterable[tuple[str, str]]) -> None:
        """Note which files, by path and blob, a newer commit has replaced: few of them are remembered."""
        for name in files:
            if name in self._files:
                self._outdated[name] = None
                self._outdated.move_to_end(name)
        while len(self._outdated) > _OUTDATED:
            self._forget(next(iter(self._outdated)))

    async def render(
        self, files: Sequence[File], read: Read, limits: YamlLimits, *, skip_non_manifests: bool = False
    ) -> tuple[Manifest, ...]:
        """Return what files declare, in byte order of their paths.

        Every call must have the same limits. With `skip_non_manifests` a file without any object is not an
        error.

        Raises:
            BuildError: with every error of every file.
            SourceError: SourceTooLarge, for more objects or larger ones than `limits` allows.
        """
        ordered = sorted(files, key=lambda file: file[0].encode("utf-8", "surrogateescape"))
        found = await self._known(ordered)
        total = _Total.of(found.values())
        batches = list(_batches([file for file in ordered if file[:2] not in found]))
        async with aclosing(_ahead(batches, read)) as contents:
            async for batch, content in contents:
                _check(total, limits)
                rendered = await self._parse(batch, content, limits)
                found |= rendered
                total = total.plus(_Total.of(rendered.values()))
        _check(total, limits)
        passed_over = {build_report.NO_OBJECT} if skip_non_manifests else frozenset[str]()
        return _collected([found[file[:2]] for file in ordered], passed_over)

    async def _known(self, files: Sequence[File]) -> dict[_Name, Rendered]:
        """Look up what is remembered, giving other tasks of the event loop their turn."""
        found: dict[_Name, Rendered] = {}
        for start in range(0, len(files), _SLICE):
            for path, blob, _ in files[start : start + _SLICE]:
                if rendered := self._remembered(path, blob):
                    found[path, blob] = rendered
            await asyncio.sleep(0)
        return found

    def _remembered(self, path: str, blob: str) -> Rendered | None:
        known = self._files.get((path, blob))
        if known:
            self._files.move_to_end((path, blob))
            self._outdated.pop((path, blob), None)
            return known
        twin = self._files.get((self._blobs.get(blob, path), blob))
        return self._remember(path, blob, _renamed(twin, path)) if twin else None

    def _remember(self, path: str, blob: str, rendered: Rendered) -> Rendered:
        before = self._files.pop((path, blob), None)
        self._files[path, blob] = rendered
        self._blobs[blob] = path
        self._bytes += rendered.weight - (before.weight if before else 0)
        while len(self._files) > 1 and (
            self._bytes > self._limit_bytes or len(self._files) > self._limit_files
        ):
            self._forget(next(iter(self._files)))
        return rendered

    def _forget(self, name: _Name) -> None:
        path, blob = name
        self._bytes -= self._files.pop(name).weight
        self._outdated.pop(name, None)
        if self._blobs.get(blob) == path:
            del self._blobs[blob]

    async def _parse(
        self, batch: Sequence[File], contents: Mapping[str, bytes], limits: YamlLimits
    ) -> dict[_Name, Rendered]:
        lock = self._parsing_large if batch[0][2] > _BATCH_BYTES else self._parsing
        async with lock:  # threads side by side share one interpreter, and may parse a blob twice
            found = {file[:2]: one for file in batch if (one := self._remembered(*file[:2]))}
            missing = [file[:2] for file in batch if file[:2] not in found]
            parsed = await asyncio.to_thread(_parsed, missing, contents, limits)
            for name, rendered in parsed.items():
                self._remember(*name, rendered)
        return found | parsed


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


def _parsed(
    files: Sequence[_Name], contents: Mapping[str, bytes], limits: YamlLimits
) -> dict[_Name, Rendered]:
    """Parse files, and stop after the one that exceeds the limit on objects; the caller checks for that."""
    found: dict[_Name, Rendered] = {}
    by_blob: dict[str, Rendered] = {}
    size = 0
    for path, blob in files:
        if size > limits.content_bytes:
            break
        twin = by_blob.get(blob)
        rendered = _renamed(twin, path) if twin else _rendered(path, blob, contents[blob], limits)
        size += rendered.size
        by_blob[blob] = found[path, blob] = rendered
    return found


def _rendered(path: str, blob: str, content: bytes, limits: YamlLimits) -> Rendered:
    manifests, failures = plain.manifests(path, blob, content, limits)
    return Rendered(manifests, failures, max(len(content), sum(len(one.content) for one in manifests)))


def _renamed(rendered: Rendered, path: str) -> Rendered:
    """Return what the same content declares under another path; the bodies are shared."""
    return Rendered(
        tuple(replace(one, origin=one.origin._replace(file=path)) for one in rendered.manifests),
        tuple(replace(failure, file=path) for failure in rendered.failures),
        rendered.size,
    )


class _Total(NamedTuple):
    """What some files declare together."""

    objects: int
    size: int

    @classmethod
    def of(cls, rendered: Iterable[Rendered]) -> _Total:
        known = tuple(rendered)
        return cls(sum(len(one.manifests) for one in known), sum(one.size for one in known))

    def plus(self, more: _Total) -> _Total:
        return _Total(self.objects + more.objects, self.size + more.size)


def _check(total: _Total, limits: YamlLimits) -> None:
    if total.objects > limits.objects:
        what = f"declares more than {limits.objects} objects"
    elif total.size > limits.content_bytes:
        what = f"declares objects of more than {text.size(limits.content_bytes)} of JSON"
    else:
        return
    raise SourceError(Reason.SOURCE_TOO_LARGE, f"the commit {what}: narrow spec.path or spec.exclude")


def _collected(rendered: Sequence[Rendered], passed_over: AbstractSet[str]) -> tuple[Manifest, ...]:
    failures = tuple(
        failure for one in rendered for failure in one.failures if failure.message not in passed_over
    )
    if failures:
        raise BuildError(failures)
    return tuple(manifest for one in rendered for manifest in one.manifests)
