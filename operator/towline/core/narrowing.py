"""What differs between two JSON values, found before anybody describes it: most of two objects is equal.

Items of lists correspond by name where all of them have one and keep their order, else by their place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

LONGEST = 500
"""Items of two lists that are compared one by one, where nothing but their order tells them apart."""

_NAMES = ("name", "mountPath", "devicePath", "containerPort", "port", "ip", "topologyKey", "type")
"""What tells the items of a list apart: the first of these that an item has."""


class At(NamedTuple):
    """The place of a list item that has a name: in the new list, or in the old one where it is gone."""

    place: int
    gone: bool = False


class Whole(str):
    """A value that is compared as one."""

    __slots__ = ("value",)
    value: Any

    @classmethod
    def of(cls, value: Any) -> Whole:
        """Wrap a JSON value."""
        whole = cls(json.dumps(value, sort_keys=True))
        whole.value = value
        return whole


def narrowed(old: Any, new: Any) -> tuple[Any, Any]:
    """Return what differs of two different values: mappings without their equal entries, lists as such mappings."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return _mappings(old, new)
    if isinstance(old, list) and isinstance(new, list):
        return _lists(old, new)
    return old, new


def _mappings(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    left = {key: value for key, value in old.items() if key not in new}
    right = {key: value for key, value in new.items() if key not in old}
    for key in old.keys() & new.keys():
        if not _equal(old[key], new[key]):
            left[key], right[key] = narrowed(old[key], new[key])
    return left, right


def _lists(old: list[Any], new: list[Any]) -> tuple[Any, Any]:
    aligned = _aligned(old, new)
    if aligned:
        return _mappings(*aligned)
    if len(old) == len(new):
        places = [At(place) for place in range(len(new))]
        return _mappings(dict(zip(places, old, strict=True)), dict(zip(places, new, strict=True)))
    if len(old) + len(new) > LONGEST:
        return Whole.of(old), Whole.of(new)
    return old, new


def _aligned(old: list[Any], new: list[Any]) -> tuple[dict[At, Any], dict[At, Any]] | None:
    """Return the items of two lists under common keys; None where they have no names or changed order."""
    before, after = [_name(item) for item in old], [_name(item) for item in new]
    if None in before or None in after or len(set(before)) < len(before) or len(set(after)) < len(after):
        return None
    common = set(before) & set(after)
    if [name for name in before if name in common] != [name for name in after if name in common]:
        return None
    places = {name: At(index) for index, name in enumerate(after)}
    left = [places.get(name, At(index, gone=True)) for index, name in enumerate(before)]
    return dict(zip(left, old, strict=True)), {
        places[name]: item for name, item in zip(after, new, strict=True)
    }


def _name(item: Any) -> tuple[str, Any] | None:
    if not isinstance(item, Mapping):
        return None
    return next(((key, item[key]) for key in _NAMES if isinstance(item.get(key), str | int)), None)


def _equal(old: Any, new: Any) -> bool:
    """Compare as JSON does: true is not 1, and 1.0 is."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_equal(value, new[key]) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_equal, old, new))
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def counterpart(item: Any, index: int, others: Any) -> Any:
    """Return what corresponds in another list to the item at `index`, None where there is nothing."""
    if not isinstance(others, Sequence) or isinstance(others, str):
        return None
    name = _name(item)
    if name is not None:
        return next((other for other in others if _name(other) == name), None)
    return others[index] if index < len(others) else None
