"""Match the items of two keyed lists: by their keys, or the likest ones where a key was changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from towline.fields import list_steps, owned_paths
from towline.fields.list_steps import Names
from towline.fields.managed import Node

_COMPARED = 10_000
"""Pairs of items that are compared to find the likest."""


def item_steps(live: list[Any], held: Iterable[str]) -> dict[int, str]:
    """Return the step in `fieldsV1` of each item of a live list that has a key and a holder."""
    found = {}
    for names, steps in list_steps.by_shape(held).items():
        spelt = {list_steps.spelt(keys, names): step for step, keys in steps.items()}
        for index, item in enumerate(live):
            key = list_steps.spelt(item, names) if isinstance(item, Mapping) else None
            if key is not None and key in spelt:
                found[index] = spelt[key]
    return found


class ItemMatch:
    """Finds the live item with the key of a declared one.

    Args:
        steps: the steps of the live items, by their places.
        ours: what the repository's entry holds of the list. If an item leaves out a part of its key that the API server
            fills in, only that shows it.
    """

    def __init__(self, steps: Mapping[int, str], ours: Node) -> None:
        self._ours = ours
        self._places: dict[str, int] = {}
        for index, step in steps.items():
            self._places.setdefault(step, index)
        self._shapes = list_steps.by_shape(steps.values())
        self._indexes: dict[tuple[Names, Names], dict[bytes | None, int]] = {}

    def place(self, item: Any) -> int | None:
        """Return the place of the live item; None where there is none."""
        if not isinstance(item, Mapping):
            return None
        found = (self._in_shape(item, names) for names in self._shapes)
        return min((place for place in found if place is not None), default=None)

    def _in_shape(self, item: Mapping[str, Any], names: Names) -> int | None:
        told = {name: item.get(name, owned_paths.DEFAULTS.get(name)) for name in names}
        present = tuple(name for name in names if told[name] is not None)
        whole = self._index(names, names).get(list_steps.spelt(told, names))
        part = self._index(names, present).get(list_steps.spelt(told, present)) if present else None
        return min((place for place in (whole, part) if place is not None), default=None)

    def _index(self, names: Names, some: Names) -> Mapping[bytes | None, int]:
        """Return the first place of each key; where it is only some of the key, of the repository's own items."""
        found = self._indexes.get((names, some))
        if found is None:
            found = self._indexes[names, some] = {}
            for step, keys in self._shapes[names].items():
                if names == some or step in self._ours:
                    place = self._places[step]
                    spelt = list_steps.spelt(keys, some)
                    found[spelt] = min(place, found.get(spelt, place))
            found.pop(None, None)
        return found


def pairs(missing: Mapping[int, Any], remaining: Mapping[int, Any]) -> Mapping[int, int]:
    """Return for remaining items, by their places, the place of the missing one that each is most like.

    Of very many items, each takes the place of the next one: comparing each with each takes their number squared.
    """
    if len(missing) * len(remaining) > _COMPARED:
        return dict(zip(remaining, missing, strict=False))
    spelt = {index: _spelt(item) for index, item in missing.items()}
    found: dict[int, int] = {}
    for place, item in remaining.items():
        mine = _spelt(item)
        likest = max(spelt, key=lambda each: len(spelt[each] & mine), default=None)
        if likest is not None:
            found[place] = likest
            del spelt[likest]
    return found


def _spelt(item: Any) -> frozenset[tuple[str, bytes]]:
    """Return the entries of an item, so that two items are compared quickly; none of one that is no map."""
    if not isinstance(item, Mapping):
        return frozenset()
    with suppress(TypeError):  # nested deeper than any manifest
        return frozenset(
            (name, orjson.dumps(value, option=orjson.OPT_SORT_KEYS)) for name, value in item.items()
        )
    return frozenset()
