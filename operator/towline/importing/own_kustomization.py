"""Find where an overlay and the kustomization below it set the same, which another tool edits in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.importing import homes
from towline.importing.draft import Draft
from towline.importing.field_rules import Path
from towline.importing.homes import RepositoryTree
from towline.render import documents
from towline.render.documents import DocumentErrors, YamlLimits


def tell_doubles(draft: Draft, tree: RepositoryTree | None, folder: str, at: Path) -> None:
    """Note what Flux and Argo CD replace in a kustomization, and what an overlay adds to or passes by.

    Args:
        draft: with its `kustomize` filled in.
        tree: that of a clone; without one nothing is known.
        folder: that of the kustomization.
        at: where the fields of the overlay are in the resource.
    """
    file = homes.kustomization(tree, folder) if tree else ""
    own = read(tree, folder) if tree else {}
    given = draft.spec.get("kustomize") or {}
    for name in ("namePrefix", "nameSuffix"):
        if given.get(name) and own.get(name):
            draft.lost(
                f"{file} has a {name} of its own, which would be replaced there: here both count", *at, name
            )
    renamed = {each.get("name"): each.get("newName") for each in _maps(own.get("images"))}
    for number, each in enumerate(given.get("images") or ()):
        if new := renamed.get(each.get("name")):
            message = (
                f"{file} calls {each['name']} {new}, which would be replaced there: here the image is called {new}"
                " before spec.kustomize sees it"
            )
            draft.lost(message, *at, "images", number)


def read(tree: RepositoryTree, folder: str) -> Mapping[str, Any]:
    """Return the kustomization in a folder; empty where there is none, or none that can be read."""
    file = homes.kustomization(tree, folder)
    try:
        found = documents.parse((tree.read(file) or b"") if file else b"", YamlLimits())
    except DocumentErrors:  # rendering tells
        return {}
    return found[0].value if found and isinstance(found[0].value, Mapping) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
