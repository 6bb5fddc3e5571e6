"""Write the tree of a commit into a folder, where it is rendered as a folder on disk is."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from towline.errors import Reason, SourceError
from towline.source.selection import Entry, Kind, shown

ReadBlobs: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, bytes]]]
"""Returns the contents of blobs by their ids, none of which is named twice."""

LARGEST = 16 * 1024**2
"""Bytes of one file whose content is written: no renderer reads a larger one."""

_BATCH = 32 * 1024**2
_BATCH_FILES = 2000
_UNSAFE = frozenset({"", ".", "..", ".git"})


async def write(folder: Path, entries: Sequence[Entry], read: ReadBlobs) -> None:
    """Write files, then symlinks: so no file is ever written through a symlink of the same tree.

    A file that is too large to be read has its size and no content. Submodules are empty folders, as in a clone.

    Args:
        folder: an empty one.
        entries: the whole tree of a commit.
        read: reads blobs.

    Raises:
        SourceError: a path leads out of the folder, or names Git's own.
        OSError: it cannot be written.
    """
    for entry in entries:
        _check(entry.path)
    (
        folder / ".git"
    ).mkdir()  # the top of a work tree, from which symlinks and kustomizations may not lead out
    for entry in entries:
        if entry.kind is Kind.SUBMODULE:
            _at(folder, entry).mkdir(parents=True, exist_ok=True)
            (_at(folder, entry) / ".git").mkdir()
        elif entry.kind is Kind.FILE and entry.size > LARGEST:
            _hollow(_at(folder, entry), entry.size)
    written = [each for each in entries if each.kind is not Kind.SUBMODULE and each.size <= LARGEST]
    for kind in (Kind.FILE, Kind.SYMLINK):
        for batch in _batches([each for each in written if each.kind is kind]):
            contents = await read(tuple({entry.sha: None for entry in batch}))
            for entry in batch:
                _write(_at(folder, entry), contents[entry.sha], kind)


def _check(path: str) -> None:
    steps = path.split("/")
    if any(step.lower() in _UNSAFE for step in steps) or "\0" in path:
        raise SourceError(
            Reason.GIT_OBJECT_INVALID, f"the commit has the path {shown(path)}, which is not allowed"
        )


def _at(folder: Path, entry: Entry) -> Path:
    return folder / os.fsdecode(entry.path.encode("utf-8", "surrogateescape"))


def _batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and (size + entry.size > _BATCH or len(batch) >= _BATCH_FILES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch


def _write(place: Path, content: bytes, kind: Kind) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if kind is Kind.SYMLINK:
        os.symlink(content, os.fsencode(place))  # noqa: PTH211  its text need not be UTF-8
    else:
        with place.open("xb") as file:
            file.write(content)


def _hollow(place: Path, size: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as file:
        file.truncate(size)
