"""Open charts of commits to trace their fields, and keep the last ones."""

from __future__ import annotations

import posixpath
import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from towline.render.chart_lines.traced_chart import TracedChart
from towline.render.documents import YamlLimits
from towline.render.links import Tree
from towline.render.units import tree_paths
from towline.render.units.tree_paths import LedOutError
from towline.render.units.unit_kinds import CHART
from towline.render.units.unit_source import UnitSource
from towline.source.selection import Entry, Kind

_CHARTS = 8
"""Charts of commits that are kept."""

_CHART_BYTES = 4 * 1024**2
"""Bytes of templates and values of the largest chart that is traced."""

_READ = re.compile(r"(?:charts/[^/]+/)*(?:templates/.+|values\.yaml|Chart\.yaml)")
"""What of a chart its fields come from, by the path from its folder."""


class ChartKey(NamedTuple):
    """A chart of a commit: the repository, the commit, the path of Chart.yaml, and the files of values of the spec."""

    repository: str
    sha: str
    marker: str
    values: tuple[str, ...]

    @property
    def is_here(self) -> bool:
        """Whether the chart is in the commit itself."""
        return posixpath.basename(self.marker) == CHART


class ChartTracer:
    """Traces the charts of all repositories.

    Args:
        limits: how much of a file of values is read.
    """

    def __init__(self, limits: YamlLimits) -> None:
        self._limits = limits
        self._known: OrderedDict[ChartKey, TracedChart] = OrderedDict()

    def recalled(self, key: ChartKey) -> TracedChart | None:
        """Return a chart that was opened before; None where it is not known any more."""
        return self._known.get(key)

    async def traced(self, source: UnitSource, key: ChartKey) -> TracedChart | None:
        """Return a chart of a commit; None where it is too large.

        Args:
            source: the commit.
            key: the chart.

        Raises:
            SourceError: a file of the commit could not be read.
        """
        folder = posixpath.dirname(key.marker)
        values = _found(source.tree, key.values)
        start = len(folder) + 1 if folder else 0
        inside = [one for one in source.tree.below(folder) if _READ.fullmatch(one.path[start:])]
        files = {one.path: one for one in (*inside, *values) if one.kind is Kind.FILE}
        if sum(one.size for one in files.values()) > _CHART_BYTES:
            return None
        contents = dict(zip(files, await source.read(tuple(files.values())), strict=True))
        chart = TracedChart(folder, tuple(one.path for one in values), contents, self._limits)
        self._known[key] = chart
        while len(self._known) > _CHARTS:
            self._known.popitem(last=False)
        return chart


def _found(tree: Tree, paths: Sequence[str]) -> list[Entry]:
    """Return files by their paths, where symlinks lead to."""
    found: list[Entry] = []
    for path in paths:
        try:
            file = tree_paths.target(tree, path).file
        except LedOutError:
            continue
        found += [file] if file else []
    return found
