"""The history of one mirror, as the search for who changed an object asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from towline.source.authorship.blame import Contents, Parse
from towline.source.authorship.steps import Parents, Step
from towline.source.process import TooMuchOutputError
from towline.source.reader import Reader

_BLOBS = 200
"""So many are read and parsed in one go."""


class MirrorCommits:
    """The history of one mirror, as `blame.Commits` asks for it."""

    def __init__(self, reader: Reader, repository: Path) -> None:
        self._reader = reader
        self._repository = repository

    async def ancestry(self, tips: Sequence[str], limit: int) -> Sequence[Parents]:
        """Return the commits that lead to `tips`."""
        return await self._reader.ancestry(self._repository, tips, limit)

    async def steps(self, commits: Sequence[Parents], folders: Sequence[str]) -> Sequence[Step]:
        """Compare commits with their parents below these folders, everywhere where there are none."""
        return await self._reader.steps(self._repository, commits, folders)

    async def contents(self, blobs: Iterable[str], parse: Parse) -> Mapping[str, Contents]:
        """Return what blobs declare; those that are too large to be read are left out."""
        wanted = tuple(dict.fromkeys(blobs))
        found: dict[str, Contents] = {}
        for at in range(0, len(wanted), _BLOBS):
            found |= await self._declared(wanted[at : at + _BLOBS], parse)
        return found

    async def _declared(self, blobs: Sequence[str], parse: Parse) -> Mapping[str, Contents]:
        try:
            contents = await self._reader.blobs(self._repository, blobs)
        except TooMuchOutputError:
            half = len(blobs) // 2
            if not half:
                return {}
            return {**await self._declared(blobs[:half], parse), **await self._declared(blobs[half:], parse)}
        return await asyncio.to_thread(lambda: {blob: parse(each) for blob, each in contents.items()})
