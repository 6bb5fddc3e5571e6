"""Open units of commits to trace their fields: which files each reads, and the last ones with their marked builds."""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
from collections import OrderedDict
from collections.abc import Callable, Mapping

from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.marks import tracing
from towline.render.marks.tracing import Traced
from towline.render.units import inputs, unit_files
from towline.render.units.graph import Graph
from towline.render.units.graph_reader import GraphReader
from towline.render.units.kustomize import Tool
from towline.render.units.unit_files import UnitFiles
from towline.render.units.unit_source import UnitSource

_KEPT = 8
"""Units whose marked builds are kept, with the outcomes of their confirmations."""


class UnitTracer:
    """Traces the units of all repositories.

    Args:
        jail: runs the tool.
        find: finds the tool.
        limits: how much of a file is read.
    """

    def __init__(self, jail: Jail, find: Callable[[], Tool | None], limits: YamlLimits) -> None:
        self._jail = jail
        self._find = find
        self._limits = limits
        self._graphs = GraphReader(limits)
        self._known: OrderedDict[str, asyncio.Task[Traced]] = OrderedDict()

    async def traced(self, source: UnitSource, kustomization: str) -> Traced | None:
        """Return a unit with its marked build; None where it cannot be built.

        Args:
            source: the commit.
            kustomization: the path of the outermost kustomization of the unit.

        Raises:
            SourceError: a file of the commit could not be read.
        """
        folder = posixpath.dirname(kustomization)
        graph = (await self._graphs.graphs(source, (folder,))).get(folder)
        tool = await asyncio.to_thread(self._find)
        if graph is None or graph.failures or tool is None:
            return None
        key = _key(graph, tool)
        if key not in self._known:
            contents = await source.contents(graph.files, graph)
            unit = await asyncio.to_thread(_opened, graph, contents, self._limits)
            if key not in self._known:
                self._known[key] = asyncio.create_task(tracing.traced(self._jail, tool, unit))
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return await asyncio.shield(self._known[key])


def _key(graph: Graph, tool: Tool) -> str:
    files = sorted((path, entry.mode, entry.sha) for path, entry in graph.files.items())
    return hashlib.sha256(repr((tool.identity, graph.folder, files)).encode()).hexdigest()


def _opened(graph: Graph, contents: Mapping[str, bytes], limits: YamlLimits) -> UnitFiles:
    """Parse what a unit reads as the commit has it: what is encrypted stays so."""
    parsed = {
        path: inputs.raw(path, content) if path in graph.raw else inputs.parsed(path, content, limits)
        for path, content in contents.items()
    }
    return unit_files.of(graph, contents, parsed)
