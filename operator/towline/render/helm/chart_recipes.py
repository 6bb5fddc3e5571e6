"""Remember how charts were rendered, so that one can be rendered again with another content of one file."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from towline.errors import SourceError
from towline.model import Manifest
from towline.render.confined.jail import JailError
from towline.render.helm import chart_parts, chart_render
from towline.render.helm.chart_files import ChartFiles
from towline.render.helm.chart_options import ChartOptions
from towline.render.helm.chart_render import ChartContents, ChartRenderer
from towline.render.helm.chart_values import ValuesFiles
from towline.render.helm.template_text import Mentions
from towline.render.units.unit_source import UnitSource
from towline.source.helm_charts.chart_archive import ChartArchiveError

_MOST = 100
_BYTES = 64 * 1024**2
"""Charts, and bytes of their files, of which it is known how they were rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdit:
    """Another content of a file: of one of the chart by its path from there, of one of values, or both in one.

    `values` are its paths in the spec; a path that the chart does not have changes nothing of it.
    """

    path: str
    values: tuple[str, ...]
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRecipe:
    """How a chart was rendered, and what of.

    Attributes:
        renderer: renders it.
        command: what Helm is told.
        source: reads its files.
        found: those.
        given: the files of values.
        options: how it was rendered.
        mentions: what its templates ask for.
        declared: returns what it declares, nothing where that is not known any more.
    """

    renderer: ChartRenderer
    command: Sequence[str]
    source: UnitSource
    found: ChartFiles
    given: ValuesFiles
    options: ChartOptions = field(repr=False)
    mentions: Mentions
    declared: Callable[[], Sequence[Manifest]] = field(repr=False)

    @property
    def size(self) -> int:
        """The bytes of its files, which may be kept in memory where they are from another server."""
        return sum(entry.size for entry in self.found.files.values())

    async def rendered(self, edit: FileEdit) -> Sequence[Manifest] | None:
        """Return what the chart declares with another content of one file; None where it cannot be rendered then."""
        try:
            files = await chart_render.read(self.source, self.found.files)
            layers = await chart_render.read(self.source, self.given.files)
            if chart_parts.committed(edit.path) in files:
                files = await asyncio.to_thread(chart_parts.edited, files, edit.path, edit.content)
            contents = ChartContents(files, layers | dict.fromkeys(edit.values, edit.content))
            prepared = await self.renderer.prepare_contents(contents, self.found, self.mentions, self.options)
            made = None if prepared.values.failures else await self.renderer.once(prepared, self.command)
        except (SourceError, JailError, ChartArchiveError):
            return None
        return None if made is None or made.failures else made.manifests


@dataclass(slots=True)
class ChartRecipes:
    """Recipes by what `Origin.render` says, the latest last."""

    known: OrderedDict[str, ChartRecipe] = field(default_factory=OrderedDict, repr=False)
    size: int = 0

    def keep(self, render: str, recipe: ChartRecipe) -> None:
        """Keep one, and forget the oldest where there are too many."""
        if before := self.known.pop(render, None):
            self.size -= before.size
        self.known[render] = recipe
        self.size += recipe.size
        while len(self.known) > 1 and (len(self.known) > _MOST or self.size > _BYTES):
            self.size -= self.known.popitem(last=False)[1].size

    def get(self, render: str) -> ChartRecipe | None:
        """Return one, if it is still known."""
        return self.known.get(render)
