"""Narrow two JSON values down to what differs, because most of two objects is equal.

Items of two lists are matched by the keys that identify them, if there are such keys and the order is the same. Else
they are matched by position, around those that are equal where one list is longer.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

LONGEST = 500
"""Items of two lists that are compared one by one, where nothing but their order tells them apart."""

_KEYS = (
    *(
        (key,)
        for key in ("name", "mountPath", "devicePath", "containerPort", "port", "ip", "topologyKey", "type")
    ),
    ("containerPort", "protocol"),
    ("port", "protocol"),
    ("topologyKey", "whenUnsatisfiable"),
)
"""What tells the items of a list apart: the first of these that is another for each; last what takes two together,
as the keys of lists in Kubernetes' own schemas do."""

_DEFAULTS = {"protocol": "TCP"}
"""Such keys that an item may leave out, and the API server fills in."""


class At(NamedTuple):
    """The place of a list item: in the new list, or in the old one where it is gone."""

    place: int
    gone: bool = False


_Pairs = tuple[dict[At, Any], dict[At, Any]]
"""The items of the old and of the new list; those that correspond have the same key."""


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


def unlined(value: Any) -> Any:
    """Return a value with each text of several lines as a whole: comparing lines takes their number squared."""
    if isinstance(value, Mapping):
        return {key: unlined(child) for key, child in value.items()}
    if isinstance(value, list):
        return [unlined(child) for child in value]
    return Whole.of(value) if type(value) is str and "\n" in value else value


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
    pairs = _by_name(old, new) or _by_place(old, new)
    return _mappings(*pairs) if pairs else (Whole.of(old), Whole.of(new))


def _by_name(old: list[Any], new: list[Any]) -> _Pairs | None:
    """Pair the items of two lists by their names; None where they have none or changed their order."""
    keys = telling(old, new)
    if not keys:
        return None
    before, after = [named(item, keys) for item in old], [named(item, keys) for item in new]
    common = set(before) & set(after)
    if [name for name in before if name in common] != [name for name in after if name in common]:
        return None
    places = {name: At(index) for index, name in enumerate(after)}
    left = [places.get(name, At(index, gone=True)) for index, name in enumerate(before)]
    return dict(zip(left, old, strict=True)), _placed(new)


def _by_place(old: list[Any], new: list[Any]) -> _Pairs | None:
    """Pair items that have no names: those that are equal, and what stands between them in turn.

    Lists of one length are paired place by place. None where the lists are too long to look for equal items.
    """
    if len(old) == len(new):
        return _placed(old), _placed(new)
    if len(old) + len(new) > LONGEST:
        return None
    left: dict[At, Any] = {}
    for _, start, end, place, limit in _runs(old, new):
        for index, item in enumerate(old[start:end]):
            follows = place + index < limit
            left[At(place + index) if follows else At(start + index, gone=True)] = item
    return left, _placed(new)


def _runs(old: list[Any], new: list[Any]) -> Sequence[tuple[str, int, int, int, int]]:
    """Return which run of old items became which run of new ones, from the first to the last (see `difflib`)."""
    before, after = ([json.dumps(item, sort_keys=True) for item in items] for items in (old, new))
    return difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()


def _placed(items: list[Any]) -> dict[At, Any]:
    return {At(index): item for index, item in enumerate(items)}


def telling(old: Sequence[Any], new: Sequence[Any]) -> tuple[str, ...]:
    """Return the keys that tell the items of either list apart, so that both can be matched; empty where none do."""
    if not all(isinstance(item, Mapping) for item in (*old, *new)):
        return ()
    return next((keys for keys in _KEYS if _are_told_apart(old, keys) and _are_told_apart(new, keys)), ())


def named(item: Mapping[str, Any], keys: Sequence[str]) -> tuple[Any, ...]:
    """Return what an item has under such keys."""
    return tuple(item.get(key, _DEFAULTS.get(key)) for key in keys)


def _are_told_apart(items: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> bool:
    names = [named(item, keys) for item in items]
    return all(isinstance(value, str | int) for name in names for value in name) and len(set(names)) == len(
        names
    )


def _equal(old: Any, new: Any) -> bool:
    """Compare as JSON does: true is not 1, and 1.0 is."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_equal(value, new[key]) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_equal, old, new))
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def counterpart(items: Sequence[Any], index: int, others: Any) -> Any:
    """Return the item of another list that corresponds to the one at `index`; None if there is none, or it is unclear.

    Where nothing tells the items apart they correspond by their place, if no list is longer than the other.
    """
    if not isinstance(others, Sequence) or isinstance(others, str):
        return None
    keys = telling(items, others)
    if keys:
        name = named(items[index], keys)
        return next((other for other in others if named(other, keys) == name), None)
    return others[index] if len(items) == len(others) else None


def counterparts(items: Sequence[Any], others: Sequence[Any]) -> tuple[int | None, ...]:
    """Return for each item the place of what corresponds to it in another list, as `counterpart` does for one."""
    keys = telling(items, others)
    if keys:
        places = {named(other, keys): place for place, other in enumerate(others)}
        return tuple(places.get(named(item, keys)) for item in items)
    return tuple(range(len(items))) if len(items) == len(others) else (None,) * len(items)
