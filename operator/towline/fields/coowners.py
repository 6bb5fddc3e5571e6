"""Co-owners: entries of `managedFields` that would keep a field alive when Git drops it.

A server-side apply removes a field that its manager declares no longer, but only where nobody else owns it. An entry
that an update left behind (by kubectl, a tool, a controller of old) owns without ever speaking again. So what we
declare is taken out of such entries. Entries of the status and other subresources stay, and so do those of other
appliers, who declare what they own: they are rivals, not remains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from towline.model import Body

_APPLIERS = frozenset({"kubectl", "helm", "kustomize-controller", "helm-controller", "argocd-controller"})
"""Tools whose applies end once an object is adopted from them."""

_ITSELF = "."
"""The member of an entry that owns a map or an item as such."""


def folded(entries: Sequence[Body], manager: str) -> tuple[Body, ...] | None:
    """Return `managedFields` without what `manager` applies in the remains of others; None where nothing is to do."""
    if len(entries) < 2:
        return None
    ours = next((entry for entry in entries if _applies(entry, manager)), None)
    if ours is None:
        return None
    held = ours.get("fieldsV1") or {}
    left = tuple(_left(entry, held, manager) for entry in entries)
    if left == tuple(entries):
        return None
    return tuple(entry for entry in left if entry.get("fieldsV1"))


def is_shared(entries: Sequence[Body], manager: str) -> bool:
    """Tell whether the remains of others hold something that `manager` applies."""
    return folded(entries, manager) is not None


def _left(entry: Body, held: Body, manager: str) -> Body:
    if not _remains(entry, manager):
        return entry
    fields = entry.get("fieldsV1") or {}
    left = _without(fields, held)
    return entry if left == fields else {**entry, "fieldsV1": left}


def _remains(entry: Body, manager: str) -> bool:
    """Tell whether an entry is what a write left behind, of whoever does not apply any more."""
    if entry.get("subresource") or _applies(entry, manager):
        return False
    return entry.get("operation") == "Update" or entry.get("manager") in _APPLIERS


def _applies(entry: Body, manager: str) -> bool:
    plain = not entry.get("subresource") and entry.get("operation") == "Apply"
    return plain and entry.get("manager") == manager


def _without(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Take our leaves out of their tree; a node that holds nothing but itself goes with its last member.

    What they hold below a leaf of ours is theirs: they have added it to a map that we declare empty. (Of an atomic map
    or list nobody holds a part; where a schema has just made it one, the API server mends all entries itself.)
    """
    left: dict[str, Any] = {}
    for key, node in theirs.items():
        mine = ours.get(key)
        if mine is None or (mine and not node) or (not mine and not _bare(node)):
            left[key] = node
        elif mine and not _bare(rest := _without(node, mine)):
            left[key] = rest
    return left


def _bare(members: Iterable[str]) -> bool:
    return all(member == _ITSELF for member in members)
