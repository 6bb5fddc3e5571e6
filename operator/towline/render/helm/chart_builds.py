"""Render the charts of a commit: what each is, what was rendered of the same files before, and a child for the rest."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from towline import text
from towline.errors import Failure, Reason
from towline.model import Manifest
from towline.render import links
from towline.render.confined.binaries import Tool
from towline.render.confined.jail import Jail, JailError
from towline.render.helm import chart_facts, chart_files, chart_render, chart_values, helm_tool
from towline.render.helm.chart_facts import ChartFacts
from towline.render.helm.chart_files import ChartFiles
from towline.render.helm.chart_options import ChartOptions
from towline.render.helm.chart_recipes import ChartRecipe, ChartRecipes
from towline.render.helm.chart_render import ChartRenderer
from towline.render.helm.chart_values import ValuesFiles
from towline.render.overlays.chart_overlay import ChartOverlayer
from towline.render.sops.opened_files import UnopenedError
from towline.render.units.built_units import Built, BuiltUnits, UnitOutcome, UnitRun
from towline.render.units.unit_source import UnitSource

_CHART_BYTES = 64 * 1024**2
_FACTS = 1000
"""Charts of which it is known what they are; a few hundred bytes each."""


class BuiltCharts(NamedTuple):
    """What the charts of a commit declare.

    Attributes:
        built: their objects.
        lookups: where those that were rendered ask for what only a cluster knows.
        versions: the API versions that any of them asks for; None where that is not known.
    """

    built: Built
    lookups: tuple[tuple[str, int], ...] = ()
    versions: frozenset[str] | None = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chart:
    """A chart of one commit, with the files of values that go with it."""

    found: ChartFiles
    given: ValuesFiles
    facts: ChartFacts

    @property
    def reads(self) -> frozenset[str]:
        """The paths of everything that it is made of."""
        files = (*self.found.files.values(), *self.given.files.values())
        return frozenset(entry.path for entry in files)

    def key(self, options: ChartOptions, tool: Tool, versions: Sequence[str]) -> str:
        """Return what tells this render from all others whose outcome may differ."""
        given = [(path, entry.sha) for path, entry in self.given.files.items()]
        files = chart_facts.signature(self.found.folder, self.found.files)
        return hashlib.sha256(
            repr((tool.identity, files, given, *options.key(versions))).encode()
        ).hexdigest()


class ChartBuilder:
    """Renders charts, and remembers what was rendered of the same files with the same values by the same Helm.

    Args:
        jail: runs Helm.
        find: finds it; it is asked for each commit, because it may be installed later.
        overlayer: changes what charts declare, where their options have an overlay.
        recipes: is told how charts were rendered, so that they can be rendered again.
    """

    def __init__(
        self,
        jail: Jail,
        find: Callable[[], Tool | None],
        overlayer: ChartOverlayer | None = None,
        recipes: ChartRecipes | None = None,
    ) -> None:
        self._renderer = ChartRenderer(jail, overlayer)
        self._find = find
        self._facts: OrderedDict[str, ChartFacts] = OrderedDict()
        self._known = BuiltUnits()
        self._recipes = recipes or ChartRecipes()

    async def build(self, source: UnitSource, folders: Iterable[str], options: ChartOptions) -> BuiltCharts:
        """Render charts.

        Args:
            source: the commit.
            folders: those of the charts.
            options: how they are rendered.

        Raises:
            SourceError: a file of the commit could not be read.
        """
        charts = [await self._chart(source, folder, options) for folder in sorted(folders)]
        rendered = [one for one in charts if not one.facts.is_library]
        tool = await asyncio.to_thread(self._find) if rendered else None
        runs: list[UnitRun] = []
        outcomes = [await self._built(source, chart, options, tool, runs) for chart in rendered]
        built = Built(
            units=tuple(each.run for each in outcomes if each.run),
            runs=tuple(runs),
            is_costly=any(each.is_passing for each in outcomes),
            manifests=tuple(one for each in outcomes for one in each.manifests),
            failures=tuple(dict.fromkeys(one for each in outcomes for one in each.failures)),
            reads=frozenset(path for one in charts for path in one.reads),
        )
        ran = {run.unit for run in runs}
        told = (place for one in rendered if one.found.marker in ran for place in one.facts.mentions.lookups)
        return BuiltCharts(built, tuple(told), _all(one.facts.mentions.versions for one in rendered))

    async def _chart(self, source: UnitSource, folder: str, options: ChartOptions) -> _Chart:
        found = await asyncio.to_thread(chart_files.collect, folder, source.tree)
        given = await asyncio.to_thread(chart_values.find, options.asked.files, source.tree, found.marker)
        return _Chart(found=found, given=given, facts=await self._facts_of(source, found))

    async def _facts_of(self, source: UnitSource, found: ChartFiles) -> ChartFacts:
        if found.failures:
            return chart_facts.refused(found.failures)
        if sum(entry.size for entry in found.files.values()) > _CHART_BYTES:
            message = f"the chart has more than {text.size(_CHART_BYTES)}: move out of its folder what it does not need"
            return chart_facts.refused((_failure(found, message),))
        name = chart_facts.signature(found.folder, found.files)
        facts = self._facts.pop(name, None) if all(entry.sha for entry in found.files.values()) else None
        if facts is None:
            facts = await asyncio.to_thread(
                chart_facts.read, found, await chart_render.read(source, found.files)
            )
        self._facts[name] = facts  # as the latest used one
        while len(self._facts) > _FACTS:
            self._facts.popitem(last=False)
        return facts

    async def _built(
        self,
        source: UnitSource,
        chart: _Chart,
        options: ChartOptions,
        tool: Tool | None,
        runs: list[UnitRun],
    ) -> UnitOutcome:
        if failures := (*chart.facts.failures, *chart.given.failures):
            return UnitOutcome((), failures)
        if tool is None:
            return UnitOutcome((), (_failure(chart.found, helm_tool.ABSENT),))
        versions = options.versions(chart.facts.mentions.versions)
        key = chart.key(options, tool, versions)
        known = self._known.get(key)
        if isinstance(known, UnitOutcome):
            return known
        try:
            prepared = await self._renderer.prepare(
                source, chart.found, chart.given, chart.facts.mentions, options
            )
            prepared = replace(prepared, render=key)
            command = helm_tool.command(tool, options, versions)
            rendered = await self._renderer.render(prepared, command)
        except JailError as error:
            outcome = UnitOutcome((), (_ended(chart.found, error),), is_passing=error.passing)
            if not error.passing:
                self._known.put(key, outcome)
            return outcome
        run = None
        if rendered.seconds:  # of a child; without one, its values could not be read
            files = len(chart.found.files) + len(chart.given.files)
            run = UnitRun(chart.found.marker, len(rendered.manifests), files, rendered.seconds)
            runs.append(run)
        outcome = UnitOutcome(rendered.manifests, rendered.failures, run=run)
        self._known.put(key, outcome)
        self._recipes.keep(
            key,
            ChartRecipe(
                renderer=self._renderer,
                command=command,
                source=replace(source, tree=links.Listing((), {}), bases=None),
                found=chart.found,
                given=chart.given,
                options=options,
                mentions=chart.facts.mentions,
                declared=partial(self._declared, key),
            ),
        )
        return outcome

    def _declared(self, key: str) -> tuple[Manifest, ...]:
        known = self._known.get(key)
        return known.manifests if isinstance(known, UnitOutcome) else ()


def _all(mentioned: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    found: set[str] = set()
    for each in mentioned:
        if each is None:
            return None
        found |= each
    return frozenset(found)


def _ended(found: ChartFiles, error: JailError) -> Failure:
    """Return that a child could not run to its end: Helm, or one that decrypts values."""
    return error.failure if isinstance(error, UnopenedError) else _failure(found, error.message)


def _failure(found: ChartFiles, message: str) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=found.marker)
