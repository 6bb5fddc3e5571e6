"""List and read a folder on disk as the files of a commit are listed and read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from towline.errors import Reason, SourceError
from towline.reconcile.desired.head import Head
from towline.render import folder
from towline.render.folder import Disk
from towline.render.links import Links
from towline.render.units.unit_source import UnitSource
from towline.source.selection import Entry, SourceLimits, shown


class _NamedDisk(Disk):
    """A tree on disk whose files have ids, as those of a commit have; an id is that of a path, not of a content."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.paths: dict[str, str] = {}

    def file(self, path: str) -> Entry | None:
        """Return a file; None where there is none."""
        found = super().file(path)
        return self.named(found) if found else None

    def below(self, folder: str) -> Iterator[Entry]:
        """Yield what is in a folder and the folders in it."""
        return map(self.named, super().below(folder))

    def named(self, entry: Entry) -> Entry:
        """Return an entry with an id."""
        sha = hashlib.sha256(f"{self._root}\0{entry.path}".encode("utf-8", "surrogateescape")).hexdigest()
        self.paths[sha] = entry.path
        return replace(entry, sha=sha)


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFiles:
    """Lists and reads what is in the work tree of a repository, or in any other folder.

    Attributes:
        root: its top.
        limits: how much of it is read.
    """

    root: Path
    limits: SourceLimits
    _tree: _NamedDisk

    @classmethod
    def below(cls, root: Path) -> FolderFiles:
        """Read a folder."""
        return cls(root=root, limits=SourceLimits(), _tree=_NamedDisk(root))

    async def listed(self, head: Head, path: str) -> Links:
        """List what is below a path.

        Raises:
            SourceError: the folder cannot be listed.
        """
        del head
        try:
            entries = tuple(map(self._tree.named, folder.entries(self.root, path)))
        except OSError as error:
            message = f"the folder cannot be listed: {error.strerror}"
            raise SourceError(Reason.PATH_NOT_FOUND, message) from error
        return Links(entries, self._tree, self.limits.entries)

    async def unit_source(self, head: Head) -> UnitSource:
        """Return the whole tree, of which a unit may read anything."""

        async def read(files: Sequence[Entry]) -> Sequence[bytes]:
            contents = await self.blobs(head, tuple({entry.sha for entry in files}))
            return [contents[entry.sha] for entry in files]

        return UnitSource(name=str(self.root), tree=self._tree, read=read)

    async def blobs(self, head: Head, shas: Sequence[str]) -> Mapping[str, bytes]:
        """Return the contents of files by their ids.

        Raises:
            SourceError: one of them cannot be read.
        """
        del head
        return {sha: self._content(self._tree.paths[sha]) for sha in shas}

    def _content(self, path: str) -> bytes:
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            message = f"{shown(path)} cannot be read: {error.strerror}"
            raise SourceError(Reason.GIT_OBJECT_INVALID, message) from error
