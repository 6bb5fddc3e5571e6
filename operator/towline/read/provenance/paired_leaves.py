"""Pair the leaves of a live object with those that Git declares, whatever others have put between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from towline.fields import align, compare, pointer
from towline.model import Body


class DeclaredLeaf(NamedTuple):
    """What Git declares for a live leaf: where in the declared object, what, and whether the leaf is so."""

    pointer: str
    value: Any
    is_same: bool


def paired(want: Body, have: Body) -> Mapping[str, DeclaredLeaf]:
    """Return for leaves of a live object, by JSON pointer, what is declared for them.

    Args:
        want: what Git declares.
        have: what is there.
    """
    differing = compare.differing(want, have)
    whole = frozenset(differing)
    found = {}
    for there, here, value, live in _paired(want, have, "", ""):
        is_same = value == live or not any(path in whole for path in (here, *pointer.above(here)))
        found[there] = DeclaredLeaf(here, value, is_same)
    return found


def missing(want: Body, have: Body, pairs: Mapping[str, DeclaredLeaf]) -> tuple[str, ...]:
    """Return what is declared and not there at all, as JSON pointers into what is declared.

    Args:
        want: what Git declares.
        have: what is there.
        pairs: what `paired` made of them.
    """
    there = pointer.around(each.pointer for each in pairs.values())
    return tuple(path for path in compare.overridden(want, have) if path not in there)


def _paired(want: Any, have: Any, here: str, there: str) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield pointers into both, and both values."""
    if isinstance(want, Mapping) and isinstance(have, Mapping) and want and have:
        for key, value in want.items():
            if key in have:
                yield from _paired(value, have[key], pointer.extend(here, key), pointer.extend(there, key))
    elif isinstance(want, list) and isinstance(have, list) and want and have:
        for index, place in _items(want, have):
            yield from _paired(
                want[index], have[place], pointer.extend(here, index), pointer.extend(there, place)
            )
    elif not (isinstance(have, Mapping | list) and have):
        yield there, here, want, have


def _items(want: Sequence[Any], have: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Yield the places of items that correspond: by what tells them apart, else equal ones, else in turn."""
    if keys := align.telling(want, have):
        places = {align.named(item, keys): place for place, item in enumerate(have)}
        for index, item in enumerate(want):
            place = places.get(align.named(item, keys))
            if place is not None:
                yield index, place
        return
    free: dict[str, list[int]] = {}
    for place, item in enumerate(have):
        free.setdefault(_spelt(item), []).append(place)
    pairs = {}
    for index, item in enumerate(want):
        same = free.get(_spelt(item))
        if same:
            pairs[index] = same.pop(0)
    left = sorted(place for places in free.values() for place in places)
    rest = [index for index in range(len(want)) if index not in pairs]
    pairs |= dict(zip(rest, left, strict=False))
    yield from sorted(pairs.items())


def _spelt(item: Any) -> str:
    return json.dumps(item, sort_keys=True)
