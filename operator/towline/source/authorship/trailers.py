"""Read the trailers of a commit message: who else wrote a change, signed it off, or reviewed it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from towline.model import Trailer

_TRAILER = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9-]*)\s*:\s*(?P<value>\S.*)")
_BLANK = re.compile(r"\n[ \t]*\n")


_TOLD = frozenset(
    {
        "acked-by",
        "approved-by",
        "assisted-by",
        "change-id",
        "co-authored-by",
        "co-committed-by",
        "co-developed-by",
    }
    | {
        "merged-by",
        "reported-by",
        "requested-by",
        "reviewed-by",
        "reviewed-on",
        "signed-off-by",
        "submitted-by",
    }
    | {"suggested-by", "tested-by"}
)
"""Trailers that say who had a part in a change, and where it was reviewed; in small letters."""

MOST = 20
"""How many trailers of one commit are told."""


def told(found: Iterable[Trailer]) -> tuple[Trailer, ...]:
    """Return the trailers that an auditor asks for, each once, in their order."""
    named = (each for each in found if each.name.lower() in _TOLD)
    return tuple(dict.fromkeys(named))[:MOST]


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
