"""Read YAML and JSON as Kubernetes does, or refuse it with every error and its line."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from towline import text
from towline.fields import pointer
from towline.render import split
from towline.render.anchors import Extents, Room, unhurried
from towline.render.compose import compose
from towline.render.split import FileFault, Piece
from towline.render.yaml_events import Span

_MANY = 1000
_TIMES = 10
_NO_SPANS: Mapping[str | int, Span] = MappingProxyType({})
_DEEPEST = 150
"""How deep documents may be nested before Python's recursion limit, with room for callers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlLimits:
    """Limits: bytes of one file, levels of nesting, objects of one repository.

    `nodes` bounds the maps, lists, keys and values of one file, because time goes with them more than with bytes.
    What a file declares may have ten times its bytes and `file_expansion` as JSON, all files of a commit together ten
    times their bytes and `commit_expansion`: so what is kept grows with what was written, whatever aliases make of it.
    `content_bytes` is what the objects of one commit may have as JSON in any case.
    """

    file_bytes: int = 10 * 1024**2
    depth: int = 100
    nodes: int = 1_000_000
    file_expansion: int = 1024**2
    commit_expansion: int = 8 * 1024**2
    objects: int = 50_000
    content_bytes: int = 128 * 1024**2

    def __post_init__(self) -> None:
        if not 0 < self.depth <= _DEEPEST:
            raise ValueError(f"depth must be from 1 to {_DEEPEST}")

    def expanded_file(self, size: int) -> int:
        """Return how many bytes of JSON a file of `size` bytes may declare."""
        return _TIMES * size + self.file_expansion

    def expanded_commit(self, size: int) -> int:
        """Return how many bytes of JSON files of `size` bytes in all may declare."""
        return min(_TIMES * size + self.commit_expansion, self.content_bytes)

    def room(self, size: int, give_way: Callable[[], None] = unhurried) -> Room:
        """Return what a file of `size` bytes may hold."""
        return Room(nodes=self.nodes, expansion=self.expanded_file(size), give_way=give_way)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document that is not empty: its value, its first line (1-based), its index among those of the file.

    `extents` measure a value that aliases made, None where none did.
    """

    value: Any
    line: int
    index: int
    piece: Piece = field(repr=False)
    extents: Extents | None = field(default=None, repr=False, compare=False)


class DocumentErrors(ValueError):  # noqa: N818  it is all of them
    """A file has errors: `faults` in the order of their lines; `documents` are those without any."""

    def __init__(self, faults: tuple[FileFault, ...], documents: tuple[Document, ...]) -> None:
        super().__init__(f"line {faults[0].line}: {faults[0].message}")
        self.faults = faults
        self.documents = documents


def parse(
    content: bytes, limits: YamlLimits, give_way: Callable[[], None] = unhurried
) -> tuple[Document, ...]:
    """Read the documents of one file.

    Args:
        content: its bytes.
        limits: how much of it is read.
        give_way: called again and again meanwhile.

    Raises:
        DocumentErrors: with the errors of all its documents, at most a thousand.
    """
    faults: list[FileFault] = []
    documents: list[Document] = []
    index = 0
    room = limits.room(len(content), give_way)
    for piece in _pieces(content, limits, give_way):
        if len(faults) >= _MANY or room.exhausted:
            break
        if isinstance(piece, FileFault):
            faults.append(piece)
            continue
        composed = compose(piece, depth=limits.depth, room=room)
        if composed.faults:
            faults.extend(composed.faults)
        elif composed.value is not None:
            value, line, extents = composed.value, composed.line, composed.extents
            documents.append(Document(value=value, line=line, index=index, piece=piece, extents=extents))
        index += 1
    if faults:
        raise DocumentErrors(tuple(sorted(faults)), tuple(documents))
    return tuple(documents)


def _pieces(content: bytes, limits: YamlLimits, give_way: Callable[[], None]) -> Iterator[Piece | FileFault]:
    if len(content) > limits.file_bytes:
        most = text.size(limits.file_bytes)
        message = f"the file has {len(content)} bytes, more than the {most} that one file may have: split it"
        return iter((FileFault(1, message),))
    return split.split(content, give_way)


class Places:
    """The lines of the fields of one document; made only on demand, because it reads the document again.

    Args:
        piece: the document.
        limits: those that its file was parsed with.
        room: what its file may hold.
    """

    def __init__(self, piece: Piece, limits: YamlLimits, room: Room) -> None:
        self._first = piece.line + 1
        self._root = compose(piece, depth=limits.depth, room=room, placed=True)

    def spans(self, value: Any) -> Mapping[str | int, Span]:
        """Return the lines (0-based, from `first`) of the keys or items of a collection of the document."""
        return self._root.places.get(id(value), _NO_SPANS)

    @property
    def value(self) -> Any:
        """What the document holds."""
        return self._root.value

    @property
    def first(self) -> int:
        """The first line (1-based) of the document."""
        return self._first

    def line(self, *path: str | int) -> int:
        """Return the line (1-based) in which the value at `path` begins, or else its nearest existing parent."""
        value, line = self._root.value, self._root.line
        for step in path:
            entry = _entry(value, step)
            lines = self._root.places.get(id(value), {})
            if entry not in lines:
                break
            value, line = value[entry], self._first + lines[entry].line
        return line


def locate_all(
    content: bytes, fields: Iterable[tuple[int, int, str]], limits: YamlLimits | None = None
) -> tuple[int, ...]:
    """Return the lines (1-based) of fields, or of their nearest existing parents.

    Args:
        content: the file.
        fields: for each the index of its document in the file, the index of its object in a `List` (-1 where the
            document is the object), and a JSON pointer into the object (empty for the object itself).
        limits: those that the file was parsed with.
    """
    bounds = limits or YamlLimits()
    pieces = _texts(content, bounds)

    @functools.lru_cache(maxsize=8)
    def places(piece: Piece) -> Places:
        return Places(piece, bounds, bounds.room(len(content)))

    return tuple(places(pieces[document]).line(*_steps(item, path)) for document, item, path in fields)


def places_of(content: bytes, index: int, limits: YamlLimits) -> Places | None:
    """Return the lines of one document of a file, by its index; None where it has no such document."""
    pieces = _texts(content, limits)
    return Places(pieces[index], limits, limits.room(len(content))) if 0 <= index < len(pieces) else None


def _texts(content: bytes, limits: YamlLimits) -> list[Piece]:
    return [piece for piece in _pieces(content, limits, unhurried) if isinstance(piece, Piece)]


def _steps(item: int, path: str) -> tuple[str | int, ...]:
    head = ("items", item) if item >= 0 else ()
    return (*head, *pointer.split(path))


def _entry(value: Any, step: str | int) -> str | int:
    """Return the key or index that a step means; what the API server calls `data` may be written as `stringData`."""
    if isinstance(value, list) and str(step).isdecimal() and len(str(step)) < 10:
        return int(step)
    if step == "data" and isinstance(value, dict) and step not in value and "stringData" in value:
        return "stringData"
    return step
