"""Open charts of commits to trace their fields, and keep the last ones with what was found out about them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from towline.render.chart_lines import chart_sources
from towline.render.chart_lines.chart_sources import ChartSources
from towline.render.chart_lines.proved_chart import ProvedChart
from towline.render.chart_lines.traced_chart import TracedChart
from towline.render.documents import YamlLimits
from towline.render.helm import chart_files, chart_render, chart_values
from towline.render.helm.chart_files import ChartFiles
from towline.render.helm.chart_recipes import ChartRecipes
from towline.render.helm.chart_values import ValuesFiles
from towline.render.units.unit_kinds import CHART
from towline.render.units.unit_source import UnitSource
from towline.source.selection import Entry

_CHARTS = 8
"""Charts of commits that are kept."""

_CHART_BYTES = 4 * 1024**2
"""Bytes of templates, values and archives of the largest chart that is traced."""


class ChartKey(NamedTuple):
    """A chart of a commit.

    Attributes:
        repository: its url.
        sha: the commit.
        marker: the path of Chart.yaml.
        values: the files of values of the spec.
        render: what tells this render of the chart from others.
    """

    repository: str
    sha: str
    marker: str
    values: tuple[str, ...]
    render: str

    @property
    def is_chart(self) -> bool:
        """Whether it is one, and no kustomization."""
        return chart_sources.marked(self.marker).name(CHART) == self.marker

    @property
    def of_render(self) -> ChartKey:
        """What is the same for commits that do not change the render."""
        return self._replace(sha="") if self.render else self

    @property
    def is_here(self) -> bool:
        """Whether the chart is in the commit itself."""
        return not chart_sources.marked(self.marker).after


class ChartTracer:
    """Traces the charts of all repositories.

    Args:
        limits: how much of a file of values is read.
        recipes: say how charts were rendered.
    """

    def __init__(self, limits: YamlLimits, recipes: ChartRecipes | None = None) -> None:
        self._limits = limits
        self._recipes = recipes or ChartRecipes()
        self._known: OrderedDict[ChartKey, ProvedChart] = OrderedDict()

    def recalled(self, key: ChartKey) -> ProvedChart | None:
        """Return a chart that was opened before; None where it is not known any more."""
        return self._known.get(key.of_render)

    async def traced(self, source: UnitSource, key: ChartKey) -> ProvedChart | None:
        """Return a chart of a commit; None where it is too large, or from another server and not known any more.

        Args:
            source: the commit.
            key: the chart.

        Raises:
            SourceError: a file of the commit could not be read.
        """
        recipe = self._recipes.get(key.render)
        if recipe:
            found, given, source = recipe.found, recipe.given, recipe.source
        elif key.is_here:
            folder = key.marker.removesuffix(CHART).rstrip("/")
            found = await asyncio.to_thread(chart_files.collect, folder, source.tree)
            given = await asyncio.to_thread(chart_values.find, key.values, source.tree, key.marker)
        else:
            return None
        sources = await self._sources(source, key, found, given)
        if sources is None:
            return None
        chart = ProvedChart(TracedChart(sources, self._limits), recipe)
        self._known[key.of_render] = chart
        while len(self._known) > _CHARTS:
            self._known.popitem(last=False)
        return chart

    async def _sources(
        self, source: UnitSource, key: ChartKey, found: ChartFiles, given: ValuesFiles
    ) -> ChartSources | None:
        inside = {path: entry for path, entry in found.files.items() if chart_sources.is_read(path)}
        values = {entry.path: entry for entry in given.files.values()}
        if _size(inside, values) > _CHART_BYTES:
            inside = {path: entry for path, entry in inside.items() if not chart_sources.is_crd(path)}
        if _size(inside, values) > _CHART_BYTES:
            return None
        contents = await chart_render.read(source, inside)
        layers = await chart_render.read(source, values)
        place = chart_sources.marked(key.marker)
        own = {entry.path for path, entry in inside.items() if entry.path == place.name(path)}
        committed = frozenset(own | values.keys())
        return await asyncio.to_thread(chart_sources.read, place, contents, layers, committed)


def _size(*files: Mapping[str, Entry]) -> int:
    return sum(entry.size for some in files for entry in some.values())
