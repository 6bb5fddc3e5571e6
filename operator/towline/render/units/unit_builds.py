"""Build the units of a commit: what each reads, what was built of the same files before, and a child for the rest."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from towline import text
from towline.errors import Failure, Reason
from towline.model import Manifest
from towline.render.documents import YamlLimits
from towline.render.links import Tree
from towline.render.units import (
    exploration,
    graph,
    inputs,
    kustomize,
    mounts,
    remote_bases,
    unit_folders,
    unit_secrets,
)
from towline.render.units.graph import Graph, Needed
from towline.render.units.inputs import InputFile
from towline.render.units.jail import Jail, JailError
from towline.render.units.kustomize import Tool
from towline.render.units.mounts import RemoteKnowledge
from towline.render.units.remote_bases import ReadFiles, RemoteBases
from towline.render.units.unit_settings import UnitSettings

_PROBES = 500_000
_BUILT_BYTES = 64 * 1024**2
_OBJECT_BYTES = 1024
"""Bytes that Python takes for an object, beside its JSON."""

_UNIT_BYTES = 64 * 1024**2


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


class UnitRun(NamedTuple):
    """A unit that was built: its kustomization, how many objects it made of how many files, in how many seconds."""

    unit: str
    objects: int
    files: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What the units of a commit declare.

    `reads` are the files that any kustomization below its path reads; `runs` are the units that were built by a child.
    Where it is `is_costly`, one of them took more than it may, and is built again at the next try.
    """

    manifests: tuple[Manifest, ...] = ()
    failures: tuple[Failure, ...] = ()
    reads: frozenset[str] = frozenset()
    runs: tuple[UnitRun, ...] = ()
    is_costly: bool = False


class _BuildRequest(NamedTuple):
    """One unit that is to be built; `tool` is None where there is none."""

    source: UnitSource
    unit: Graph
    how: UnitSettings
    tool: Tool | None

    def key(self, tool: Tool) -> str:
        """Return what tells this build from all others whose outcome may differ."""
        files = sorted((path, entry.mode, entry.sha) for path, entry in self.unit.files.items())
        told = (tool.identity, self.how.mark, self.unit.folder, files)
        return hashlib.sha256(repr(told).encode()).hexdigest()


class _Outcome(NamedTuple):
    manifests: tuple[Manifest, ...]
    failures: tuple[Failure, ...]
    seconds: float = 0.0
    is_passing: bool = False

    @property
    def weight(self) -> int:
        return _OBJECT_BYTES + sum(_OBJECT_BYTES + len(one.content) for one in self.manifests)


@dataclass(slots=True)
class _Builds:
    """What was built, by key, the latest used last."""

    known: OrderedDict[str, _Outcome] = field(default_factory=OrderedDict)
    weight: int = 0

    def get(self, key: str) -> _Outcome | None:
        if key in self.known:
            self.known.move_to_end(key)
        return self.known.get(key)

    def put(self, key: str, outcome: _Outcome) -> None:
        self.known[key] = outcome
        self.weight += outcome.weight
        while self.weight > _BUILT_BYTES and len(self.known) > 1:
            self.weight -= self.known.popitem(last=False)[1].weight


class UnitBuilder:
    """Builds units, and remembers what was built of the same files by the same tool.

    Args:
        jail: runs the tool.
        find: finds the tool; it is asked for each commit, because it may be installed later.
        limits: how much of a file is read.
    """

    def __init__(self, jail: Jail, find: Callable[[], Tool | None], limits: YamlLimits) -> None:
        self._jail = jail
        self._find = find
        self._limits = limits
        self._graphs: OrderedDict[tuple[str, str, bool], Graph] = OrderedDict()
        self._probes = 0
        self._builds = _Builds()

    async def build(self, source: UnitSource, folders: Iterable[str], how: UnitSettings) -> Built:
        """Build the units among some folders.

        Args:
            source: the commit.
            folders: those that hold a kustomization.
            how: what the spec says about it.

        Raises:
            SourceError: a file of the commit, or a remote base, could not be read, or is not what it was.
        """
        graphs = await self._all_graphs(source, tuple(folders))
        if source.bases:
            source.bases.settle()
        components = {folder for folder, one in graphs.items() if one.is_component}
        built_on = {folder: one.built_on for folder, one in graphs.items() if folder not in components}
        units = [graphs[folder] for folder in unit_folders.units(built_on)]
        tool = await asyncio.to_thread(self._find) if units else None
        runs: list[UnitRun] = []
        outcomes = [await self._built(_BuildRequest(source, unit, how, tool), runs) for unit in units]
        return Built(
            runs=tuple(runs),
            is_costly=any(each.is_passing for each in outcomes),
            manifests=tuple(one for each in outcomes for one in each.manifests),
            failures=tuple(dict.fromkeys(one for each in outcomes for one in each.failures)),
            reads=frozenset(path for one in graphs.values() for path in one.files),
        )

    async def _all_graphs(self, source: UnitSource, folders: Sequence[str]) -> dict[str, Graph]:
        known = await asyncio.to_thread(self._unchanged, source, folders)
        for folder in tuple(known):
            if source.bases and not await remote_bases.is_same(source.bases, known[folder]):
                del known[folder]
                continue
            self._remember(source.key(folder), known[folder])  # as the latest used ones
        graphs: dict[str, Graph] = {}
        components: set[str] = set()
        while missing := [
            folder for folder in unit_folders.candidates(folders, components) if folder not in graphs
        ]:
            for folder in missing:
                graphs[folder] = known.get(folder) or await self._graph(source, folder)
            components |= {folder for folder in missing if graphs[folder].is_component}
        return graphs

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
                remote = await remote_bases.opened(source.bases, found.asked, remote)
            files |= await self._inputs(source, found)
            found = await asyncio.to_thread(exploration.explore, folder, source.tree, files, remote)
        size = sum(entry.size for entry in found.files.values())
        if size > _UNIT_BYTES:
            message = f"the build reads more than {text.size(_UNIT_BYTES)}: split it"
            return _refused(found, message)
        if not remote.refused:
            self._remember(source.key(folder), found)
        return found

    def _remember(self, name: tuple[str, str, bool], found: Graph) -> None:
        before = self._graphs.pop(name, None)
        self._graphs[name] = found
        self._probes += len(found.probes) - (len(before.probes) if before else 0)
        while self._probes > _PROBES and len(self._graphs) > 1:
            self._probes -= len(self._graphs.popitem(last=False)[1].probes)

    async def _inputs(self, source: UnitSource, explored: Graph) -> Mapping[str, InputFile]:
        """Read and parse the files that a graph needs; those that are too large are not read."""
        most, needed = self._limits.file_bytes, explored.needed
        small = [one for one in needed if one.entry.size <= most]
        entries = {one.path: one.entry for one in small}
        contents = await remote_bases.contents(entries, explored.remotes, source.read, source.bases)
        found = await asyncio.to_thread(_parsed, small, contents, self._limits)
        message = f"the file is larger than the {text.size(most)} that one file may have (--max-file-size)"
        too_large = [one.path for one in needed if one.entry.size > most]
        return found | {
            path: InputFile(
                path=path, failures=(Failure(reason=Reason.BUILD_FAILED, message=message, file=path),)
            )
            for path in too_large
        }

    async def _built(self, request: _BuildRequest, runs: list[UnitRun]) -> _Outcome:
        unit, tool = request.unit, request.tool
        if unit.failures:
            return _Outcome((), unit.failures)
        if tool is None:
            return _outcome(unit, kustomize.ABSENT)
        key = request.key(tool)
        if known := self._builds.get(key):
            return known
        try:
            outcome = await self._ran(request, tool)
            runs.append(UnitRun(unit.kustomization, len(outcome.manifests), len(unit.files), outcome.seconds))
        except JailError as error:
            outcome = _outcome(unit, error.message)
            if error.passing:
                return outcome._replace(is_passing=True)
        self._builds.put(key, outcome)
        return outcome

    async def _ran(self, request: _BuildRequest, tool: Tool) -> _Outcome:
        unit = request.unit
        source = request.source
        contents = await remote_bases.contents(unit.files, unit.remotes, source.read, source.bases)
        files = await asyncio.to_thread(_all_parsed, unit, contents, self._limits)
        copies = {**contents, **kustomize.kustomizations(unit, files)}
        ran = await self._jail.run((*tool.command, unit.folder or "."), copies)
        if ran.result.code:
            secrets = await asyncio.to_thread(unit_secrets.secrets, files.values(), contents)
            said = mounts.told(ran.result.complaint, unit.names)
            return _outcome(unit, kustomize.complaint(said, ran.root, secrets))
        made, failures = await asyncio.to_thread(kustomize.objects, ran.result.out, unit, files)
        return _Outcome(made, failures, ran.seconds)


def _parsed(
    needed: Sequence[Needed], contents: Mapping[str, bytes], limits: YamlLimits
) -> dict[str, InputFile]:
    return {
        one.path: inputs.raw(one.path, contents[one.path])
        if one.raw
        else inputs.parsed(one.path, contents[one.path], limits)
        for one in needed
    }


def _all_parsed(unit: Graph, contents: Mapping[str, bytes], limits: YamlLimits) -> dict[str, InputFile]:
    """Parse the files of a unit again: they are needed only where it is built, and take memory."""
    return {
        path: inputs.raw(path, content) if path in unit.raw else inputs.parsed(path, content, limits)
        for path, content in contents.items()
    }


def _outcome(unit: Graph, message: str) -> _Outcome:
    return _Outcome((), (_failure(unit, message),))


def _refused(unit: Graph, message: str) -> Graph:
    return replace(unit, failures=(*unit.failures, _failure(unit, message)))


def _failure(unit: Graph, message: str) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=unit.kustomization)
