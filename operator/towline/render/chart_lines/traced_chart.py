"""Trace fields of the objects of one chart: to the line of a template, or to that of the value that it writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from towline.render.chart_lines import outline, template_fields, value_sites
from towline.render.chart_lines.actions import ValuePath
from towline.render.chart_lines.outline import Block
from towline.render.chart_lines.template_fields import FoundEntry
from towline.render.chart_lines.value_sites import ValueSite, ValuesLayer
from towline.render.documents import YamlLimits
from towline.render.marks import same_objects
from towline.render.marks.likelihood import Field
from towline.render.marks.site_versions import SiteKey
from towline.render.marks.tracing import Certainty, FieldPlace
from towline.render.units import inputs
from towline.render.units.inputs import InputFile

VALUES = "values.yaml"
"""The values of a chart itself."""


_INNER = re.compile(r"charts/([^/]+)/")
_INCLUDES = re.compile(r"\b(?:include|template)\b")


class FieldSource(NamedTuple):
    """Where a field comes from: an entry of the template, and the scalar in a file of values that it writes."""

    line: int
    site: ValueSite | None


class TracedChart:
    """One chart of a commit.

    Args:
        folder: of the chart.
        values: the files of values of the spec, the uppermost one last.
        contents: its templates and files of values, by path from the root of the repository.
        limits: how much of a file of values is read.
    """

    def __init__(
        self, folder: str, values: Sequence[str], contents: Mapping[str, bytes], limits: YamlLimits
    ) -> None:
        self._folder = folder
        self.values = values
        self._limits = limits
        self.contents = contents
        self._last: tuple[Mapping[str, Any], Block | None] | None = None
        self._outlines = cache(self._outline)
        self._parsed = cache(self._parse)
        self._lines = cache(lambda path, document: self._parsed(path).places(document))

    def place(self, field: Field) -> FieldPlace:
        """Return where a field most likely comes from."""
        origin = field.origin
        source = self.source(field)
        if source is None:
            return FieldPlace(origin.file, origin.line, Certainty.FILE)
        if source.site is None:
            return FieldPlace(origin.file, source.line, Certainty.LIKELY)
        line = self._lines(source.site.file, source.site.document).line(*source.site.steps)
        return FieldPlace(source.site.file, line, Certainty.LIKELY)

    def key(self, site: ValueSite) -> SiteKey:
        """Return where to find a value in other versions of its file."""
        document = self._parsed(site.file).documents[site.document]
        steps = same_objects.keyed(document.value, site.steps)
        return SiteKey(document.index, "", "", steps, is_raw=False)

    def source(self, field: Field) -> FieldSource | None:
        """Return what a field comes from; None where its template is not here, or where it may be in several lines."""
        origin = field.origin
        if not field.steps or origin.file not in self.contents:
            return None
        document = self._document(field)
        found = template_fields.find(document, field.body, field.steps) if document else ()
        layers = tuple(self._layers(origin.file))
        sources = {
            one: FieldSource(one.entry.line, value_sites.site(layers, one, field.value)) for one in found
        }
        of_values = {one.site: one for one in sources.values() if one.site}
        if len(of_values) == 1:
            return next(iter(of_values.values()))
        if of_values:
            return None
        lines = {source.line: source for source in sources.values()}
        if len(lines) > 1:
            lines = {source.line: source for one, source in sources.items() if _adds(one)}
        return next(iter(lines.values())) if len(lines) == 1 else None

    def _layers(self, template: str) -> Iterator[ValuesLayer]:
        """Yield the files of values that a template sees: those of the spec, of the chart, and of the charts in it."""
        inside = template.removeprefix(f"{self._folder}/" if self._folder else "")
        names: ValuePath = ()
        while found := _INNER.match(inside):
            names, inside = (*names, found[1]), inside[found.end() :]
        for path in reversed(self.values):
            if path in self.contents:
                yield ValuesLayer(self._parsed(path), names)
        for depth in range(len(names) + 1):
            below = "".join(f"charts/{name}/" for name in names[:depth])
            path = f"{self._folder}/{below}{VALUES}" if self._folder else f"{below}{VALUES}"
            if path in self.contents:
                yield ValuesLayer(self._parsed(path), names[depth:])

    def _document(self, field: Field) -> Block | None:
        """Return the part of the template that an object is rendered of; that of the last one is kept."""
        last = self._last
        if last is None or last[0] is not field.body:
            outlines = self._outlines(field.origin.file)
            last = field.body, template_fields.document_of(outlines, field.body, field.origin.line)
            self._last = last
        return last[1]

    def _outline(self, path: str) -> tuple[Block, ...]:
        return outline.documents(self.contents[path].decode(errors="replace"))

    def _parse(self, path: str) -> InputFile:
        return inputs.parsed(path, self.contents[path], self._limits)


def _adds(found: FoundEntry) -> bool:
    """Tell whether an entry may write what is in no file of values: itself, or by a template that it includes."""
    return not found.steps or any(_INCLUDES.search(action.text) for action in found.entry.actions)
