"""Read a small commit, its files and manifests: from the one small pack that has just come, or by one git process.

Each process costs more than it needs to read a few files. A commit that turns out to be larger is read as usual, a
listing and a batch of files at a time.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple, Protocol

from towline.model import Revision
from towline.source import history
from towline.source.process import Talk
from towline.source.selection import Entry, Kind
from towline.source.trees import tree_objects
from towline.source.trees.pack_file import NotInPackError, PackFile

LIMIT = 256 * 1024
"""Bytes that git may answer in all."""

_ENTRIES = 100
_LEVELS = 8
_CONTENT = 64 * 1024
"""What is read: so many files, at so many levels of folders, with so many bytes in those that may hold manifests."""

_KEPT = 8 * 1024 * 1024
"""Bytes of all that is kept until it is used."""

_ANSWER = re.compile(rb"([0-9a-f]+) (commit|tree|blob) ([0-9]+)\n")
_TREE = re.compile(rb"tree ([0-9a-f]+)\n")
_MANIFESTS = (".yaml", ".yml", ".json")


class Glanced(NamedTuple):
    """What one commit holds below a path; `revision` is None where only `git log` can tell it.

    `blobs` are the contents of the files that may hold manifests.
    """

    sha: str
    path: str
    revision: Revision | None
    entries: tuple[Entry, ...]
    blobs: Mapping[str, bytes]

    @property
    def size(self) -> int:
        """Its bytes, as far as their number is not bounded by that of its entries."""
        return sum(map(len, self.blobs.values())) + sum(len(each.path) for each in self.entries)


class TooLargeForGlanceError(Exception):
    """The commit is not small, or not what it should be: the usual way of reading tells what is wrong."""


class GitObject(NamedTuple):
    """An object: its id, kind and size, and its content where that was asked for."""

    sha: str
    kind: str
    size: int
    content: bytes


class GitObjects(Protocol):
    """Where objects are read."""

    async def root(self, sha: str, path: str) -> tuple[GitObject, GitObject]:
        """Return a commit, and the tree that it has at a path."""

    async def contents(self, shas: Iterable[str]) -> list[GitObject]:
        """Return objects."""

    async def sizes(self, shas: Iterable[str]) -> dict[str, int]:
        """Return the sizes of objects."""


class PackObjects(GitObjects):
    """Reads a pack; what it raises is a NotInPackError where git is to be asked."""

    def __init__(self, pack: PackFile) -> None:
        self._pack = pack

    async def root(self, sha: str, path: str) -> tuple[GitObject, GitObject]:
        """Go down from the tree of the commit; a path that leads elsewhere is git's affair."""
        commit = self._read(sha)
        found = _TREE.match(commit.content)
        if commit.kind != "commit" or found is None:
            raise NotInPackError(sha)
        tree = self._read(found[1].decode())
        for name in () if path == "." else path.encode("utf-8", "surrogateescape").split(b"/"):
            below = tree_objects.tree(tree.content, len(sha))
            named = (each for mode, other, each in below if (mode, other) == (tree_objects.FOLDER, name))
            tree = self._read(next(named, b"").hex())
        return commit, tree

    async def contents(self, shas: Iterable[str]) -> list[GitObject]:
        """Return objects."""
        return [self._read(sha) for sha in shas]

    async def sizes(self, shas: Iterable[str]) -> dict[str, int]:
        """Return the sizes of objects."""
        return {sha: self._pack.size(sha) for sha in shas}

    def _read(self, sha: str) -> GitObject:
        found = self._pack.read(sha)
        return GitObject(sha, found.kind, len(found.content), found.content)


class Conversation(GitObjects):
    """Asks `git cat-file --batch-command`, and reads its answers one after the other."""

    def __init__(self, child: Talk) -> None:
        self._child = child
        self._output = b""
        self._at = 0

    async def root(self, sha: str, path: str) -> tuple[GitObject, GitObject]:
        """Let git find the tree."""
        commit, tree = await self.contents((sha, f"{sha}^{{tree}}" if path == "." else f"{sha}:{path}"))
        return commit, tree

    async def contents(self, shas: Iterable[str]) -> list[GitObject]:
        """Return objects by their ids, or by other names."""
        return await self._answers("contents", tuple(shas), has_content=True)

    async def sizes(self, shas: Iterable[str]) -> dict[str, int]:
        """Return the sizes of objects."""
        return {each.sha: each.size for each in await self._answers("info", tuple(shas), has_content=False)}

    async def _answers(self, command: str, names: tuple[str, ...], *, has_content: bool) -> list[GitObject]:
        await self._child.send("".join(f"{command} {name}\n" for name in names).encode())
        return [await self._answer(has_content=has_content) for _ in names]

    async def _answer(self, *, has_content: bool) -> GitObject:
        head = await self._until(lambda: self._output.find(b"\n", self._at) + 1)
        found = _ANSWER.fullmatch(self._output, self._at, head)
        if found is None:
            raise TooLargeForGlanceError
        size, self._at = int(found[3]), head
        content = b""
        if has_content:
            end = head + size
            self._at = await self._until(lambda: end + 1 if len(self._output) > end else 0)
            content = self._output[head:end]
        return GitObject(found[1].decode(), found[2].decode(), size, content)

    async def _until(self, found: Callable[[], int]) -> int:
        """Wait for more until a place is found in it."""
        while not (at := found()):
            more = await self._child.answer(len(self._output))
            if len(more) <= len(self._output):
                raise TooLargeForGlanceError
            self._output = more
        return at


async def glance(git: GitObjects, sha: str, path: str) -> Glanced:
    """Read what a commit holds below a path.

    Raises:
        TooLargeForGlanceError: it is not small, or there is no such folder.
    """
    commit, root = await git.root(sha, path)
    if (commit.sha, commit.kind, root.kind) != (sha, "commit", "tree"):
        raise TooLargeForGlanceError
    trees = await _trees(git, root)
    found = tuple(_walked(trees, root.sha, "" if path == "." else f"{path}/"))
    blobs = dict.fromkeys(each.sha for each in found if each.kind is not Kind.SUBMODULE)
    sizes = await git.sizes(blobs)
    entries = tuple(replace(each, size=sizes.get(each.sha, 0)) for each in found)
    wanted = dict.fromkeys(each.sha for each in entries if _may_hold_manifests(each))
    if sum(sizes[blob] for blob in wanted) > _CONTENT:
        raise TooLargeForGlanceError
    contents = {each.sha: each.content for each in await git.contents(wanted)}
    return Glanced(sha, path, history.from_object(sha, commit.content), entries, contents)


async def _trees(git: GitObjects, root: GitObject) -> Mapping[str, tree_objects.Tree]:
    """Return the tree objects below one, by their ids."""
    known: dict[str, tree_objects.Tree] = {}
    unread = [root]
    for _ in range(_LEVELS):
        for each in unread:
            known[each.sha] = tree_objects.tree(each.content, len(each.sha))
        folders = (
            sha.hex()
            for each in unread
            for mode, _, sha in known[each.sha]
            if mode == tree_objects.FOLDER and sha.hex() not in known
        )
        wanted = tuple(dict.fromkeys(folders))
        if sum(map(len, known.values())) > _ENTRIES or len(wanted) > _ENTRIES:
            raise TooLargeForGlanceError
        if not wanted:
            return known
        unread = await git.contents(wanted)
    raise TooLargeForGlanceError


def _walked(trees: Mapping[str, tree_objects.Tree], root: str, prefix: str) -> Iterator[Entry]:
    """Yield at most `_ENTRIES` files, symlinks and submodules in the order of `git ls-tree -r`, without their sizes."""
    found = 0
    waiting = [iter(_below(trees[root], prefix))]
    while waiting:
        step = next(waiting[-1], None)
        if step is None:
            waiting.pop()
            continue
        found += 1
        if found > _ENTRIES:
            raise TooLargeForGlanceError
        entry, is_folder = step
        if is_folder:
            waiting.append(iter(_below(trees[entry.sha], f"{entry.path}/")))
        else:
            yield entry


def _below(tree: tree_objects.Tree, prefix: str) -> Iterator[tuple[Entry, bool]]:
    for each in tree:
        mode, name, sha = each
        path = prefix + name.decode("utf-8", "surrogateescape")
        entry = Entry(path=path, mode=mode.decode(), kind=tree_objects.kind(each), sha=sha.hex(), size=0)
        yield entry, mode == tree_objects.FOLDER


def _may_hold_manifests(entry: Entry) -> bool:
    return entry.kind is Kind.FILE and entry.path.lower().endswith(_MANIFESTS)


class Glances:
    """Keeps what was read of small commits until it is used, the newest of each remote; the oldest give way."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Glanced] = OrderedDict()
        self._size = 0

    def keep(self, identity: str, glanced: Glanced) -> None:
        """Keep what a commit of a remote holds."""
        self.drop(identity)
        self._kept[identity] = glanced
        self._size += glanced.size
        while self._size > _KEPT:
            self.drop(next(iter(self._kept)))

    def of(self, identity: str, sha: str) -> Glanced | None:
        """Return what a commit of a remote holds, if it is kept."""
        kept = self._kept.get(identity)
        return kept if kept and kept.sha == sha else None

    def taken(self, identity: str, blobs: Iterable[str]) -> Mapping[str, bytes] | None:
        """Return blobs of a remote, if all of them are kept; they are kept no longer."""
        kept, wanted = self._kept.get(identity), tuple(blobs)
        if kept is None or not kept.blobs.keys() >= set(wanted):
            return None
        self.drop(identity)
        return {blob: kept.blobs[blob] for blob in wanted}

    def drop(self, identity: str) -> None:
        """Keep nothing of a remote."""
        if kept := self._kept.pop(identity, None):
            self._size -= kept.size

    def clear(self) -> None:
        """Keep nothing."""
        self._kept.clear()
        self._size = 0
