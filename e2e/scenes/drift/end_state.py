"""What is left of a drift: does the live object say what is declared, and is it ours alone?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from e2e.harness.cluster import Object

BOOKKEEPING = frozenset({"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"})

REVISION = "deployment.kubernetes.io/revision"
"""The annotation by which the controller of Deployments counts."""


def disagreements(declared: Any, live: Any, path: str = "") -> tuple[str, ...]:
    """Name the declared leaves that the live object has not, or has otherwise, or in another order.

    What is live beside them is no disagreement: others may add keys and list items.
    """
    if isinstance(declared, dict):
        if not isinstance(live, dict):
            return (f"{path}: {live!r} is not {declared!r}",)
        return tuple(
            one
            for key, value in declared.items()
            for one in disagreements(value, live.get(key), f"{path}/{key}")
        )
    if isinstance(declared, list):
        return _listed(declared, live or [], path)
    return () if declared == live else (f"{path}: {live!r} is not {declared!r}",)


def _listed(declared: list[Any], live: list[Any], path: str) -> tuple[str, ...]:
    """Compare each declared item with the first live one that is it; they must come in the declared order."""
    found: list[str] = []
    start = 0
    for index, item in enumerate(declared):
        at = next((at for at in range(start, len(live)) if _same_item(item, live[at])), None)
        if at is None:
            return (f"{path}/{index}: {item!r} is missing or in another place",)
        found += disagreements(item, live[at], f"{path}/{index}")
        start = at + 1
    return tuple(found)


def _same_item(declared: Any, live: Any) -> bool:
    if isinstance(declared, dict) and "name" in declared:
        return bool(declared["name"] == live.get("name"))
    return not disagreements(declared, live)


def entry(live: Object, manager: str) -> Object:
    """Return what `manager` applied, as `managedFields` tells it; empty where it has applied nothing."""
    entries = live["metadata"].get("managedFields") or ()
    found = (
        one["fieldsV1"]
        for one in entries
        if one["manager"] == manager and one["operation"] == "Apply" and _whole(one)
    )
    fields: Object = next(found, {})
    return fields


def co_owners(live: Object, manager: str) -> dict[str, list[str]]:
    """Return the leaves of `manager` that remains of updates hold as well, by their manager."""
    ours = set(_leaves(entry(live, manager)))
    entries = live["metadata"].get("managedFields") or ()
    shared = {
        one["manager"]: sorted(ours.intersection(_leaves(one["fieldsV1"])))
        for one in entries
        if one["operation"] == "Update" and _whole(one)
    }
    return {name: leaves for name, leaves in shared.items() if leaves}


def _whole(entry: Mapping[str, Any]) -> bool:
    return not entry.get("subresource")


def _leaves(fields: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, below in fields.items():
        if key == ".":
            continue
        if any(name != "." for name in below):
            yield from _leaves(below, f"{path}/{key}")
        else:
            yield f"{path}/{key}"


def content(live: Object) -> Object:
    """Return an object without its status and without what counts anybody's writes or revisions."""
    kept = {name: value for name, value in live["metadata"].items() if name not in BOOKKEEPING}
    notes = kept.get("annotations") or {}
    kept["annotations"] = {name: value for name, value in notes.items() if name != REVISION}
    rest = {name: value for name, value in live.items() if name != "status"}
    return {**rest, "metadata": kept}
