"""Files that somebody else is writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile


def whole_lines(log: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines that are there as a whole, and read no further than the first that is not.

    Its rest may be written before the next read, which would take it for a line.
    """
    return takewhile(lambda line: line.endswith(b"\n"), log)
