"""Read which objects many versions of a file declare; a document that did not change is parsed once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from towline.model import ObjectRef, Origin
from towline.render import plain, split
from towline.render.documents import YamlLimits
from towline.render.split import Piece

_BYTES = 32 * 1024**2
"""Bytes that one search parses, of text or of the JSON that aliases make of it, whichever is more: at most a minute of
one processor. The rest counts as unread."""


class _Declared(NamedTuple):
    """One object of a document; `line` is 1-based within it."""

    ref: ObjectRef
    digest: str
    line: int
    item: int


class Versions:
    """Reads versions of files; belongs to one search, which may call it from one thread at a time.

    Args:
        limits: those that files are parsed with.
    """

    def __init__(self, limits: YamlLimits) -> None:
        self._limits = limits
        self._known: dict[bytes, tuple[_Declared, ...]] = {}
        self._left = _BYTES

    def declared(self, content: bytes) -> Mapping[ObjectRef, str]:
        """Return the objects of a file, as it names them itself, with the digests of their content."""
        return {one.ref: one.digest for piece in self._pieces(content) for one in self._document(piece)}

    def origin(self, content: bytes, ref: ObjectRef, file: str, blob: str) -> Origin | None:
        """Return where a file declares an object; None where it does not."""
        for index, piece in enumerate(self._pieces(content)):
            for one in self._document(piece):
                if one.ref == ref:
                    return Origin(file, piece.line + one.line, index, one.item, blob)
        return None

    def _pieces(self, content: bytes) -> Iterator[Piece]:
        if len(content) <= self._limits.file_bytes:
            yield from (piece for piece in split.split(content) if isinstance(piece, Piece))

    def _document(self, piece: Piece) -> tuple[_Declared, ...]:
        text = piece.text.encode("utf-8", "surrogateescape")
        key = hashlib.sha256(text).digest()
        if (known := self._known.get(key)) is not None:
            return known
        self._left -= len(text)
        if self._left < 0:
            return ()
        manifests, _ = plain.manifests("", "", text, self._limits)
        self._left -= max(sum(len(one.content) for one in manifests) - len(text), 0)
        self._known[key] = found = tuple(
            _Declared(one.ref, one.digest, one.origin.line, one.origin.item) for one in manifests
        )
        return found
