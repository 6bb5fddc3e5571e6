"""Read which objects many versions of a file declare; a document that did not change is parsed once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from towline.model import ObjectRef
from towline.render import plain, split
from towline.render.documents import YamlLimits
from towline.render.split import Piece

_BYTES = 32 * 1024**2
"""Bytes of text that one search parses, at most a minute of one processor; the rest counts as unread."""


class Versions:
    """Reads versions of files; belongs to one search, which may call it from one thread at a time.

    Args:
        limits: those that files are parsed with.
    """

    def __init__(self, limits: YamlLimits) -> None:
        self._limits = limits
        self._known: dict[bytes, Mapping[ObjectRef, str]] = {}
        self._left = _BYTES

    def declared(self, content: bytes) -> Mapping[ObjectRef, str]:
        """Return the objects of a file, as it names them itself, with the digests of their content."""
        found: dict[ObjectRef, str] = {}
        if len(content) <= self._limits.file_bytes:
            for piece in split.split(content):
                if isinstance(piece, Piece):
                    found |= self._document(piece)
        return found

    def _document(self, piece: Piece) -> Mapping[ObjectRef, str]:
        text = piece.text.encode("utf-8", "surrogateescape")
        key = hashlib.sha256(text).digest()
        if (known := self._known.get(key)) is not None:
            return known
        self._left -= len(text)
        if self._left < 0:
            return {}
        manifests, _ = plain.manifests("", "", text, self._limits)
        self._known[key] = found = {one.ref: one.digest for one in manifests}
        return found
