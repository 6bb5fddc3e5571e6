"""Resolve the anchors and aliases of one document, and limit what a few bytes of them may expand to."""

from __future__ import annotations

from typing import Any, NamedTuple

from towline.render.scalars import RefusedError


class ExhaustedError(ValueError):
    """Aliases expand to more than a document may hold; the rest of the document is not read."""


class Room:
    """How much more one file may hold, over all its documents.

    Args:
        nodes: maps, lists, keys and values as they are written.
        expansion: nodes and characters that all aliases together may expand to.
    """

    __slots__ = ("expansion", "nodes")

    def __init__(self, *, nodes: int, expansion: int) -> None:
        self.nodes = nodes
        self.expansion = expansion

    @property
    def exhausted(self) -> bool:
        """Whether more was asked for than there is."""
        return self.nodes < 0 or self.expansion < 0


class _Extent(NamedTuple):
    """How many nodes and characters a value has, and how deep its collections are nested."""

    weight: int
    height: int
    value: Any  # kept alive, because extents are remembered by identity


class Anchors:
    """The anchors that were defined so far; a name may be defined again.

    Args:
        room: what aliases take from.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._values: dict[str, Any] = {}
        self._open: dict[str, object] = {}
        self._extents: dict[int, _Extent] = {}

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
        value = self._values[name]
        extent = self._extent(value)
        self._room.expansion -= extent.weight
        if self._room.expansion < 0:
            raise ExhaustedError("the aliases of this file expand to more than manifests may hold")
        if extent.height > room:
            raise ExhaustedError("an alias makes the document nest too deep")
        return value

    def _extent(self, value: Any) -> _Extent:
        if not isinstance(value, (dict, list)):
            return _Extent(1 + (len(value) if isinstance(value, str) else 0), 0, value)
        known = self._extents.get(id(value))
        if known is None:
            parts = [self._extent(part) for part in (value.values() if isinstance(value, dict) else value)]
            weight = (
                1
                + sum(part.weight for part in parts)
                + sum(map(len, value if isinstance(value, dict) else ()))
            )
            known = _Extent(weight, 1 + max((part.height for part in parts), default=0), value)
            self._extents[id(value)] = known
        return known
