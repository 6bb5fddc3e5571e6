"""Say which folders are units: the topmost ones with a kustomization, unless another unit builds on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet


def candidates(folders: Iterable[str], components: AbstractSet[str]) -> tuple[str, ...]:
    """Return the folders that may be units: the topmost ones, where a Component does not count.

    Args:
        folders: every folder with a kustomization; "" is the root.
        components: those whose kustomization is known to be a Component.
    """
    found: list[str] = []
    within = None
    for prefix in sorted(f"{folder}/" if folder else "" for folder in set(folders) - components):
        if within is None or not prefix.startswith(within):  # what is in a folder comes right behind it
            found.append(prefix[:-1])
            within = prefix
    return tuple(sorted(found))


def units(built_on: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Return the candidates that no other candidate builds on.

    Args:
        built_on: the folders that each candidate builds on.
    """
    used = {folder for candidate, folders in built_on.items() for folder in folders if folder != candidate}
    found = sorted(built_on.keys() - used)
    reached = {folder for candidate in found for folder in (candidate, *built_on[candidate])}
    for candidate in sorted(built_on.keys() - reached):  # those that build on each other, which is an error
        if candidate not in reached:
            found.append(candidate)
            reached |= {candidate, *built_on[candidate]}
    return tuple(found)


def above(folder: str) -> tuple[str, ...]:
    """Return the folders that a folder is in, up to the root, which is ""."""
    steps = folder.split("/") if folder else []
    return tuple("/".join(steps[:length]) for length in range(len(steps)))
