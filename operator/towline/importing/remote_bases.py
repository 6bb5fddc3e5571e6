"""Find bases of other repositories in a kustomization: they are refused unless a spec pins them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from towline.importing.draft import Draft
from towline.importing.field_rules import Path
from towline.importing.homes import RepositoryTree
from towline.importing.own_kustomization import read

_LISTS = ("resources", "bases", "components")
_MOST = 200


def pin(draft: Draft, tree: RepositoryTree | None, folder: str, at: Path) -> None:
    """Have a spec accept bases of other repositories where a kustomization names any, and say so.

    Args:
        draft: that of the resource.
        tree: that of a clone; without one nothing is known.
        folder: that of the kustomization.
        at: where the folder is named in the resource.
    """
    found = sorted(set(_addresses(tree, folder))) if tree else []
    if found:
        draft.put("remote", "Pinned")
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        message = (
            f"it builds on {found[0]}{more}: each has to name a full commit id or a tag, which is pinned"
        )
        draft.different(message, *at)


def _addresses(tree: RepositoryTree, folder: str) -> Iterator[str]:
    seen: set[str] = set()
    waiting = [folder]
    while waiting and len(seen) < _MOST:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        own = read(tree, here)
        for entry in (str(each) for name in _LISTS for each in _list(own, name)):
            if _is_address(entry):
                yield entry
            else:
                waiting.append(posixpath.normpath(posixpath.join(here, entry)))


def _is_address(entry: str) -> bool:
    return "://" in entry or "?ref=" in entry or entry.startswith(("git@", "github.com/"))


def _list(own: Mapping[str, object], name: str) -> list[object]:
    found = own.get(name)
    return found if isinstance(found, list) else []
