"""Compare two trees by their objects, each pair of folders once, however many paths lead to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from towline.source.trees import tree_objects
from towline.source.trees.tree_objects import FOLDER, Tree, TreeEntry

TreePair: TypeAlias = tuple[str, str]
"""The ids of a folder's tree before and after; empty where there is no such folder."""

_MOST = 10**12
"""Where counting stops: each level of folders can multiply what is below it."""


class FolderDiff(NamedTuple):
    """What differs between two trees: files before and after, and folders with their pairs."""

    files: tuple[tuple[TreeEntry | None, TreeEntry | None], ...]
    folders: tuple[tuple[bytes, TreePair], ...]


class PathCount(NamedTuple):
    """How many files and folders are below a pair, and how long the paths of the files are together."""

    files: int
    folders: int
    path_bytes: int


FileDiff: TypeAlias = tuple[bytes, TreeEntry | None, TreeEntry | None]
"""A path that differs, and what is there before and after; None where there is no file, symlink or submodule."""


class TreeDiff:
    """What differs between two trees, as far as their tree objects were read; an empty id stands for no tree.

    `steps` counts the entries that were compared.
    """

    def __init__(self, before: str, after: str) -> None:
        self.root = (before, after)
        self.steps = 0
        self._trees: dict[str, Tree] = {"": ()}
        self._diffs: dict[TreePair, FolderDiff] = {}
        self._pairs = {self.root}

    @property
    def unread(self) -> tuple[str, ...]:
        """The tree objects that are needed next; none where all was compared."""
        return tuple({sha for pair in self._pairs for sha in pair} - self._trees.keys())

    @property
    def ended(self) -> bool:
        """Whether all was compared."""
        return not self._pairs

    def advance(self, batch: bytes) -> None:
        """Compare the next level of folders; `batch` is what `git cat-file --batch` says of what was unread.

        Raises:
            ValueError: one of them is missing.
        """
        self._trees |= tree_objects.trees(batch)
        for pair in self._pairs:
            before, after = (self._tree(sha) for sha in pair)
            self._diffs[pair] = _compared(before, after)
            self.steps += len(before) + len(after)
        self._pairs = {below for pair in self._pairs for _, below in self._diffs[pair].folders}
        self._pairs -= self._diffs.keys()

    def counts(self) -> Mapping[TreePair, PathCount]:
        """Return what is below each pair that was compared; numbers beyond 10^12 are not exact."""
        found: dict[TreePair, PathCount] = {}
        stack = [self.root]
        while stack:
            pair = stack[-1]
            missing = {below for _, below in self._diffs[pair].folders if below not in found}
            if missing:
                stack.extend(missing)
            else:
                found[stack.pop()] = _count(self._diffs[pair], found)
        return found

    def files(self, counts: Mapping[TreePair, PathCount]) -> list[FileDiff]:
        """Return every file that differs; folders without any file are not looked into."""
        found: list[FileDiff] = []
        pending = [(b"", self.root)]
        while pending:
            prefix, pair = pending.pop()
            found.extend((prefix + _name(*each), *each) for each in self._diffs[pair].files)
            pending.extend(
                (b"%s%s/" % (prefix, name), below)
                for name, below in self._diffs[pair].folders
                if counts[below].files
            )
        return found

    def largest(self, counts: Mapping[TreePair, PathCount]) -> bytes:
        """Return the name of the folder in the root that has most below it; empty where the root has no folders."""
        folders = self._diffs[self.root].folders
        return max(folders, key=lambda each: sum(counts[each[1]][:2]), default=(b"", self.root))[0]

    def _tree(self, sha: str) -> Tree:
        if sha not in self._trees:
            raise ValueError("git cat-file --batch left a tree out")
        return self._trees[sha]


def _compared(before: Tree, after: Tree) -> FolderDiff:
    if not before:  # as wherever a commit is read whole
        return FolderDiff(
            files=tuple((None, entry) for entry in after if entry[0] != FOLDER),
            folders=tuple((entry[1], ("", entry[2].hex())) for entry in after if entry[0] == FOLDER),
        )
    old, new = ({entry[1]: entry for entry in tree} for tree in (before, after))
    files, folders = [], []
    for name in {**new, **old}:
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        if any(pair := (_folder(was), _folder(now))):
            folders.append((name, pair))
        if any(leaves := (_leaf(was), _leaf(now))):
            files.append(leaves)
    return FolderDiff(tuple(files), tuple(folders))


def _count(diff: FolderDiff, known: Mapping[TreePair, PathCount]) -> PathCount:
    files, folders = len(diff.files), len(diff.folders)
    path_bytes = sum(len(_name(*each)) for each in diff.files)
    for name, pair in diff.folders:
        below = known[pair]
        files += below.files
        folders += below.folders
        path_bytes += below.path_bytes + below.files * (len(name) + 1)
    return PathCount(min(files, _MOST), min(folders, _MOST), min(path_bytes, _MOST))


def _folder(entry: TreeEntry | None) -> str:
    return entry[2].hex() if entry and entry[0] == FOLDER else ""


def _leaf(entry: TreeEntry | None) -> TreeEntry | None:
    return entry if entry and entry[0] != FOLDER else None


def _name(before: TreeEntry | None, after: TreeEntry | None) -> bytes:
    named = after or before
    return named[1] if named else b""
