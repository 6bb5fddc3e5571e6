"""Swap members of unions (`value` or `valueFrom`, a volume's source, a strategy's parameters) where an apply cannot.

Server-side apply keeps a member that another field manager set, or that the API server filled in, next to the declared
one, and the object is refused for ever. Replacing the union's parent by what is declared ends that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from towline.errors import ApiError
from towline.fields import pointer, server_paths
from towline.model import Body

_SWAP = re.compile(r"may not (be )?specif(y|ied)|only allowed for|cannot set both")
"""What the API server says of two members at once."""

_LEAST_DEPTH = 2
"""No union is higher than `/spec/strategy`; replacing `/spec` would lose the fields of all other field managers."""


def swaps(error: ApiError, before: Body, declared: Body) -> tuple[Body, ...]:
    """Return the JSON patch that makes the unions of `before` what is declared; empty if no union is the cause.

    `error` is the refusal of a forced apply of `declared` onto `before`, our own object. The patch tests that
    the object still has the version of `before`.
    """
    paths = (
        [cause.field for cause in error.causes if _SWAP.search(cause.message)] if error.code == 422 else []
    )
    parents = dict(found for path in paths if (found := _parent(path, before, declared)))
    if not parents:
        return ()
    version = before["metadata"]["resourceVersion"]
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
    return (test, *({"op": "replace", "path": path, "value": value} for path, value in parents.items()))


def _parent(path: str, before: Body, declared: Body) -> tuple[str, Body] | None:
    """Return where the union of a refused member stands in the live object, and what is declared of it."""
    parent = server_paths.to_pointer(path.rpartition(".")[0], before)
    steps = pointer.split(parent)
    live: Any = before
    wanted: Any = declared
    for step in steps:
        wanted = _counterpart(live, step, wanted)
        live = pointer.child(live, step)
    if len(steps) < _LEAST_DEPTH or not isinstance(live, Mapping) or not isinstance(wanted, Mapping):
        return None
    return (parent, wanted) if live.keys() - wanted.keys() else None


def _counterpart(live: Any, step: str, declared: Any) -> Any:
    """Return what stands in the declared value where `step` leads in the live one: items share their name."""
    if isinstance(live, list) and isinstance(declared, list):
        item = live[int(step)]
        name = item.get("name") if isinstance(item, Mapping) else None
        named = (each for each in declared if isinstance(each, Mapping) and each.get("name") == name)
        return next(named, None) if name else None
    return declared.get(step) if isinstance(live, Mapping) and isinstance(declared, Mapping) else None
