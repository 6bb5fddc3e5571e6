"""Find for each object the newest commit, up to a head, that changed its content."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from towline.model import ObjectRef
from towline.source.authorship.steps import Parents, Step
from towline.source.authorship.walk import Former, Touch, Walk, Wanted

Contents: TypeAlias = Mapping[ObjectRef, str]
"""The objects of a file, each with the digest of its content."""
Parse: TypeAlias = Callable[[bytes], Contents]
"""Reads the objects of a file, those that can be read; runs in a thread."""

VERSIONS = 50
"""How many versions of an object's file are compared; beyond that, the newest commit that touched the file counts."""

_FORMER = 200
"""How many other files of a commit's parent are searched for an object that is new in its file."""

_WINDOWS = (64, 512, 4096)
"""Commits that are compared with their parents in one go; most objects are found in the first."""

_FOLDERS = 20
"""How many folders are compared one by one; of more, folders above them are compared."""

_COMMITS = 100_000
"""How many commits of a history are followed at most."""


class Blamed(NamedTuple):
    """The newest commit that changed an object, with the file, and its blob, that declares it there."""

    sha: str
    file: str
    blob: str


class Commits(Protocol):
    """A repository that can be read."""

    async def ancestry(self, tips: Sequence[str], limit: int) -> Sequence[Parents]:
        """Return the commits that lead to `tips`, children first."""

    async def steps(self, commits: Sequence[Parents], folders: Sequence[str]) -> Sequence[Step]:
        """Compare commits with their parents below these folders, everywhere where there are none."""

    async def contents(self, blobs: Iterable[str], parse: Parse) -> Mapping[str, Contents]:
        """Return what blobs declare; those that are too large are left out."""


async def blame(
    commits: Commits, head: str, span: Sequence[Parents], wanted: Iterable[Wanted], parse: Parse
) -> Mapping[Wanted, Blamed]:
    """Return for each object of `head` the newest commit that changed it; objects without an answer are left out.

    Args:
        commits: the history.
        head: the sha of the commit that declares the objects.
        span: the commits that are known to lead to the head, children first; they are searched first, and the rest of
            the history is only read if they do not answer everything.
        wanted: the objects.
        parse: reads a file.
    """
    search = _Search(commits, parse)
    await asyncio.to_thread(search.begin, head, tuple(wanted))
    await search.through(span)
    if search.walk.places:
        await search.through(await commits.ancestry(search.walk.places, _COMMITS))
    return search.found


class _Search:
    """One search; it remembers what files declare."""

    def __init__(self, commits: Commits, parse: Parse) -> None:
        self.walk = Walk()
        self.found: dict[Wanted, Blamed] = {}
        self._commits = commits
        self._parse = parse
        self._first: dict[Wanted, Blamed] = {}
        self._touched: dict[Wanted, int] = defaultdict(int)

    def begin(self, head: str, wanted: Iterable[Wanted]) -> None:
        """Start to follow the wanted objects at the head."""
        for one in wanted:
            self.walk.follow(head, one.file, (one,))

    async def through(self, listed: Sequence[Parents]) -> None:
        """Follow the waiting objects through these commits."""
        for window in _windows(listed):
            await self._look(window)
            if not self.walk.places:
                return

    async def _look(self, window: Sequence[Parents]) -> None:
        """Follow the waiting objects through some commits; only the folders of their files are compared."""
        folders: frozenset[str] = frozenset()
        steps: Sequence[Step] = ()
        while self.walk.places:
            needed = await asyncio.to_thread(lambda: _folders(self.walk.files))
            if not all(_inside(folder, folders) for folder in needed):
                folders |= needed
                steps = await self._commits.steps(window, tuple(folders))
            touches = await asyncio.to_thread(self.walk.advance, steps)
            if not touches:
                return
            await self._judge(touches)

    async def _judge(self, touches: Sequence[Touch]) -> None:
        """Follow each object to a parent that has it already; what no parent has, the commit has changed."""
        touches = await asyncio.to_thread(lambda: tuple(self._bounded(touches)))
        at_home = {former.blob for touch in touches for former in touch.same_path}
        declared = dict(await self._commits.contents(at_home, self._parse))
        strangers = await asyncio.to_thread(lambda: tuple(self._strangers(touches, declared)))
        if not strangers:
            return
        former = await self._former(strangers)
        missing = {each.blob for found in former.values() for each in found} - declared.keys()
        declared |= await self._commits.contents(missing, self._parse)
        await asyncio.to_thread(self._elsewhere, strangers, former, declared)

    async def _former(self, strangers: Sequence[Touch]) -> Mapping[str, Sequence[Former]]:
        """Return the files, of each parent, in which objects that are new in theirs may have been before.

        A merge is compared with each parent by itself: what only one of them has, under another path, is in no
        combined difference. So a repository that was merged in as a folder keeps its history.
        """
        pairs = {(touch.step.sha, parent): None for touch in strangers for parent in touch.step.parents}
        steps = await self._commits.steps(tuple(pairs), ()) if pairs else ()
        blobs = frozenset(touch.blob for touch in strangers)
        found: dict[str, list[Step]] = {touch.step.sha: [] for touch in strangers}
        for step in steps:
            found[step.sha].append(step)
        return await asyncio.to_thread(
            lambda: {sha: tuple(_former(compared, blobs)) for sha, compared in found.items()}
        )

    def _bounded(self, touches: Iterable[Touch]) -> Iterator[Touch]:
        for touch in touches:
            left = []
            for one in touch.objects:
                here = Blamed(touch.step.sha, touch.file, touch.blob)
                self._first.setdefault(one, here)
                self._touched[one] += 1
                if self._touched[one] > VERSIONS:
                    self.found[one] = self._first[one]
                else:
                    left.append(one)
            if left:
                yield touch._replace(objects=tuple(left))

    def _known(self, touch: Touch, one: Wanted, declared: Mapping[str, Contents]) -> bool:
        """Decide by the same file of the parents; False where none of them declares the object there."""
        digests = [(former, declared.get(former.blob, {}).get(one.ref)) for former in touch.same_path]
        for former, digest in digests:
            if digest == one.digest:
                self.walk.follow(former.parent, former.file, (one,))
                return True
        if any(digest is not None for _, digest in digests):
            self.found[one] = Blamed(touch.step.sha, touch.file, touch.blob)
            return True
        return False

    def _strangers(self, touches: Iterable[Touch], declared: Mapping[str, Contents]) -> Iterator[Touch]:
        """Yield the objects that no parent declares in the same file, and decide about all others."""
        for touch in touches:
            new = tuple(one for one in touch.objects if not self._known(touch, one, declared))
            if new:
                yield touch._replace(objects=new)

    def _elsewhere(
        self,
        touches: Iterable[Touch],
        former: Mapping[str, Sequence[Former]],
        declared: Mapping[str, Contents],
    ) -> None:
        """Look for objects that are new in their file in the other files that the same commit removed or changed."""
        moved = {
            sha: {
                (ref, digest): each
                for each in reversed(found)
                for ref, digest in declared.get(each.blob, {}).items()
            }
            for sha, found in former.items()
        }
        for touch in touches:
            self._moved(touch, moved[touch.step.sha])

    def _moved(self, touch: Touch, moved: Mapping[tuple[ObjectRef, str], Former]) -> None:
        for one in touch.objects:
            if before := moved.get((one.ref, one.digest)):
                self.walk.follow(before.parent, before.file, (one,))
            else:
                self.found[one] = Blamed(touch.step.sha, touch.file, touch.blob)


def _former(steps: Iterable[Step], blobs: Collection[str]) -> Iterator[Former]:
    """Yield the files that a commit moved, then those that it removed, and those that it changed, as they were.

    Args:
        steps: the commit, compared with each of its parents.
        blobs: those of the files that objects are new in; what moved as it was is looked at in any number.
    """
    found = [
        (bool(delta.new), Former(parent, file, delta.old))
        for step in steps
        for parent, deltas in zip(step.parents, step.deltas, strict=False)
        for file, delta in deltas.items()
        if delta.old
    ]
    yield from (former for _, former in found if former.blob in blobs)
    others = sorted((each for each in found if each[1].blob not in blobs), key=lambda each: each[0])
    yield from (former for _, former in others[:_FORMER])


def _folders(files: Iterable[str]) -> frozenset[str]:
    """Return the folders to compare for the history of files; the root is an empty text.

    If there are many, folders above them take their place.
    """
    folders = {file.rpartition("/")[0] for file in files}
    while len(folders) > _FOLDERS:
        folders = {folder.rpartition("/")[0] for folder in folders}
    return frozenset(folders)


def _inside(folder: str, folders: Collection[str]) -> bool:
    """Tell whether a folder is one of these, or below one."""
    steps = folder.split("/")
    return "" in folders or any("/".join(steps[:end]) in folders for end in range(1, len(steps) + 1))


def _windows(commits: Sequence[Parents]) -> Iterator[Sequence[Parents]]:
    at = 0
    sizes = iter(_WINDOWS)
    size = 0
    while at < len(commits):
        size = next(sizes, size)
        yield commits[at : at + size]
        at += size
