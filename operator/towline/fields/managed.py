"""Read `metadata.managedFields`: whose each entry is, and what it holds.

The API server keeps one entry for each writer: a field manager, its operation (Apply or Update) and the subresource
that it wrote through. What a repository owns is in the Apply entry of its field manager, without subresource.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import orjson

from towline.model import Body

Node: TypeAlias = Mapping[str, Any]
"""One level of `fieldsV1`: `f:…`, `k:…` or `v:…` to the level below it."""

ITSELF = "."
"""The member of a node that owns a map or a list item as such."""

_NOTHING: Body = MappingProxyType({})


def entries(body: Body) -> Sequence[Body]:
    """Return the entries of a live object."""
    return (body.get("metadata") or _NOTHING).get("managedFields") or ()


def is_applied(entry: Body) -> bool:
    """Tell whether an entry is what its manager applies to the object itself."""
    return entry.get("operation") == "Apply" and not entry.get("subresource")


def is_applied_by(entry: Body, manager: str) -> bool:
    """Tell whether an entry is what this manager applies to the object itself."""
    return entry.get("manager") == manager and is_applied(entry)


def applied(entries: Iterable[Body], manager: str) -> Body:
    """Return the entry of what a manager applies; an empty one where it applies nothing."""
    return next((entry for entry in entries if is_applied_by(entry, manager)), _NOTHING)


def direct(entries: Iterable[Body]) -> Iterator[Body]:
    """Yield the entries of the object itself, without those of its status, scale and other subresources."""
    return (entry for entry in entries if not entry.get("subresource"))


def others(entries: Iterable[Body], manager: str) -> tuple[Body, ...]:
    """Return the direct entries of other managers."""
    return tuple(entry for entry in direct(entries) if entry.get("manager") != manager)


def tree(entry: Body) -> Node:
    """Return what an entry holds."""
    return entry.get("fieldsV1") or {}


def encoded(entry: Body) -> bytes:
    """Return what an entry holds as JSON, nothing for the empty entry.

    One that is nested deeper than any manifest is forged, and holds nothing.
    """
    try:
        return orjson.dumps(tree(entry)) if entry else b""
    except TypeError:
        return b""


def finalizers(body: Body) -> Mapping[str, str]:
    """Return the finalizers of a live object, each with the field manager that set it, empty where none says so."""
    held: Mapping[str, str] = dict.fromkeys((body.get("metadata") or _NOTHING).get("finalizers") or (), "")
    names = {f"v:{orjson.dumps(name).decode()}": name for name in held}
    known = {
        names[step]: entry.get("manager", "")
        for entry in entries(body)
        for step in _below(_below(tree(entry), "f:metadata"), "f:finalizers")
        if step in names
    }
    return {**held, **known}


def _below(node: Node, name: str) -> Node:
    return node.get(name) or {}
