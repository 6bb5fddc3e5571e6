"""Be sure of the lines of a chart: render it once more with what is in one line changed, and look at the field."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from towline.model import Manifest
from towline.render.chart_lines import line_edits, moved_fields, value_changes
from towline.render.chart_lines.line_edits import LineEdit
from towline.render.chart_lines.moved_fields import MovedFields
from towline.render.chart_lines.traced_chart import FieldSource, TracedChart
from towline.render.helm.chart_recipes import ChartRecipe, FileEdit
from towline.render.marks.field_place import Certainty, FieldPlace
from towline.render.marks.likelihood import Field

_TRIED = 4
"""Lines of a field that are tried at most."""

_KEPT = 100
"""Outcomes of renders that are kept."""


class ProvedChart:
    """One chart whose fields are traced: by reading its templates alone, until a field is to be confirmed.

    Args:
        traced: says from which lines a field may come.
        recipe: how the chart was rendered; None where that is not known any more, so that nothing is confirmed.
    """

    def __init__(self, traced: TracedChart, recipe: ChartRecipe | None) -> None:
        self.traced = traced
        self._recipe = recipe
        self._moved: OrderedDict[str, asyncio.Task[MovedFields | None]] = OrderedDict()

    async def place(self, field: Field, *, confirm: bool) -> FieldPlace:
        """Return where a field comes from; where that is to be confirmed, what proves right comes first."""
        for source in await self._candidates(field) if confirm else ():
            if await self.moves(source, field):
                return await asyncio.to_thread(self.traced.placed, source, Certainty.EXACT)
        return await asyncio.to_thread(self.traced.place, field)

    async def moves(self, source: FieldSource, field: Field) -> bool | None:
        """Tell whether a field shows it when what it comes from is changed; None where that cannot be rendered."""
        edit = await asyncio.to_thread(line_edits.of, self.traced, source, field.value)
        if edit is None or self._recipe is None:
            return None
        fields = await self._rendered(edit)
        at = moved_fields.index_of(self._recipe.declared(), field)
        if fields is None or at is None:
            return None
        found = fields.get((at, field.steps))
        return bool(
            found and found.was == field.value and value_changes.shows(edit.change, found.was, found.now)
        )

    async def rendered(self, edit: LineEdit) -> Sequence[Manifest] | None:
        """Return what the chart declares where a file is changed; None where it cannot be rendered then."""
        recipe = self._recipe
        if recipe is None:
            return None
        path = self.traced.sources.place.path(edit.file)
        given = tuple(name for name, entry in recipe.given.files.items() if entry.path == edit.file)
        return await recipe.rendered(FileEdit(path=path or "", values=given, content=edit.content))

    async def _candidates(self, field: Field) -> tuple[FieldSource, ...]:
        found = await asyncio.to_thread(self.traced.candidates, field) if self._recipe else ()
        return found[:_TRIED]

    async def _rendered(self, edit: LineEdit) -> MovedFields | None:
        """Return what moves where a file is changed; a render goes on where the caller has no time to wait for it."""
        key = hashlib.sha256(repr((edit.file, edit.content)).encode()).hexdigest()
        if key not in self._moved:
            self._moved[key] = asyncio.create_task(self._compared(edit))
            while len(self._moved) > _KEPT:
                self._moved.popitem(last=False)
        return await asyncio.shield(self._moved[key])

    async def _compared(self, edit: LineEdit) -> MovedFields | None:
        before = self._recipe.declared() if self._recipe else ()
        after = await self.rendered(edit) if before else None
        return None if after is None else await asyncio.to_thread(moved_fields.moved, before, after)
