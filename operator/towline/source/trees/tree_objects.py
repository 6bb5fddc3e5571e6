"""Read tree objects as Git stores them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from towline.source.selection import Kind

TreeEntry: TypeAlias = tuple[bytes, bytes, bytes]
"""One name of a tree: its mode, the name, and the object id as it is stored; `kind` tells what it is."""

Tree: TypeAlias = tuple[TreeEntry, ...]

FOLDER = b"40000"
FILE = b"100644"
EXECUTABLE = b"100755"
SYMLINK = b"120000"
SUBMODULE = b"160000"
_USUAL = frozenset({FOLDER, FILE, EXECUTABLE, SYMLINK, SUBMODULE})

_BATCHED = re.compile(rb"([0-9a-f]+) tree ([0-9]+)\n")
_ENTRY = {
    40: re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL),
    64: re.compile(rb"([0-7]+) ([^\0]+)\0(.{32})", re.DOTALL),
}
"""By the number of hex digits of an object id."""


def trees(batch: bytes) -> dict[str, Tree]:
    """Read the output of `git cat-file --batch` for trees, by their ids.

    Raises:
        ValueError: an object is missing or not a tree, or the output ends early.
    """
    found: dict[str, Tree] = {}
    at = 0
    while at < len(batch):
        match = _BATCHED.match(batch, at)
        if match is None or len(match[1]) not in _ENTRY:
            raise ValueError("not the output of git cat-file --batch for trees")
        end = match.end() + int(match[2])
        if batch[end : end + 1] != b"\n":
            raise ValueError("the output of git cat-file --batch ends early")
        sha = match[1].decode()
        found[sha] = _tree(batch, match.end(), end, len(sha))
        at = end + 1
    return found


def kind(entry: TreeEntry) -> Kind:
    """Return what an entry is that is not a folder."""
    return _KINDS.get(entry[0], Kind.FILE)


_KINDS = {SYMLINK: Kind.SYMLINK, SUBMODULE: Kind.SUBMODULE}


def tree(content: bytes, digits: int) -> Tree:
    """Read one tree object, in a repository whose object ids have so many digits.

    Raises:
        ValueError: it is not a tree.
    """
    return _tree(content, 0, len(content), digits)


def _tree(batch: bytes, start: int, end: int, digits: int) -> Tree:
    found: Iterable[TreeEntry] = _ENTRY[digits].findall(batch, start, end)
    entries = tuple(found)
    between = 2 + digits // 2
    if sum(len(mode) + len(name) + between for mode, name, _ in entries) != end - start:
        raise ValueError("not a tree")
    if {mode for mode, _, _ in entries} <= _USUAL:
        return entries
    return tuple((_canonical(mode), name, sha) for mode, name, sha in entries)


def _canonical(mode: bytes) -> bytes:
    """Return the mode that Git takes an unusual one for: old tools padded modes, or wrote more of them."""
    bits = int(mode, 8)
    match bits & 0o170000:
        case 0o040000:
            return FOLDER
        case 0o120000:
            return SYMLINK
        case 0o100000:
            return EXECUTABLE if bits & 0o100 else FILE
        case _:
            return SUBMODULE
