"""Take the answer to a request for a pack apart: the pack itself, and what the server says of its progress."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_HEX = re.compile(rb"[0-9a-fA-F]{4}")
_NONE = (b"NAK\n", b"NAK")
"""The first packet: the server knows of no commit that we have, as we named none."""

_FLUSH = b"0000"
_LENGTH = 4
_PACK, _PROGRESS = 1, 2


class Said(NamedTuple):
    """A piece of the pack, or what the server says of its progress."""

    pack: bytes = b""
    progress: str = ""


class Sideband:
    """Reads an answer piece by piece; `is_whole` says whether it has come to its end."""

    def __init__(self) -> None:
        self.is_whole = False
        self._left = bytearray()
        self._begun = False

    def take(self, chunk: bytes) -> Iterator[Said]:
        """Yield what the next bytes complete.

        Raises:
            ValueError: the answer is malformed, or the server says that it failed.
        """
        self._left += chunk
        at = 0
        while len(self._left) - at >= _LENGTH:
            head = bytes(self._left[at : at + _LENGTH])
            if self.is_whole or not _HEX.fullmatch(head):
                raise ValueError("not the answer to a request for a pack")
            length = int(head, 16)
            if head == _FLUSH:
                self._flushed()
                length = _LENGTH
            elif length <= _LENGTH:
                raise ValueError("a packet without content")
            elif len(self._left) - at < length:
                break
            else:
                yield self._packet(bytes(self._left[at + _LENGTH : at + length]))
            at += length
        del self._left[:at]

    def _flushed(self) -> None:
        if not self._begun:
            raise ValueError("an answer without a pack")
        self.is_whole = True

    def _packet(self, content: bytes) -> Said:
        if not self._begun:
            if content not in _NONE:
                raise ValueError("the server does not begin with a pack")
            self._begun = True
            return Said()
        band, rest = content[0], content[1:]
        if band == _PACK:
            return Said(pack=rest)
        if band == _PROGRESS:
            return Said(progress=rest.decode("utf-8", "replace"))
        raise ValueError("the server could not send the pack")
