"""Compare two trees level by level, reading each tree object once.

`git diff-tree -r` walks every path, and keeps in memory what it found until the end. A handful of objects can hold more
paths than anybody could walk: a folder with twelve names for the next folder, ten times over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias

from towline.errors import Reason, SourceError
from towline.source import process, selection
from towline.source.selection import Entry, Kind
from towline.source.trees import tree_objects
from towline.source.trees.tree_diff import TreeDiff
from towline.source.trees.tree_objects import TreeEntry

ReadTrees: TypeAlias = Callable[[Sequence[str], int], Awaitable[bytes]]
"""Returns what `git cat-file --batch` says of some trees, which is at most so many bytes."""

_LEVELS = 250
"""How deep folders may be nested: each level is one process. A path that Linux can open has at most 2,048."""

_PATH_BYTES = 160
"""What one path may take on average, and what one entry of a tree object may."""

_STEPS = 5
"""How many entries of folders may be compared, for each file that there may be."""


class TreeChange(NamedTuple):
    """One file, symlink or submodule that differs between two commits.

    `was` is its kind before, None where it is new; `entry` is what it is now, without a size, None where it is gone.
    """

    path: str
    was: Kind | None
    entry: Entry | None


class TreeTooLargeError(Exception):
    """There is more in a tree, or different between two, than may be read; the message says what, and where most is."""


class TreeReader:
    """Compares trees of one repository.

    Args:
        read: asks git.
        most: how many files may differ, and as many folders.
    """

    def __init__(self, read: ReadTrees, most: int) -> None:
        self._read = read
        self._most = most

    async def changes(self, old: str, new: str, path: str) -> tuple[TreeChange, ...]:
        """Return what differs between two trees, which are at `path`; an empty id stands for no tree.

        Raises:
            TreeTooLargeError: too much differs.
            ValueError: an object is missing.
        """
        diff = await self._compared(old, new)
        return await asyncio.to_thread(self._changes, diff, _prefix(path))

    async def _compared(self, old: str, new: str) -> TreeDiff:
        diff = TreeDiff(old, new)
        budget = self._most * _PATH_BYTES
        for _ in range(_LEVELS):
            batch = await self._trees(diff.unread, budget)
            budget -= len(batch)
            await process.parsed(batch, diff.advance)
            if diff.steps > self._most * _STEPS:
                raise TreeTooLargeError(f"more than {self._most * _STEPS} entries of folders", "")
            if diff.ended:
                return diff
        raise TreeTooLargeError(f"folders that are nested more than {_LEVELS} deep", "")

    def _changes(self, diff: TreeDiff, prefix: str) -> tuple[TreeChange, ...]:
        counts = diff.counts()
        whole = counts[diff.root]
        if whole.files > self._most:
            what = f"more than {self._most} files"
        elif whole.folders > self._most:
            what = f"more than {self._most} folders"
        elif whole.path_bytes > self._most * _PATH_BYTES:
            what = f"paths of more than {self._most * _PATH_BYTES} bytes in all"
        else:
            return tuple(_change(prefix, *each) for each in diff.files(counts))
        raise TreeTooLargeError(what, _text(diff.largest(counts)))

    async def _trees(self, unread: Sequence[str], budget: int) -> bytes:
        if not unread:
            return b""
        try:
            return await self._read(unread, budget)
        except process.TooMuchOutputError as error:
            what = f"folders that list more than {self._most * _PATH_BYTES} bytes of names"
            raise TreeTooLargeError(what, "") from error


def too_large(error: TreeTooLargeError, path: str) -> SourceError:
    """Return the refusal of a tree at `path`: what is too much, where most of it is, and what to do."""
    what, folder = error.args
    where = "" if path == "." else f" below spec.path {selection.shown(path)}"
    most = f", most of them in {selection.shown(_prefix(path) + folder)}/" if folder else ""
    message = f"the commit has {what}{where}{most}: narrow spec.path, or remove what is not needed there"
    return SourceError(Reason.SOURCE_TOO_LARGE, message)


def _change(prefix: str, path: bytes, before: TreeEntry | None, after: TreeEntry | None) -> TreeChange:
    name = prefix + _text(path)
    return TreeChange(
        path=name,
        was=tree_objects.kind(before) if before else None,
        entry=_entry(name, after) if after else None,
    )


def _entry(path: str, found: TreeEntry) -> Entry:
    mode, _, sha = found
    return Entry(path=path, mode=mode.decode(), kind=tree_objects.kind(found), sha=sha.hex(), size=0)


def _prefix(path: str) -> str:
    return "" if path == "." else f"{path}/"


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
