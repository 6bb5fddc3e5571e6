"""Read the trailers of a commit message: who else wrote a change, signed it off, or reviewed it."""

from __future__ import annotations

import re
from typing import NamedTuple

_TRAILER = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9-]*)\s*:\s*(?P<value>\S.*)")
_BLANK = re.compile(r"\n[ \t]*\n")


class Trailer(NamedTuple):
    """One line `name: value` at the end of a message."""

    name: str
    value: str


def parse(message: str) -> tuple[Trailer, ...]:
    """Return the trailers of a message, in their order: those of its last paragraph, as `git interpret-trailers` reads.

    A message of one paragraph has none: a subject may have a colon, too.
    """
    _, *paragraphs = _BLANK.split(message.replace("\r\n", "\n").strip())
    found: list[Trailer] = []
    for line in paragraphs[-1].splitlines() if paragraphs else ():
        if match := _TRAILER.fullmatch(line.rstrip()):
            found.append(Trailer(match["name"], match["value"]))
        elif found and line[:1].isspace():
            last = found.pop()
            found.append(last._replace(value=f"{last.value} {line.strip()}"))
    return tuple(found)
