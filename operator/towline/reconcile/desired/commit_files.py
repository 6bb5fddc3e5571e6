"""List the files of a commit and read them, with symlinks resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from towline import aio
from towline.errors import Reason, SourceError
from towline.reconcile.desired.head import Head
from towline.render import links
from towline.render.units.unit_source import UnitSource
from towline.source.access import Remote
from towline.source.selection import Entry, SourceLimits


class CommitSource(Protocol):
    """Holds commits: the mirrors of all repositories, or one clone."""

    async def entries(self, remote: Remote, sha: str, path: str) -> tuple[Entry, ...]:
        """Return what is below a path of a commit."""

    async def blobs(self, remote: Remote, shas: Iterable[str]) -> Mapping[str, bytes]:
        """Return contents by their ids."""


class RevisionFiles(Protocol):
    """Lists and reads revisions: commits, or a folder that will be one."""

    @property
    def limits(self) -> SourceLimits:
        """How much of them is read."""

    async def listed(self, head: Head, path: str) -> links.Links:
        """List what is below a path."""

    async def unit_source(self, head: Head) -> UnitSource:
        """Return all of a revision, of which a unit may read anything."""

    async def blobs(self, head: Head, shas: Sequence[str]) -> Mapping[str, bytes]:
        """Return the contents of blobs by their ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFiles:
    """Lists and reads what mirrors hold."""

    mirrors: CommitSource
    limits: SourceLimits

    async def listed(self, head: Head, path: str) -> links.Links:
        """List what is below a path; where that holds symlinks, the whole commit, because they may lead anywhere.

        Raises:
            SourceError: the mirror could not be read, or the path holds too much.
        """
        limit = self.limits.entries
        entries = await self.mirrors.entries(head.remote, head.sha, path)
        if not await aio.aside(len(entries), links.to_read, entries):
            return links.Links(entries, links.Listing((), {}), limit)
        whole, nowhere = entries, links.NOWHERE
        if path != ".":
            try:
                whole = await self.mirrors.entries(head.remote, head.sha, ".")
            except SourceError as error:
                if error.reason is not Reason.SOURCE_TOO_LARGE:
                    raise
                nowhere = links.too_many(limit)
        return links.Links(entries, await self._listing(head, whole), limit, nowhere)

    async def unit_source(self, head: Head) -> UnitSource:
        """Return the whole commit, of which a unit may read anything.

        Raises:
            SourceError: the mirror could not be read, or the commit holds too much.
        """
        entries = await self.mirrors.entries(head.remote, head.sha, ".")

        async def read(files: Sequence[Entry]) -> Sequence[bytes]:
            contents = await self.blobs(head, tuple({entry.sha for entry in files}))
            return [contents[entry.sha] for entry in files]

        return UnitSource(name=head.remote.url, tree=await self._listing(head, entries), read=read)

    async def blobs(self, head: Head, shas: Sequence[str]) -> Mapping[str, bytes]:
        """Return the contents of blobs by their ids.

        Raises:
            SourceError: the mirror could not be read.
        """
        return await self.mirrors.blobs(head.remote, shas)

    async def _listing(self, head: Head, entries: Sequence[Entry]) -> links.Listing:
        texts = await self.mirrors.blobs(head.remote, await aio.aside(len(entries), links.to_read, entries))
        return await aio.aside(len(entries), links.Listing, entries, texts)
