"""Hand the commits of a clone to the code that reads those of the operator's mirrors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from towline.read.git.git_content import GitContent
from towline.source.access import Remote
from towline.source.selection import Entry


class ClonedCommits:
    """The commits of one clone, for what reads those of mirrors."""

    def __init__(self, content: GitContent) -> None:
        self._content = content

    async def entries(self, remote: Remote, sha: str, path: str) -> tuple[Entry, ...]:
        """Return what is below a path of a commit."""
        del remote
        return tuple(await self._content.entries(sha, path))

    async def blobs(self, remote: Remote, shas: Iterable[str]) -> Mapping[str, bytes]:
        """Return contents by their ids."""
        del remote
        return await self._content.blobs(shas)
