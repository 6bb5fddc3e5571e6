"""Remove co-owners: entries of `managedFields` that would keep a field alive when Git drops it.

A server-side apply removes a field that its manager no longer declares, but only if no other manager owns it. An entry
that an update left behind (by kubectl, another tool, a former controller) owns the field for ever. So declared fields
are removed from such entries. Entries of the status and other subresources stay, and so do those of other appliers,
which declare what they own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from towline.fields import managed
from towline.fields.managed import ITSELF, Node
from towline.model import Body

_APPLIERS = frozenset({"kubectl", "helm", "kustomize-controller", "helm-controller", "argocd-controller"})
"""Tools whose applies end once an object is adopted from them."""


def folded(
    entries: Sequence[Body], manager: str, filled: Iterable[Sequence[str]] = ()
) -> tuple[Body, ...] | None:
    """Return `managedFields` without what `manager` applies in the remains of others; None where nothing is to do.

    `filled` are the steps to fields that the API server fills in; they are removed from such entries, too.
    Entries that are nested deeper than any manifest are forged: they stay as they are.
    """
    ours = managed.applied(entries, manager)
    if len(entries) < 2 or not ours:
        return None
    try:
        held = (managed.tree(ours), _nested(filled))
        left = tuple(_left(entry, held, manager) for entry in entries)
        if left == tuple(entries):
            return None
    except RecursionError:
        return None
    return tuple(entry for entry in left if managed.tree(entry))


def is_shared(entries: Sequence[Body], manager: str) -> bool:
    """Tell whether leftover entries hold a field that `manager` applies."""
    return folded(entries, manager) is not None


def _nested(paths: Iterable[Sequence[str]]) -> Node:
    """Return steps as an entry would hold them."""
    root: dict[str, Any] = {}
    for steps in paths:
        here = root
        for step in steps:
            here = here.setdefault(step, {})
    return root


def _left(entry: Body, held: Iterable[Node], manager: str) -> Body:
    if not _remains(entry, manager):
        return entry
    fields = managed.tree(entry)
    left = functools.reduce(_without, held, fields)
    return entry if left == fields else {**entry, "fieldsV1": left}


def _remains(entry: Body, manager: str) -> bool:
    """Tell whether an entry is a leftover of a manager that does not apply any more."""
    if entry.get("subresource") or managed.is_applied_by(entry, manager):
        return False
    return entry.get("operation") == "Update" or entry.get("manager") in _APPLIERS


def _without(theirs: Node, ours: Node) -> dict[str, Any]:
    """Remove the leaves of `ours` from `theirs`; a node that holds only itself is removed with its last member.

    What others own below a leaf of `ours` stays: they added it to a map that is declared empty. (Nothing inside an
    atomic map or list is owned on its own; if a schema has just made it atomic, the API server corrects all entries
    itself.)
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
    return all(member == ITSELF for member in members)
