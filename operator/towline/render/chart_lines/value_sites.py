"""Find the scalar in files of values that an action of a template has written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from towline.render.chart_lines import fitting
from towline.render.chart_lines.actions import ANY, ValuePath
from towline.render.chart_lines.template_fields import FoundEntry
from towline.render.units.inputs import InputFile
from towline.render.units.references import Steps

_GLOBAL = "global"
_MOST = 1000
"""Places that a path with `ANY` in it is compared at."""


class ValueSite(NamedTuple):
    """A scalar in a file of values."""

    file: str
    document: int
    steps: Steps
    value: Any


class ValuesLayer(NamedTuple):
    """A file of values, and the keys in it below which those of a chart inside the chart are."""

    file: InputFile
    below: ValuePath


def site(layers: Sequence[ValuesLayer], found: FoundEntry, value: Any) -> ValueSite | None:
    """Return the scalar that a field comes from; None where what was rendered is not in the files.

    Of several that are parts of it, as in an image, it is that of the uppermost file, and the last one in the line.

    Args:
        layers: the files, the uppermost one first: where it sets a value, those below it do not count.
        found: the entry of the template that wrote the field.
        value: what was rendered.
    """
    paths = [path for action in found.entry.actions for path in action.mentions]
    set_here = [one for path in paths if (one := _set(layers, (*path, *found.steps), value))]
    for _, each in set_here:
        if fitting.same(each.value, value):
            return each
    if found.steps or (fitting.is_one_action(found.entry.rest) and not _joins(found)):
        return None
    parts = [one for one in set_here if fitting.is_part(one[1].value, value)]
    return min(reversed(parts), key=lambda one: one[0])[1] if parts else None


def _joins(found: FoundEntry) -> bool:
    """Tell whether an action makes one text of several."""
    return any(word in action.text for action in found.entry.actions for word in ("print", "join", "cat "))


def _set(layers: Sequence[ValuesLayer], path: Steps, value: Any) -> tuple[int, ValueSite] | None:
    """Return the scalar of the uppermost file that sets a path; of several, the first that was rendered."""
    for rank, (file, below) in enumerate(layers):
        whole = path if path[:1] == (_GLOBAL,) else (*below, *path)
        for at in reversed(range(len(file.documents))):
            document = file.documents[at].value
            exact = list(_held(document, whole, ()))[:_MOST]
            sites = [ValueSite(file.path, at, steps, held) for steps, held in exact]
            fit = [
                one for one in sites if fitting.same(one.value, value) or fitting.is_part(one.value, value)
            ]
            if sites:
                best = next((one for one in fit if fitting.same(one.value, value)), (fit or sites)[0])
                return rank, best
    return None


def _held(value: Any, path: Steps, walked: Steps) -> Iterator[tuple[Steps, Any]]:
    """Yield what a path leads to; items of a list are all tried, as a template may have put others before them."""
    if not path:
        yield walked, value
        return
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        entries = value.items() if step == ANY else [(step, value[step])] if step in value else []
        for key, each in entries:
            yield from _held(each, rest, (*walked, key))
    elif isinstance(value, list) and (isinstance(step, int) or step == ANY):
        first = [step] if isinstance(step, int) and step < len(value) else []
        for index in (*first, *(at for at in range(len(value)) if at not in first)):
            yield from _held(value[index], rest, (*walked, index))
