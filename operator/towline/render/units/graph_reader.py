"""Find what each unit of a commit reads, and remember it while the commit's files are where they were."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from towline import text
from towline.errors import Failure, Reason
from towline.render.units import base_door, exploration, graph, unit_folders
from towline.render.units.graph import Graph, Needed
from towline.render.units.inputs import InputFile, InputReader
from towline.render.units.mounts import RemoteKnowledge
from towline.render.units.unit_source import UnitSource
from towline.source.selection import shown

_PROBES = 500_000
_UNIT_BYTES = 64 * 1024**2


class GraphReader:
    """Reads graphs, and keeps them, the latest used ones last.

    Args:
        reader: parses files.
    """

    def __init__(self, reader: InputReader) -> None:
        self._reader = reader
        self._graphs: OrderedDict[tuple[str, str, bool], Graph] = OrderedDict()
        self._probes = 0

    async def graphs(self, source: UnitSource, folders: Sequence[str]) -> dict[str, Graph]:
        """Return what the build of each folder reads that may be a unit.

        Args:
            source: the commit.
            folders: those that hold a kustomization.

        Raises:
            SourceError: a file of the commit, or a remote base, could not be read, or is not what it was.
        """
        known = await asyncio.to_thread(self._unchanged, source, folders)
        if source.bases:
            for folder in tuple(known):
                if not await base_door.is_same(source.bases, known[folder]):
                    del known[folder]
        graphs: dict[str, Graph] = {}
        components: set[str] = set()
        missing = unit_folders.candidates(folders, components)
        while missing:
            for folder in missing:
                graphs[folder] = known.get(folder) or await self._graph(source, folder)
            found = {folder for folder in missing if graphs[folder].is_component}
            components |= found
            below = unit_folders.candidates(folders, components) if found else ()
            missing = tuple(folder for folder in below if folder not in graphs)
        self._use(source.key(folder) for folder in known)
        if source.bases:
            source.bases.settle()
        return graphs

    async def components(
        self, source: UnitSource, folders: Mapping[str, str]
    ) -> tuple[tuple[Graph, ...], tuple[Failure, ...]]:
        """Return what the components of an overlay read, and what is wrong with those that are none.

        Args:
            source: the commit.
            folders: where they are, by the field of the spec that names each.

        Raises:
            SourceError: as `graphs` does.
        """
        found: list[Graph] = []
        failures: list[Failure] = []
        if not folders:
            return (), ()
        known = await asyncio.to_thread(self._unchanged, source, tuple(folders.values()))
        for field, folder in folders.items():
            one = known.get(folder) or await self._graph(source, folder)
            if one.is_component or one.failures:
                found.append(one)
                continue
            what = "has no kustomization in this commit" if not one.files else "is not of kind Component"
            message = f"{field}: {shown(folder) or '.'} {what}: name the folder of a Component"
            failures.append(Failure(reason=Reason.BUILD_FAILED, message=message))
        return tuple(found), tuple(failures)

    def _unchanged(self, source: UnitSource, folders: Sequence[str]) -> dict[str, Graph]:
        """Return the known graphs of which this commit changes nothing, all in one go: a thread for each costs more."""
        known = {folder: self._graphs.get(source.key(folder)) for folder in folders}
        return {folder: one for folder, one in known.items() if one and graph.is_same(one, source.tree)}

    async def _graph(self, source: UnitSource, folder: str) -> Graph:
        files: dict[str, InputFile] = {}
        remote = RemoteKnowledge(served=source.bases is not None)
        found = await asyncio.to_thread(exploration.explore, folder, source.tree, files, remote)
        while found.needed or found.asked:
            if source.bases:
                remote = await base_door.opened(source.bases, found.asked, remote)
            files |= await self._inputs(source, found)
            found = await asyncio.to_thread(exploration.explore, folder, source.tree, files, remote)
        size = sum(entry.size for entry in found.files.values())
        if size > _UNIT_BYTES:
            message = f"the build reads more than {text.size(_UNIT_BYTES)}: split it"
            return _refused(found, message)
        found = graph.signed(found)
        if not remote.refused:
            self._remember(source.key(folder), found)
        return found

    def _use(self, names: Iterable[tuple[str, str, bool]]) -> None:
        """Keep graphs longer than those that were not used for long."""
        for name in names:
            if name in self._graphs:
                self._graphs.move_to_end(name)

    def _remember(self, name: tuple[str, str, bool], found: Graph) -> None:
        before = self._graphs.pop(name, None)
        self._graphs[name] = found
        self._probes += found.weight - (before.weight if before else 0)
        while self._probes > _PROBES and len(self._graphs) > 1:
            self._probes -= self._graphs.popitem(last=False)[1].weight

    async def _inputs(self, source: UnitSource, explored: Graph) -> Mapping[str, InputFile]:
        """Read and parse the files that a graph needs; those that are too large are not read."""
        most, needed = self._reader.limits.file_bytes, explored.needed
        small = [one for one in needed if one.entry.size <= most]
        entries = {one.path: one.entry for one in small}
        contents = await source.contents(entries, explored)
        found = await asyncio.to_thread(_parsed, small, contents, self._reader)
        message = f"the file is larger than the {text.size(most)} that one file may have (--max-file-size)"
        too_large = [one.path for one in needed if one.entry.size > most]
        return found | {
            path: InputFile(
                path=path, failures=(Failure(reason=Reason.BUILD_FAILED, message=message, file=path),)
            )
            for path in too_large
        }


def _parsed(
    needed: Sequence[Needed], contents: Mapping[str, bytes], reader: InputReader
) -> dict[str, InputFile]:
    return {one.path: reader.file(one.path, contents[one.path], is_raw=one.raw) for one in needed}


def _refused(unit: Graph, message: str) -> Graph:
    failure = Failure(reason=Reason.BUILD_FAILED, message=message, file=unit.kustomization)
    return replace(unit, failures=(*unit.failures, failure))
