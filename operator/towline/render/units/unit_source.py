"""Say what units are built from: the tree of a commit, and what reads its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from towline.render.links import Tree
from towline.render.units import base_door
from towline.render.units.base_door import ReadFiles, RemoteBases
from towline.render.units.graph import Graph
from towline.source.selection import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSource:
    """Where units are built from: `name` is the same for all commits of one repository.

    `bases` opens remote bases; without it they are refused.
    """

    name: str
    tree: Tree
    read: ReadFiles
    bases: RemoteBases | None = None

    def key(self, folder: str) -> tuple[str, str, bool]:
        """Return what the graph of one of its folders is remembered by."""
        return self.name, folder, self.bases is not None

    async def contents(self, entries: Mapping[str, Entry], graph: Graph) -> dict[str, bytes]:
        """Return the contents of files by path, those of remote bases, too.

        Raises:
            SourceError: one of them could not be read.
        """
        return await base_door.contents(entries, graph, self.read, self.bases)
