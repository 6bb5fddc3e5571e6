"""Resolve the anchors and aliases of one document, and limit what a few bytes of them may expand to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from towline.render.scalars import RefusedError


class ExhaustedError(ValueError):
    """Aliases expand to more than a document may hold; the rest of the document is not read."""


def unhurried() -> None:
    """Give way to nobody: for one who reads alone."""


class Room:
    """How much more one file may hold, over all its documents.

    Args:
        nodes: maps, lists, keys and values as they are written.
        expansion: bytes of JSON that all aliases together may expand to.
        give_way: called again and again while the file is read, so that others have their turn.
    """

    __slots__ = ("expansion", "give_way", "nodes")

    def __init__(self, *, nodes: int, expansion: int, give_way: Callable[[], None] = unhurried) -> None:
        self.nodes = nodes
        self.expansion = expansion
        self.give_way = give_way

    @property
    def exhausted(self) -> bool:
        """Whether more was asked for than there is."""
        return self.nodes < 0 or self.expansion < 0


class Extent(NamedTuple):
    """How many bytes of JSON a value has, and how deep its collections are nested."""

    size: int
    height: int
    value: Any  # kept alive, because extents are remembered by identity


class Extents:
    """Measures values that aliases share, and each shared part once; what was measured must not change any more."""

    def __init__(self) -> None:
        self._known: dict[int, Extent] = {}

    def of(self, value: Any) -> Extent:
        """Measure a JSON value without expanding it."""
        if not isinstance(value, (dict, list)):
            return Extent(_size(value), 0, value)
        known = self._known.get(id(value))
        if known is None:
            parts = [self.of(part) for part in (value.values() if isinstance(value, dict) else value)]
            keys = sum(_size(key) + 1 for key in value) if isinstance(value, dict) else 0
            size = 2 + keys + max(len(parts) - 1, 0) + sum(part.size for part in parts)
            known = Extent(size, 1 + max((part.height for part in parts), default=0), value)
            self._known[id(value)] = known
        return known


def _size(scalar: Any) -> int:
    return len(orjson.dumps(scalar))


class Anchors:
    """The anchors that were defined so far; a name may be defined again.

    `used` says that an alias was resolved, so that the value may be larger than its text.

    Args:
        room: what aliases take from.
    """

    def __init__(self, room: Room) -> None:
        self.extents = Extents()
        self.used = False
        self._room = room
        self._values: dict[str, Any] = {}
        self._open: dict[str, object] = {}

    def open(self, name: str) -> object:
        """Begin a collection, which no alias inside it may refer to; pass the result to `close`."""
        opened = self._open[name] = object()
        return opened

    def close(self, name: str, opened: object, value: Any) -> None:
        """End a collection; if its anchor was defined again inside it, the later definition stays."""
        if self._open.get(name) is opened:
            self.define(name, value)

    def define(self, name: str, value: Any) -> Any:
        """Name a value that is complete, and return it."""
        self._open.pop(name, None)
        self._values[name] = value
        return value

    def resolve(self, name: str, room: int) -> Any:
        """Return the value that an alias stands for; it is shared, not copied.

        Args:
            name: the alias.
            room: how many levels deeper collections may be nested here.

        Raises:
            RefusedError: the anchor does not exist, or the alias is inside its value.
            ExhaustedError: it is too deep or too much.
        """
        if name in self._open:
            raise RefusedError("an alias is used inside the value that it names")
        if name not in self._values:
            raise RefusedError("an alias has no anchor above it")
        self.used = True
        extent = self.extents.of(self._values[name])
        self._room.expansion -= extent.size
        if self._room.expansion < 0:
            raise ExhaustedError(
                "the aliases of this file expand to more than ten times its size and 1 MiB: use fewer of them"
            )
        if extent.height > room:
            raise ExhaustedError("an alias makes the document nest too deep")
        return extent.value
