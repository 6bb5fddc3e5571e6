"""Find the declared fields that Towline's managedFields entry no longer holds.

A map key `x` is held by `f:x`. An empty node is a leaf: it holds all that is declared below it. A list item
is held by the entry `k:{...}` whose keys all equal the item's, or by `v:<json>` in a set. What names the
object (apiVersion, kind, metadata.name, metadata.namespace) is never part of an entry. Measured on 16 kinds
right after an apply: nothing is reported lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, cast

import orjson

from towline.fields import list_steps, pointer, server_fields
from towline.fields.managed import Node
from towline.model import Body

Memo: TypeAlias = MutableMapping[tuple[str, bytes], tuple[str, ...]]
"""What was found before: (digest of the body, `fieldsV1`) to the lost pointers."""

_Path: TypeAlias = "tuple[_Path, str | int] | None"
"""Steps from the object down, last first; most are never written out."""

_ABSENT: Any = object()
_IDENTITY = frozenset({"apiVersion", "kind"})
_NAMES = server_fields.METADATA | {"name", "namespace"}
_OPEN = frozenset({"labels", "annotations"})
"""Maps to which others add as a matter of course: an empty one declares nothing."""

DEFAULTS = {"protocol": "TCP"}
"""List keys that an item may leave out and the API server fills in before it writes the entry."""


def lost(body: Body, fields: bytes) -> tuple[str, ...]:
    """Name the declared leaves that the entry does not hold, as JSON pointers into `body`, in its order.

    `fields` is the entry's `fieldsV1` as JSON. Lists without items declare nothing that could be held; a null does, by
    its name.
    """
    entry: Node = orjson.loads(fields) if fields else {}
    walk = _Walk()
    for key, value in body.items():
        if key in _IDENTITY:
            continue
        if key == "metadata":
            declared = {name: item for name, item in value.items() if name not in _NAMES}
            if declared:
                walk.below(declared, entry.get("f:metadata"), (None, key))
        else:
            walk.below(value, entry.get("f:" + key), (None, key))
    return tuple(_written(path) for path in walk.lost)


def leaves_at(body: Body, steps: Sequence[str]) -> tuple[str, ...]:
    """Name the declared leaves of one field, as JSON pointers; `steps` are the keys and indexes that lead to it."""
    walk = _Walk()
    if found := _led(body, {}, steps):
        walk.leaves(found.value, found.path)
    return tuple(_written(each) for each in walk.lost)


def held_at(body: Body, entry: Node, steps: Sequence[str]) -> Iterator[str]:
    """Name what an entry holds of one field: leaves, or what is held with all below it.

    It costs what the entry holds there, whatever else the body declares; of a list it looks at each item.

    Args:
        body: what is declared.
        entry: the `fieldsV1` of one entry.
        steps: the keys and indexes that lead to the field.
    """
    if found := _led(body, entry, steps):
        yield from map(_written, _held(found.value, found.node, found.path))


class _FieldSeen(NamedTuple):
    value: Any
    node: Node | None
    path: _Path


def _led(body: Body, entry: Node, steps: Sequence[str]) -> _FieldSeen | None:
    """Return the value of a field with what an entry holds of it; None where there is none."""
    if not steps or steps[0] in _IDENTITY or (steps[0] == "metadata" and not _NAMES.isdisjoint(steps[1:2])):
        return None
    value: Any = body.get(steps[0], _ABSENT)
    node: Node | None = entry.get("f:" + steps[0])
    path: _Path = (None, steps[0])
    for step in steps[1:]:
        if isinstance(value, dict):
            value, path = value.get(step, _ABSENT), (path, step)
            node = node and node.get("f:" + step)
        elif isinstance(value, list) and (index := pointer.place(value, step)) is not None:
            value, path = value[index], (path, index)
            node = node and _HeldItems(node).of(value)
        else:
            return None
    if steps == ["metadata"]:
        value = {name: item for name, item in value.items() if name not in _NAMES} or _ABSENT
    return None if value is _ABSENT else _FieldSeen(value, node, path)


def _held(value: Any, node: Node | None, path: _Path) -> Iterator[_Path]:
    if node is None:
        return
    if node and isinstance(value, dict):
        for key, child in node.items():
            if key.startswith("f:") and key[2:] in value:
                yield from _held(value[key[2:]], child, (path, key[2:]))
    elif node and isinstance(value, list):
        held = _HeldItems(node)
        for index, item in enumerate(value):
            yield from _held(item, held.of(item), (path, index))
    else:
        yield path


def lost_once(digest: str, body: Callable[[], Body], fields: bytes, memo: Memo) -> tuple[str, ...]:
    """Do what `lost` does, once per content and entry; `digest` stands for the body, which is asked for only then."""
    found = memo.get((digest, fields))
    if found is None:
        found = memo[digest, fields] = lost(body(), fields)
    return found


def _written(path: _Path) -> str:
    return pointer.extend(_written(path[0]), path[1]) if path else ""


def _spelt(value: Any) -> tuple[type, Any]:
    """Make two JSON values equal where JSON calls them so: 1 and 1.0, but not 1 and true."""
    if isinstance(value, dict | list):
        return list, orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return (bool if isinstance(value, bool) else object), value


@dataclass(frozen=True, slots=True)
class _Walk:
    """One walk through a body and an entry together; what is lost is collected on the way."""

    lost: list[_Path] = field(default_factory=list)

    def below(self, value: Any, node: Node | None, path: _Path) -> None:
        """Look for `value` in `node`: no node holds nothing, an empty one everything."""
        if node is None:
            self.leaves(value, path)
        elif not node:
            return
        elif isinstance(value, dict):
            for key, item in value.items():
                child = node.get("f:" + key)
                if child != {}:
                    self.below(item, child, (path, key))
        elif isinstance(value, list):
            self.items(value, node, path)

    def leaves(self, value: Any, path: _Path) -> None:
        if isinstance(value, dict) and value:
            for key, item in value.items():
                self.leaves(item, (path, key))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.leaves(item, (path, index))
        elif not (value == {} and path and path[1] in _OPEN):
            self.lost.append(path)

    def items(self, items: Sequence[Any], node: Node, path: _Path) -> None:
        held = _HeldItems(node)
        for index, item in enumerate(items):
            below = held.of(item)
            if below is None and not isinstance(item, dict):
                self.lost.append((path, index))
            else:
                self.below(item, below, (path, index))


class _HeldItems:
    """What an entry holds of the items of one list."""

    def __init__(self, node: Node) -> None:
        self._keyed = _Keyed(node)
        self._values = {
            _spelt(value) for key in node if (value := list_steps.value_of(key)) is not list_steps.NOTHING
        }

    def of(self, item: Any) -> Node | None:
        """Return what is held of an item: all of it by the empty node, nothing by None."""
        if self._values and _spelt(item) in self._values:
            return {}
        return self._keyed.find(item) if isinstance(item, dict) else None


class _Keyed:
    """The `k:{...}` entries of one list, found by an item's own keys without a search through all of them."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._entries = {key: list_steps.keys_of(key) for key in node if key.startswith("k:")}
        self._names = sorted({name for keys in self._entries.values() for name in keys})
        self._found: dict[tuple[str, ...], dict[bytes, Node]] = {}

    def find(self, item: Mapping[str, Any]) -> Node | None:
        """Return what is held of the item: of the entry that equals it in all the keys that it has."""
        keys = {name: item.get(name, DEFAULTS.get(name)) for name in self._names}
        spelt = orjson.dumps(keys)
        if exact := self._node.get("k:" + spelt.decode()):
            return cast("Node", exact)
        present = tuple(name for name in keys if keys[name] is not None)
        return self._by(present).get(orjson.dumps([keys[name] for name in present])) if present else None

    def _by(self, names: tuple[str, ...]) -> dict[bytes, Node]:
        """Index the entries by some of their keys; of entries that agree in those, the first counts."""
        index = self._found.get(names)
        if index is None:
            index = self._found[names] = {}
            for key, keys in self._entries.items():
                index.setdefault(orjson.dumps([keys.get(name) for name in names]), self._node[key])
        return index
