"""Trace fields of the objects of one chart: to the line of a template, or to that of the value that it writes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any, NamedTuple

from towline.render.chart_lines import helpers, outline, template_fields, value_sites
from towline.render.chart_lines.chart_sources import ChartSources, SourcePart
from towline.render.chart_lines.helpers import Helper
from towline.render.chart_lines.outline import Block
from towline.render.chart_lines.template_fields import FoundEntry
from towline.render.chart_lines.value_sites import ValueSite, ValuesLayer
from towline.render.documents import YamlLimits
from towline.render.marks import same_objects
from towline.render.marks.field_place import Certainty, FieldPlace
from towline.render.marks.likelihood import Field
from towline.render.marks.site_versions import SiteKey
from towline.render.units import inputs
from towline.render.units.inputs import InputFile

_DEEPEST = 4
"""How many helpers may include each other."""

_INCLUDES = re.compile(r"\b(?:include|template)\b")


class FieldSource(NamedTuple):
    """Where a field may come from: an entry of a template, and the scalar in a file of values that it writes."""

    template: str
    found: FoundEntry
    site: ValueSite | None

    @property
    def line(self) -> int:
        """The line of the template."""
        return self.found.entry.line


class TracedChart:
    """One chart of a commit.

    Args:
        sources: what its fields come from.
        limits: how much of a file of values is read.
    """

    def __init__(self, sources: ChartSources, limits: YamlLimits) -> None:
        self.sources = sources
        self._limits = limits
        self._last: tuple[Mapping[str, Any], Block | None] | None = None
        self._outlines = cache(self._outline)
        self.parsed = cache(self._parse)
        self._layers = cache(self._layers_of)
        self._lines = cache(lambda path, document: self.parsed(path).places(document))

    def place(self, field: Field) -> FieldPlace:
        """Return where a field most likely comes from."""
        source = self.source(field)
        if source is None:
            return FieldPlace(field.origin.file, field.origin.line, Certainty.FILE)
        return self.placed(source, Certainty.LIKELY)

    def placed(self, source: FieldSource, certainty: Certainty) -> FieldPlace:
        """Return the line of what a field comes from: of the value, or else of the template."""
        if source.site is None:
            return FieldPlace(source.template, source.line, certainty)
        line = self._lines(source.site.file, source.site.document).line(*source.site.steps)
        return FieldPlace(source.site.file, line, certainty)

    def key(self, site: ValueSite) -> SiteKey:
        """Return where to find a value in other versions of its file."""
        document = self.parsed(site.file).documents[site.document]
        steps = same_objects.keyed(document.value, site.steps)
        return SiteKey(document.index, "", "", steps, is_raw=False)

    def source(self, field: Field) -> FieldSource | None:
        """Return what a field comes from; None where its template is not here, or where it may be in several lines."""
        found = self._found(field)
        return _likeliest(self._of_helpers(field, found, _DEEPEST)) or _likeliest(found)

    def candidates(self, field: Field) -> tuple[FieldSource, ...]:
        """Return everything that a field may come from, the likeliest first."""
        found = self._found(field)
        likeliest = self.source(field)
        every = (*self._of_helpers(field, found, _DEEPEST), *found)
        values = (one for one in every if one.site)
        lines = (one._replace(site=None) for one in every)
        return tuple(dict.fromkeys((*((likeliest,) if likeliest else ()), *values, *lines)))

    def _found(self, field: Field) -> Sequence[FieldSource]:
        """Return the entries of the template of a field that may have written it."""
        file = field.origin.file
        if not field.steps or file not in self.sources.contents:
            return ()
        document = self._document(field)
        found = template_fields.find(document, field.body, field.steps) if document else ()
        return [self._source(field, file, one) for one in found]

    def _of_helpers(self, field: Field, found: Sequence[FieldSource], room: int) -> Sequence[FieldSource]:
        """Return entries with those of the helpers in place of what includes them, as far as they are known."""
        sources: list[FieldSource] = []
        for one in found:
            names = helpers.included(one.found.entry.actions) if not one.site and room else ()
            inside = [
                each
                for name in names
                if name in self._helpers
                for each in self._of_helper(field, one.found, self._helpers[name], room)
            ]
            sources += inside or [one]
        return sources

    def _of_helper(self, field: Field, found: FoundEntry, helper: Helper, room: int) -> Sequence[FieldSource]:
        """Return what a helper may have written a field with; a text as a whole only where values are in it."""
        if not found.steps:
            whole = self._source(field, helper.file, FoundEntry(helper.whole, ()))
            within = [whole] if whole.site else [whole] * any(helpers.included(helper.whole.actions))
            return [each for each in self._of_helpers(field, within, room - 1) if each.site]
        around = same_objects.at(field.body, field.steps[: len(field.steps) - len(found.steps)])
        entries = template_fields.find(helper.block, around, found.steps)
        inside = [self._source(field, helper.file, each) for each in entries]
        return self._of_helpers(field, inside, room - 1)

    def _source(self, field: Field, template: str, found: FoundEntry) -> FieldSource:
        layers = (self._layers(part) for part in self.sources.parts_of(field.origin.file))
        sites = (value_sites.site(each, found, field.value) for each in layers)
        return FieldSource(template, found, next(filter(None, sites), None))

    def _layers_of(self, part: SourcePart) -> tuple[ValuesLayer, ...]:
        return tuple(ValuesLayer(self.parsed(path), below) for path, below in self.sources.value_files(part))

    @cached_property
    def _helpers(self) -> Mapping[str, Helper]:
        return helpers.read(self.sources.contents)

    def _document(self, field: Field) -> Block | None:
        """Return the part of the template that an object is rendered of; that of the last one is kept."""
        last = self._last
        if last is None or last[0] is not field.body:
            outlines = self._outlines(field.origin.file)
            last = field.body, template_fields.document_of(outlines, field.body, field.origin.line)
            self._last = last
        return last[1]

    def _outline(self, path: str) -> tuple[Block, ...]:
        return outline.documents(self.sources.contents[path].decode(errors="replace"))

    def _parse(self, path: str) -> InputFile:
        return inputs.parsed(path, self.sources.contents[path], self._limits)


def _likeliest(found: Sequence[FieldSource]) -> FieldSource | None:
    """Return the only value, or else the only line; None where there are several."""
    of_values = {one.site: one for one in found if one.site}
    if len(of_values) == 1:
        return next(iter(of_values.values()))
    if of_values:
        return None
    lines = {(one.template, one.line): one for one in found}
    if len(lines) > 1:
        lines = {(one.template, one.line): one for one in found if _adds(one.found)}
    return next(iter(lines.values())) if len(lines) == 1 else None


def _adds(found: FoundEntry) -> bool:
    """Tell whether an entry may write what is in no file of values: itself, or by a template that it includes."""
    return not found.steps or any(_INCLUDES.search(action.text) for action in found.entry.actions)
