"""Find the entries of a template that a field of a rendered object may come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from towline.render.chart_lines import fitting
from towline.render.chart_lines.outline import TOKEN, Block, OutlineEntry
from towline.render.marks import same_objects
from towline.render.units.references import Steps

_NAME = ("metadata", "name")
_DEPTH = 3
"""How deep items of a list are compared, to tell them apart."""

_ITEMS = 20
"""How many items of a list in an item are compared."""


class FoundEntry(NamedTuple):
    """An entry of a template, and the steps that lead on from what it writes to the field."""

    entry: OutlineEntry
    steps: Steps


def document_of(outlines: Sequence[Block], body: Mapping[str, Any], line: int) -> Block | None:
    """Return the document that an object is rendered of; where several may be, the one with a line."""
    likely = [one for one in outlines if _may_be(one, body)]
    around = [one for one in likely if one.lines[0] <= line <= one.lines[1]]
    return next(iter(around or likely), None)


def find(block: Block, value: Any, steps: Steps) -> tuple[FoundEntry, ...]:
    """Return the entries of a block that may have written what steps lead to in its value."""
    inside = same_objects.at(value, steps[:1])
    found = [
        one
        for entry, inner in _matching(block, value, steps[0])
        for one in _below(entry, inner, inside, steps[1:])
    ]
    return tuple(found) or tuple(FoundEntry(one, steps) for one in block.written)


def _below(entry: OutlineEntry, inner: Block, value: Any, steps: Steps) -> Iterator[FoundEntry]:
    if not steps:
        if entry.has_text or (entry.rest and fitting.fits(entry.rest, value)):
            yield FoundEntry(entry, ())
        elif not entry.rest:
            yield from (FoundEntry(one, ()) for one in inner.actions)
    elif found := find(inner, value, steps):
        yield from found
    elif entry.rest and not entry.is_item:
        yield FoundEntry(entry, steps)  # a map or list in one line, or an action that writes one


def _matching(block: Block, value: Any, step: str | int) -> Iterator[tuple[OutlineEntry, Block]]:
    """Yield what is directly in a block of a key, or the items that an item may be rendered of."""
    if isinstance(step, str):
        names = (step, "stringData") if step == "data" else (step,)
        exact = [one for one in block.nodes if one[0].key in names]
        yield from exact or (
            one for one in block.nodes if TOKEN in one[0].key and fitting.fits(one[0].key, step)
        )
        return
    items = [one for one in block.nodes if one[0].is_item]
    count = len(value) if isinstance(value, list) else 0
    wanted = same_objects.at(value, (step,))
    if (
        step < len(items) == count
        and not block.written
        and _item_likeness(items[step], wanted, _DEPTH) is not None
    ):
        yield items[step]
        return
    found = [
        (likeness, one) for one in items if (likeness := _item_likeness(one, wanted, _DEPTH)) is not None
    ]
    most = max((likeness for likeness, _ in found), default=0)
    yield from (one for likeness, one in found if likeness == most)


def _item_likeness(item: tuple[OutlineEntry, Block], value: Any, depth: int) -> int | None:
    """Return how many texts of an item are in its template word for word; None where it is not rendered of that."""
    entry, inner = item
    if entry.rest and not isinstance(value, (dict, list)):
        return _line_likeness(entry, value)
    return _likeness(inner, value, depth)


def _likeness(block: Block, value: Any, depth: int) -> int | None:
    """Compare a block with what may be rendered of it: keys may be in it several times, items may be left out."""
    if not depth:
        return 0
    if isinstance(value, dict):
        keys = {entry.key for entry, _ in block.nodes} & value.keys()
        ways = [
            [_key_likeness(one, value[key], depth - 1) for one in block.nodes if one[0].key == key]
            for key in keys
        ]
        best = [max((each for each in some if each is not None), default=None) for some in ways]
        return None if None in best else sum(each or 0 for each in best)
    if not isinstance(value, list) or not block.nodes:
        return 0
    likenesses = [
        next(filter(_is_known, (_item_likeness(one, item, depth - 1) for item in value[:_ITEMS])), None)
        for one in block.nodes[:_ITEMS]
    ]
    known = [each for each in likenesses if each is not None]
    return sum(known) if known or block.written else None


def _is_known(likeness: int | None) -> bool:
    return likeness is not None


def _key_likeness(one: tuple[OutlineEntry, Block], value: Any, depth: int) -> int | None:
    entry, inner = one
    if entry.rest or not isinstance(value, (dict, list)):
        return _line_likeness(entry, value)
    return _likeness(inner, value, depth)


def _line_likeness(entry: OutlineEntry, value: Any) -> int | None:
    if entry.has_text or not entry.rest or (TOKEN in entry.rest and isinstance(value, (dict, list))):
        return 0
    return int(TOKEN not in entry.rest) if fitting.fits(entry.rest, value) else None


def _may_be(document: Block, body: Mapping[str, Any]) -> bool:
    """Tell whether an object may be rendered of a document, by its kind and name."""
    kinds = [entry for entry, _ in document.nodes if entry.key == "kind"]
    return any(fitting.fits(one.rest, body.get("kind")) for one in kinds) and bool(
        find(document, body, _NAME)
    )
