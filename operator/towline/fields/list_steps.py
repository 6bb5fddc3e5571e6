"""Find items of lists by their steps in `fieldsV1`, with one look at each list however many steps lead into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from towline.fields import pointer

Names = tuple[str, ...]

NOTHING = object()
"""What a step has that has no value; null is one."""

_SHAPES = 4
"""Sets of keys by which items of one list are told apart: a schema has one, before and after a change two."""


def keys_of(step: str) -> Mapping[str, Any]:
    """Return the keys of a `k:` step, none of one that no API server has written."""
    with suppress(ValueError):
        keys = orjson.loads(step[2:])
        if isinstance(keys, dict):
            return keys
    return {}


def value_of(step: str) -> Any:
    """Return the value of a `v:` step, NOTHING for any other step."""
    if step.startswith("v:"):
        with suppress(ValueError):
            return orjson.loads(step[2:])
    return NOTHING


def by_shape(steps: Iterable[str]) -> Mapping[Names, Mapping[str, Mapping[str, Any]]]:
    """Return `k:` steps with their keys, by the names of these keys; more kinds of steps than a list has are forged."""
    found: dict[Names, dict[str, Mapping[str, Any]]] = {}
    for step in steps:
        keys = keys_of(step) if step.startswith("k:") else {}
        names = tuple(sorted(keys))
        if keys and (names in found or len(found) < _SHAPES):
            found.setdefault(names, {})[step] = keys
    return found


def spelt(values: Mapping[str, Any], names: Names) -> bytes | None:
    """Return what a map holds under these names as a key of an index; None where one of them is no scalar."""
    held = [values.get(name) for name in names]
    return None if any(isinstance(value, dict | list) for value in held) else orjson.dumps(held)


class ListSteps:
    """Follows steps of `fieldsV1` into one object, which must not change meanwhile."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self._keyed: dict[int, dict[Names, dict[bytes, int]]] = {}
        self._values: dict[int, dict[bytes, int]] = {}

    def follow(self, steps: Sequence[str]) -> tuple[str, Any] | None:
        """Return the JSON pointer and the value that steps lead to; None where the object has no such field."""
        here, path = self._body, ""
        for step in steps:
            found = self._below(here, step)
            if found is None:
                return None
            key, here = found
            path = pointer.extend(path, key)
        return path, here

    def _below(self, here: Any, step: str) -> tuple[str, Any] | None:
        kind, _, named = step.partition(":")
        if kind == "f":
            return (named, here[named]) if isinstance(here, Mapping) and named in here else None
        if kind not in {"k", "v"} or not isinstance(here, list):
            return None
        place = self._item(here, step) if kind == "k" else self._value(here, step)
        return None if place is None else (str(place), here[place])

    def _item(self, items: list[Any], step: str) -> int | None:
        keys = keys_of(step)
        names = tuple(sorted(keys))
        indexes = self._keyed.setdefault(id(items), {})
        if names and names not in indexes and len(indexes) < _SHAPES:
            indexes[names] = _first({place: spelt(item, names) for place, item in _maps(items)})
        wanted = spelt(keys, names)
        return None if wanted is None else indexes.get(names, {}).get(wanted)

    def _value(self, items: list[Any], step: str) -> int | None:
        index = self._values.get(id(items))
        if index is None:
            index = self._values[id(items)] = _first(
                {place: _sorted_json(item) for place, item in enumerate(items)}
            )
        return index.get(_sorted_json(value_of(step)) or b"")


def _maps(items: Sequence[Any]) -> Iterable[tuple[int, Mapping[str, Any]]]:
    return ((place, item) for place, item in enumerate(items) if isinstance(item, Mapping))


def _first(spellings: Mapping[int, bytes | None]) -> dict[bytes, int]:
    """Return the first place of each spelling."""
    found: dict[bytes, int] = {}
    for place, spelling in spellings.items():
        if spelling is not None:
            found.setdefault(spelling, place)
    return found


def _sorted_json(value: Any) -> bytes | None:
    """Return a value as JSON; None where it is nested deeper than any manifest."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None
