"""Build the units of a commit: a child for each that was not built of the same files before, then its variables."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from towline import aio
from towline.errors import Failure, Reason
from towline.render.confined.binaries import Tool
from towline.render.confined.jail import Jail, JailError, Run
from towline.render.formats import KUSTOMIZATIONS
from towline.render.helm import helm_tool, template_text
from towline.render.origins import foreseen_objects
from towline.render.origins.foreseen_objects import ForeseenObjects
from towline.render.origins.object_places import UnforeseenError
from towline.render.overlays import spec_overlay
from towline.render.sops import opened_files
from towline.render.sops.opened_files import UnopenedError
from towline.render.units import (
    build_place,
    graph,
    kustomize,
    mounts,
    unit_folders,
    unit_inputs,
    unit_secrets,
)
from towline.render.units.build_place import BuildPlace
from towline.render.units.built_units import Built, BuiltUnits, Made, UnitOutcome, UnitRun
from towline.render.units.graph import Graph
from towline.render.units.graph_reader import GraphReader
from towline.render.units.inputs import InputReader
from towline.render.units.unit_inputs import UnitInputs
from towline.render.units.unit_settings import UnitSettings
from towline.render.units.unit_source import UnitSource
from towline.render.written import rendered_objects

_TICK = 1.1
"""Seconds after which a clock shows another one."""


class _BuildRequest(NamedTuple):
    """One unit that is to be built; `tool` is None where there is none."""

    source: UnitSource
    unit: Graph
    how: UnitSettings
    tool: Tool | None
    helm: Tool | None = None

    @property
    def command(self) -> Sequence[str]:
        """The command of the tool; empty where there is none, and nothing is built."""
        return self.tool.command if self.tool else ()

    @property
    def made_key(self) -> tuple[str, ...]:
        """What tells the child of this unit from all others that may make something else."""
        tools = (one.identity if one else "" for one in (self.tool, self.helm))
        return *tools, self.how.fingerprint, self.unit.folder, self.unit.signature

    @property
    def filled_key(self) -> tuple[str, ...]:
        """The same for what it declares once its variables are filled in."""
        return *self.made_key, self.how.mark


class UnitBuilder:
    """Builds units, and remembers what was built of the same files by the same tool.

    Args:
        jail: runs the tool.
        find: finds the tool; it is asked for each commit, because it may be installed later.
        reader: parses files.
        find_helm: finds Helm, for the charts of kustomizations.
    """

    def __init__(
        self,
        jail: Jail,
        find: Callable[[], Tool | None],
        reader: InputReader,
        find_helm: Callable[[], Tool | None] = lambda: None,
    ) -> None:
        self._jail = jail
        self._find = find
        self._find_helm = find_helm
        self._reader = reader
        self._graphs = GraphReader(reader)
        self._known = BuiltUnits()

    async def build(self, source: UnitSource, folders: Iterable[str], how: UnitSettings) -> Built:
        """Build the units among some folders.

        Args:
            source: the commit.
            folders: those that hold a kustomization.
            how: what the spec says about it.

        Raises:
            SourceError: a file of the commit, or a remote base, could not be read, or is not what it was.
        """
        graphs = await self._graphs.graphs(source, tuple(folders))
        components = {folder for folder, one in graphs.items() if one.is_component}
        built_on = {folder: one.built_on for folder, one in graphs.items() if folder not in components}
        added, refused = await self._graphs.components(source, how.components)
        units = [graph.joined(graphs[folder], added) for folder in unit_folders.units(built_on)]
        reads = frozenset[str]().union(*(one.files for one in (*graphs.values(), *added)))
        if refused:
            return Built(failures=refused, reads=reads)
        tool = await asyncio.to_thread(self._find) if units else None
        helm = await asyncio.to_thread(self._find_helm) if any(each.holds_charts for each in units) else None
        requests = [
            _BuildRequest(source, each, how, tool, helm if each.holds_charts else None) for each in units
        ]
        runs: list[UnitRun] = []
        known = [self._told(each) for each in requests]  # a task for each costs more than to look
        missing = [request for request, one in zip(requests, known, strict=True) if one is None]
        built = iter(await aio.gather(lambda each: self._built(each, runs), missing, self._jail.width))
        outcomes = [next(built) if one is None else one for one in known]
        return Built(
            units=tuple(each.run for each in outcomes if each.run),
            runs=tuple(sorted(runs)),
            is_costly=any(each.is_passing for each in outcomes),
            manifests=tuple(chain.from_iterable(each.manifests for each in outcomes)),
            failures=tuple(dict.fromkeys(one for each in outcomes for one in each.failures)),
            reads=reads,
        )

    def _told(self, request: _BuildRequest) -> UnitOutcome | None:
        """Return what a unit declares where that is known without a build."""
        unit = request.unit
        if unit.failures:
            return UnitOutcome((), unit.failures)
        if request.tool is None:
            return UnitOutcome((), (_failure(unit, kustomize.ABSENT),))
        if unit.holds_charts and request.helm is None:
            return UnitOutcome((), (_failure(unit, helm_tool.ABSENT),))
        known = self._known.get(request.filled_key)
        return known if isinstance(known, UnitOutcome) else None

    async def _built(self, request: _BuildRequest, runs: list[UnitRun]) -> UnitOutcome:
        """Return what a unit declares; a variable that has another value by now starts no child."""
        unit, how = request.unit, request.how
        key, filled_key = request.made_key, request.filled_key
        made = self._known.get(key)
        if not isinstance(made, Made):
            try:
                made = await self._made(request)
            except JailError as error:
                outcome = UnitOutcome((), (_ended(unit, error),), is_passing=error.passing)
                if not error.passing:
                    self._known.put(filled_key, outcome)
                return outcome
            if made.run:
                runs.append(made.run)
            if how.treatment.substitution and not made.failures:
                self._known.put(key, made)
        outcome = await asyncio.to_thread(_filled, made, how)
        self._known.put(filled_key, outcome)
        return outcome

    async def _made(self, request: _BuildRequest) -> Made:
        """Have the tool build a unit of its decrypted files.

        Raises:
            JailError: the tool could not run to its end.
        """
        unit = request.unit
        committed = await request.source.contents(unit.files, unit)
        keys = await opened_files.opened(request.how.treatment.keys, committed, self._reader.limits)
        read = await asyncio.to_thread(unit_inputs.read, unit, committed, self._reader, keys)
        if read.failures:
            return Made((), read.failures)
        foreseen = await asyncio.to_thread(_foreseen, unit, read, request.how)
        try:
            return await self._made_of(request, read, foreseen)
        except UnforeseenError:
            return await self._made_of(request, read, None)

    async def _made_of(
        self, request: _BuildRequest, read: UnitInputs, foreseen: ForeseenObjects | None
    ) -> Made:
        """Have the tool build a unit of what was read of it; it is asked for origins where they are not foreseen.

        Raises:
            UnforeseenError: it must be asked for them.
        """
        unit = request.unit
        place = build_place.place(unit, read, request.how, asks=foreseen is None)
        ran = await self._ran(request, place)
        if ran.result.code:
            secrets = await asyncio.to_thread(unit_secrets.secrets, read)
            told = mounts.told(ran.result.complaint, unit.names)
            said = kustomize.complaint(told, place.inside(ran.root), secrets)
            return Made((), (_failure(unit, said),), run=_run(unit, 0, ran.seconds))
        if why := await self._differs(request, place, ran):
            return Made((), (_failure(unit, why),), run=_run(unit, 0, ran.seconds))
        out = ran.result.out
        made, failures = await asyncio.to_thread(kustomize.objects, out, unit, read, place, foreseen)
        return Made(made, failures, read.texts, _run(unit, len(made), ran.seconds))

    async def _ran(self, request: _BuildRequest, place: BuildPlace) -> Run:
        """Run the tool, with Helm where it needs that."""
        if request.helm is None:
            return await self._jail.run((*request.command, place.folder), place.files)
        (helm,) = request.helm.command
        command = (*request.command, "--enable-helm", "--helm-command", helm, place.folder)
        return await self._jail.run(command, place.files, (helm,))

    async def _differs(self, request: _BuildRequest, place: BuildPlace, ran: Run) -> str:
        """Say what is wrong where a chart makes something else at each render; empty where none does."""
        if request.helm is None:
            return ""
        mentions = await asyncio.to_thread(template_text.mentions, place.files)
        if not mentions.is_changing:
            return ""
        if mentions.reads_clock:
            await asyncio.sleep(_TICK)
        again = await self._ran(request, place)
        if again.result.out == ran.result.out:
            return ""
        return (
            "a chart in helmCharts makes other values at each render: set them, or render the chart by itself, "
            "with spec.helm.random: Once"
        )


def _foreseen(unit: Graph, read: UnitInputs, how: UnitSettings) -> ForeseenObjects | None:
    overlay = spec_overlay.kustomization(how.overlay, "", how.components) if how.overlay else {}
    return foreseen_objects.foreseen(unit, read.files, overlay, how.components.values())


def _filled(made: Made, how: UnitSettings) -> UnitOutcome:
    """Fill variables into what a tool made, and check it."""
    if made.failures:
        return UnitOutcome((), made.failures, run=made.run)
    variables = how.treatment.substitution
    found, failures = rendered_objects.rendered_objects(made.objects, variables, made.texts)
    return UnitOutcome(found, failures, run=made.run)


def _run(unit: Graph, objects: int, seconds: float) -> UnitRun:
    layers = sum(path.rpartition("/")[2] in KUSTOMIZATIONS for path in unit.files)
    return UnitRun(unit.kustomization, objects, len(unit.files), seconds, layers)


def _ended(unit: Graph, error: JailError) -> Failure:
    """Return that a child could not run to its end: that which builds the unit, or one that decrypts a file of it."""
    if isinstance(error, UnopenedError):
        return replace(error.failure, file=unit.name(error.file))
    return _failure(unit, error.message)


def _failure(unit: Graph, message: str) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=unit.kustomization)
