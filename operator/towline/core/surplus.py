"""What somebody added under our own name to a map that is ours as a whole.

Of an atomic map (a selector) `managedFields` names no members: an apply under our name that adds one leaves our entry
as it was. What others add under a name of their own makes the whole map theirs, which the entry shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from towline.core.fields import Node, pointer
from towline.model import Body


def surplus(declared: Body, live: Body, fields: bytes) -> tuple[str, ...]:
    """Name the maps with more members than declared among those that an entry holds whole, as JSON pointers.

    `fields` is the entry's `fieldsV1` JSON. A member that the API server filled in is named, too: a dry run tells.
    """
    entry: Node = orjson.loads(fields) if fields else {}
    return tuple(_below(declared, live, entry, "")) if entry else ()


def _below(declared: Any, live: Any, node: Node, path: str) -> Iterator[str]:
    if not isinstance(declared, Mapping) or not isinstance(live, Mapping):
        return
    if not node:
        if declared and _has_more(declared, live):
            yield path
        return
    for key, value in declared.items():
        child = node.get(f"f:{key}")
        if child is not None:
            yield from _below(value, live.get(key), child, pointer(path, key))


def _has_more(declared: Any, live: Any) -> bool:
    if not isinstance(declared, Mapping) or not isinstance(live, Mapping):
        return False
    return bool(live.keys() - declared.keys()) or any(
        _has_more(value, live.get(key)) for key, value in declared.items()
    )
