"""Say who owns each leaf of a live object, as its managedFields tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from towline.fields import managed, owned_paths, pointer
from towline.model import Body

IDENTITY = frozenset({"/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"})
"""What names an object is part of no entry of managedFields."""


class LeafOwner(NamedTuple):
    """Who owns a leaf: whether the repository does, and the other field manager that wrote it last, and when.

    Without either, the API server filled it in.
    """

    is_own: bool = False
    other: str = ""
    at: str = ""


def leaves(body: Body) -> Mapping[str, Any]:
    """Return the leaves of an object by JSON pointer, in its order: scalars, and maps and lists that are empty."""
    return dict(_leaves(body, ""))


def owners(body: Body, manager: str) -> Mapping[str, LeafOwner]:
    """Return who owns each leaf of a live object.

    Args:
        body: the object.
        manager: the field manager of its repository, empty where it has none.
    """
    entries = sorted(managed.entries(body), key=lambda entry: str(entry.get("time") or ""))
    shown = {name: value for name, value in body.items() if name != "metadata"}
    metadata = body.get("metadata") or {}
    shown["metadata"] = {name: value for name, value in metadata.items() if name != "managedFields"}
    every = owned_paths.lost(shown, b"")
    empty = [path for path, value in leaves(shown).items() if value == []]
    found: dict[str, LeafOwner] = {}
    for entry in entries:
        lost = frozenset(owned_paths.lost(shown, managed.encoded(entry)))
        held = [path for path in every if path not in lost]
        held += [path for path in empty if _holds(shown, entry, path)]
        own = managed.is_applied_by(entry, manager)
        name, at = str(entry.get("manager") or ""), str(entry.get("time") or "")
        for path in held:
            before = found.get(path, LeafOwner())
            found[path] = before._replace(is_own=True) if own else before._replace(other=name, at=at)
    return found


def _holds(body: Body, entry: Body, path: str) -> bool:
    return any(owned_paths.held_at(body, managed.tree(entry), pointer.split(path)))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    children = value.items() if isinstance(value, Mapping) else enumerate(value)
    for step, child in children:
        here = pointer.extend(path, step)
        if isinstance(child, Mapping | list) and child:
            yield from _leaves(child, here)
        else:
            yield here, child
