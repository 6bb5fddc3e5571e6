"""Open units of commits to trace their fields, and keep the last ones with what was found out about them."""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from towline.render.confined.binaries import Tool
from towline.render.confined.jail import Jail
from towline.render.marks import tracing
from towline.render.marks.tracing import Traced
from towline.render.units import unit_files
from towline.render.units.graph import Graph
from towline.render.units.graph_reader import GraphReader
from towline.render.units.inputs import InputReader
from towline.render.units.unit_files import UnitFiles
from towline.render.units.unit_source import UnitSource

_BYTES = 4 * 1024**2
"""Bytes of files of the units that are kept; parsed, they take some ten times as much, and marked twice that."""

_COMMITS = 1000
"""Units of commits that are known by their names."""

_UNIT_BYTES = 16 * 1024**2
"""Bytes of files of the largest unit that is traced."""


class _Opened(NamedTuple):
    task: asyncio.Task[Traced]
    size: int


class UnitTracer:
    """Traces the units of all repositories.

    Args:
        jail: runs the tool.
        find: finds the tool.
        reader: parses files.
    """

    def __init__(self, jail: Jail, find: Callable[[], Tool | None], reader: InputReader) -> None:
        self._jail = jail
        self._find = find
        self._reader = reader
        self._graphs = GraphReader(reader)
        self._known: OrderedDict[str, _Opened] = OrderedDict()
        self._keys: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    async def recalled(self, name: str, sha: str, kustomization: str) -> Traced | None:
        """Return a unit that was opened before, without reading anything; None where it is not known any more.

        Args:
            name: of the repository, as `UnitSource` has it.
            sha: the commit.
            kustomization: the path of the outermost kustomization of the unit.
        """
        opened = self._known.get(self._keys.get((name, sha, kustomization), ""))
        return await asyncio.shield(opened.task) if opened else None

    async def traced(self, source: UnitSource, sha: str, kustomization: str) -> Traced | None:
        """Return a unit of a commit; None where it cannot be built, or is too large.

        Args:
            source: the commit.
            sha: its id.
            kustomization: the path of the outermost kustomization of the unit.

        Raises:
            SourceError: a file of the commit could not be read.
        """
        folder = posixpath.dirname(kustomization)
        graph = (await self._graphs.graphs(source, (folder,))).get(folder)
        tool = await asyncio.to_thread(self._find)
        if graph is None or graph.failures or graph.holds_charts or tool is None:
            return None
        size = sum(entry.size for entry in graph.files.values())
        if size > _UNIT_BYTES:
            return None
        key = _key(graph, tool)
        if key not in self._known:
            contents = await source.contents(graph.files, graph)
            unit = await asyncio.to_thread(_opened, graph, contents, self._reader)
            task = asyncio.create_task(tracing.traced(self._jail, tool, unit))
            self._known.setdefault(key, _Opened(task, size))
        self._known.move_to_end(key)
        self._keys[source.name, sha, kustomization] = key
        if len(self._keys) > _COMMITS:
            self._keys.popitem(last=False)
        opened = self._known[key]
        while len(self._known) > 1 and sum(each.size for each in self._known.values()) > _BYTES:
            self._known.popitem(last=False)
        return await asyncio.shield(opened.task)


def _key(graph: Graph, tool: Tool) -> str:
    files = sorted((path, entry.mode, entry.sha) for path, entry in graph.files.items())
    return hashlib.sha256(repr((tool.identity, graph.folder, files)).encode()).hexdigest()


def _opened(graph: Graph, contents: Mapping[str, bytes], reader: InputReader) -> UnitFiles:
    """Parse what a unit reads as the commit has it: what is encrypted stays so."""
    parsed = {
        path: reader.file(path, content, is_raw=path in graph.raw) for path, content in contents.items()
    }
    return unit_files.of(graph, contents, parsed)
