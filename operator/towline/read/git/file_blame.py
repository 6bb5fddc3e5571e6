"""Read what `git blame` says of the lines of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_GROUP = re.compile(rb"([0-9a-f]{40,64}) (\d+) (\d+) (\d+)")
_NAMED = b"filename "


class BlamedLine(NamedTuple):
    """The commit that wrote a line, and where the line is in that commit."""

    sha: str
    file: str
    line: int


def parse(output: bytes) -> Mapping[int, BlamedLine]:
    """Read the output of `git blame --incremental`: the lines of the file by their numbers, from 1.

    Raises:
        ValueError: the output is malformed.
    """
    found: dict[int, BlamedLine] = {}
    group: re.Match[bytes] | None = None
    for row in output.split(b"\n"):
        if started := _GROUP.fullmatch(row):
            group = started
        elif row.startswith(_NAMED) and group:
            sha, file = group[1].decode(), _path(row.removeprefix(_NAMED))
            first, at, count = (int(group[number]) for number in (2, 3, 4))
            found |= {at + each: BlamedLine(sha, file, first + each) for each in range(count)}
            group = None
    if output and not found:
        raise ValueError("not the output of git blame")
    return found


_ESCAPE = re.compile(rb'\\([0-7]{3}|[abfnrtv"\\])')
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def _path(name: bytes) -> str:
    """Return a path that git may have quoted."""
    if name.startswith(b'"') and name.endswith(b'"'):
        name = _ESCAPE.sub(lambda found: _character(found[1]), name[1:-1])
    return name.decode("utf-8", "surrogateescape")


def _character(escaped: bytes) -> bytes:
    return bytes((int(escaped, 8) & 0xFF,)) if escaped.isdigit() else _LETTERS.get(escaped, escaped)
