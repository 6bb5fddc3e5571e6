"""Measure regular expressions: a short one may take a second to compile, and CEL compiles it for each match."""

from __future__ import annotations

import re

_PIECE = re.compile(r"\\. | \[\^?\]?(?:\\.|[^\]\\])*\] | \{[0-9]+(?:,[0-9]*)?\} | .", re.DOTALL | re.VERBOSE)
_REPETITION = re.compile(r"\{[0-9]")
_NUMBER = re.compile("[0-9]+")
_PROPERTY = re.compile(r"\\[pP]")

_CLASS = 3
_UNICODE = 120
"""The cost of a class of characters, and of one that Unicode defines, in letters."""


def size(pattern: str) -> int:
    """Return the size of a regular expression in letters, with every repetition that is counted written out."""
    groups, last = [0], 0
    for piece in _PIECE.findall(pattern):
        if piece == "(":
            groups.append(0)
            continue
        if piece == ")" and len(groups) > 1:
            last = more = groups.pop()
        elif _REPETITION.match(piece):
            times = max(1, *map(int, _NUMBER.findall(piece)))
            last, more = last * times, last * (times - 1)
        else:
            last = more = _weight(piece)
        groups[-1] += more
    return sum(groups)


def _weight(piece: str) -> int:
    wide = piece == "." or len(piece) > 1
    return max(1, _CLASS * wide, _UNICODE * len(_PROPERTY.findall(piece)))
