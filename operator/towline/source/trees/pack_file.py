"""Read objects of one small pack without a process: git has checked it as it arrived, and stored it a moment ago."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import NamedTuple

_FILE_BYTES = 256 * 1024
"""Of a pack, and of its index: about 8,000 objects."""

_CONTENT_BYTES = 256 * 1024
"""Of all that is unpacked: a small pack may hold very much."""

_INDEX = b"\xfftOc\0\0\0\2"
_NAMES = 8 + 256 * 4
_NAME, _CHECKSUM, _PLACE = 20, 4, 4
"""Bytes that the index spends on the name, the checksum and the place of each object."""

_DEEPEST = 50
"""Changes of changes, of which git makes no more than so many if it is not told to."""

_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_DELTA_BEFORE, _DELTA_OF_NAMED = 6, 7


class NotInPackError(Exception):
    """The pack does not hold the object, or is not as it should be: git can tell what is wrong."""


class Packed(NamedTuple):
    """One object: what it is, and its content."""

    kind: str
    content: bytes


class _Stored(NamedTuple):
    """One object as the pack has it: `at` is where its compressed content begins, `base` where what it changes is."""

    kind: int
    size: int
    at: int
    base: int


class PackFile:
    """The objects of a pack.

    Args:
        pack: the whole pack.
        index: its whole index, of version 2 and with ids of 40 digits.
    """

    def __init__(self, pack: bytes, index: bytes) -> None:
        self._pack = pack
        self._places = _places(index)
        self._left = _CONTENT_BYTES

    def size(self, sha: str) -> int:
        """Return how long the content of an object is.

        Raises:
            NotInPackError: it cannot be found out.
        """
        stored = self._stored(self._place(sha))
        if stored.kind in _KINDS:
            return stored.size
        delta = self._inflated(stored)
        return _number(delta, _number(delta, 0)[1])[0]

    def read(self, sha: str) -> Packed:
        """Return an object.

        Raises:
            NotInPackError: it cannot be read, or too much was read already.
        """
        stored, deltas = self._stored(self._place(sha)), list[bytes]()
        while stored.kind not in _KINDS:
            if len(deltas) == _DEEPEST:
                raise NotInPackError("changes of too many changes")
            deltas.append(self._inflated(stored))
            stored = self._stored(stored.base)
        content = self._inflated(stored)
        for delta in reversed(deltas):
            content = _changed(content, delta, self._left)
            self._left -= len(content)
        return Packed(_KINDS[stored.kind], content)

    def _place(self, sha: str) -> int:
        try:
            return self._places[sha]
        except KeyError as error:
            raise NotInPackError(sha) from error

    def _stored(self, place: int) -> _Stored:
        """Read what stands before the content of the object at a place."""
        kind, size, at = self._head(place)
        if kind == _DELTA_BEFORE:
            back, at = self._distance(at)
            if not 0 < back < place:
                raise NotInPackError(f"a change of nothing at {place}")
            return _Stored(kind, size, at, place - back)
        if kind == _DELTA_OF_NAMED:
            return _Stored(kind, size, at + _NAME, self._place(self._pack[at : at + _NAME].hex()))
        if kind not in _KINDS:
            raise NotInPackError(f"an object of kind {kind}")
        return _Stored(kind, size, at, 0)

    def _head(self, at: int) -> tuple[int, int, int]:
        """Return the kind and the size of an object, and the place behind them."""
        byte = self._byte(at)
        kind, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 0x80:
            at += 1
            byte = self._byte(at)
            size |= (byte & 0x7F) << shift
            shift += 7
        return kind, size, at + 1

    def _distance(self, at: int) -> tuple[int, int]:
        """Return how far before an object that one is which it changes, and the place behind that number."""
        byte = self._byte(at)
        back = byte & 0x7F
        while byte & 0x80:
            at += 1
            byte = self._byte(at)
            back = (back + 1 << 7) | (byte & 0x7F)
        return back, at + 1

    def _byte(self, at: int) -> int:
        if at >= len(self._pack):
            raise NotInPackError("the pack ends early")
        return self._pack[at]

    def _inflated(self, stored: _Stored) -> bytes:
        if stored.size > self._left:
            raise NotInPackError("there is too much to read")
        unpacking = zlib.decompressobj()
        try:
            content = unpacking.decompress(self._pack[stored.at :], stored.size + 1)
        except zlib.error as error:
            raise NotInPackError("an object is broken") from error
        if len(content) != stored.size:
            raise NotInPackError("an object has another length")
        self._left -= stored.size
        return content


def opened(repository: Path) -> PackFile | None:
    """Return the pack of a repository that was just fetched for the first time, if it is small; else None.

    Raises:
        OSError: it cannot be read.
    """
    packs = tuple((repository / "objects" / "pack").glob("*.pack"))
    if len(packs) != 1 or (repository / "shallow").exists():
        return None
    index = packs[0].with_suffix(".idx")
    if max(packs[0].stat().st_size, index.stat().st_size) > _FILE_BYTES:
        return None
    try:
        return PackFile(packs[0].read_bytes(), index.read_bytes())
    except NotInPackError:
        return None


def _places(index: bytes) -> dict[str, int]:
    """Read where in the pack each object begins."""
    if not index.startswith(_INDEX):
        raise NotInPackError("another version of an index")
    count = int.from_bytes(index[_NAMES - 4 : _NAMES])
    places = _NAMES + count * (_NAME + _CHECKSUM)
    if len(index) != places + count * _PLACE + 2 * _NAME:
        raise NotInPackError("an index of another length")
    names = (index[at : at + _NAME].hex() for at in range(_NAMES, _NAMES + count * _NAME, _NAME))
    found = (int.from_bytes(index[at : at + _PLACE]) for at in range(places, places + count * _PLACE, _PLACE))
    return dict(zip(names, found, strict=True))


def _number(delta: bytes, at: int) -> tuple[int, int]:
    """Return one of the two numbers before a change, and the place behind it."""
    value = shift = 0
    while True:
        if at >= len(delta):
            raise NotInPackError("a change ends early")
        value |= (delta[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not delta[at - 1] & 0x80:
            return value, at


def _changed(base: bytes, delta: bytes, most: int) -> bytes:
    """Return what a change makes of a content."""
    length, at = _number(delta, 0)
    wanted, at = _number(delta, at)
    if length != len(base) or wanted > most:
        raise NotInPackError("a change of something else, or too much to read")
    pieces: list[bytes] = []
    size = 0
    while at < len(delta):
        piece, at = _piece(base, delta, at)
        pieces.append(piece)
        size += len(piece)
        if not piece or size > wanted:
            raise NotInPackError("a change that cannot be")
    if size != wanted:
        raise NotInPackError("a change of another length")
    return b"".join(pieces)


def _piece(base: bytes, delta: bytes, at: int) -> tuple[bytes, int]:
    """Return what one instruction of a change adds, and the place behind it: a part of the base, or new bytes."""
    instruction = delta[at]
    at += 1
    if not instruction & 0x80:
        return delta[at : at + instruction], at + instruction
    numbers = []
    for flags, width in ((instruction & 0x0F, 4), (instruction >> 4 & 0x07, 3)):
        value = 0
        for byte in range(width):
            if flags >> byte & 1:
                value |= delta[at : at + 1].ljust(1, b"\0")[0] << 8 * byte
                at += 1
        numbers.append(value)
    start, length = numbers[0], numbers[1] or 0x10000
    return base[start : start + length], at
