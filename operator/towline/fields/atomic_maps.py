"""Find extra keys in atomic maps, which managedFields cannot show.

For an atomic map (a selector) `managedFields` names no members: an apply under Towline's name that adds one leaves the
entry as it was. An addition under another name makes the whole map that manager's, which the entry shows; but if a
member of it is left to others, that alone proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from towline.fields import pointer
from towline.fields.managed import Node
from towline.model import Body


def surplus(declared: Body, live: Body, fields: bytes, others: Sequence[Node] = ()) -> tuple[str, ...]:
    """Return, as JSON pointers, the maps that an entry owns as a whole and that have more members than declared.

    `fields` is the `fieldsV1` JSON of Towline's entry, `others` are those of the other entries. Maps with a member that
    the API server filled in are returned, too: a dry run tells them apart.
    """
    entry: Node = orjson.loads(fields) if fields else {}
    return tuple(_below(declared, live, entry, others, "")) if entry else ()


def _below(declared: Any, live: Any, node: Node, others: Sequence[Node], path: str) -> Iterator[str]:
    if not isinstance(declared, Mapping) or not isinstance(live, Mapping):
        return
    if not node:
        if declared and _has_more(declared, live):
            yield path
        return
    for key, value in declared.items():
        child = node.get(f"f:{key}")
        beside = [found for other in others if (found := other.get(f"f:{key}")) is not None]
        if child is not None:
            yield from _below(value, live.get(key), child, beside, pointer.extend(path, key))
        elif value and {} in beside and _has_more(value, live.get(key)):
            yield pointer.extend(path, key)


def _has_more(declared: Any, live: Any) -> bool:
    if not isinstance(declared, Mapping) or not isinstance(live, Mapping):
        return False
    return bool(live.keys() - declared.keys()) or any(
        _has_more(value, live.get(key)) for key, value in declared.items()
    )
