"""Find fields that others added inside declared list items, which an apply leaves and managedFields shows.

Examples are a container that was made privileged, and an environment variable in it. A list item of its own (a sidecar)
does not count, nor does what admission added to Towline's own writes, a `caBundle`, which is there to be injected, or a
default of the API server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from towline.fields import managed, pointer
from towline.fields.list_steps import ListSteps
from towline.fields.managed import ITSELF, Node
from towline.model import Body

_INJECTED = frozenset({"f:caBundle"})
_STATUS = "f:status"


class Addition(NamedTuple):
    """One field that another field manager added: a JSON pointer into the live object, its value, by whom and when.

    `root` points to the highest map around it that Towline does not own either: emptied, it would be left behind.
    `steps` lead to it in `fieldsV1`; `updated` says that an update wrote it, and no apply that will come again.
    """

    root: str
    path: str
    value: Any
    by: str
    at: str
    steps: tuple[str, ...] = ()
    updated: bool = False


def has(entries: Sequence[Body], manager: str) -> bool:
    """Tell whether others added fields inside list items that `manager` applies."""
    return next(_found(entries, manager), None) is not None


def additions(body: Body, manager: str) -> tuple[Addition, ...]:
    """Return the fields that others added to a live object inside list items that `manager` applies."""
    found = []
    into = ListSteps(body)
    for entry, root, steps in _found(managed.entries(body), manager):
        top, place = into.follow(root), into.follow(steps)
        if top and place:
            who = (str(entry.get("manager", "")), str(entry.get("time", "")))
            updated = entry.get("operation") == "Update"
            found.append(Addition(top[0], *place, *who, steps, updated))
    return tuple(sorted(found, key=lambda each: each.path))


def filled_in(found: Sequence[Addition], bare: Body) -> tuple[Addition, ...]:
    """Return the additions that are in the object again after all were removed: the API server fills them in.

    The API server records its defaults as fields of the object's creator, so that they look like additions once the
    object is adopted.
    """
    into = ListSteps(bare)
    return tuple(each for each in found if (place := into.follow(each.steps)) and place[1] == each.value)


def removal(found: Sequence[Addition]) -> tuple[Body, ...]:
    """Return the JSON patch operations that remove these fields, the last items of lists first."""
    paths = sorted({each.root for each in found}, key=_steps, reverse=True)
    return tuple({"op": "remove", "path": path} for path in paths)


def _steps(path: str) -> list[tuple[int, int, str]]:
    return [(0, int(step), "") if step.isdecimal() else (1, 0, step) for step in pointer.split(path)]


def _found(entries: Sequence[Body], manager: str) -> Iterator[tuple[Body, tuple[str, ...], tuple[str, ...]]]:
    """Yield each addition as the entry that holds it, and the steps to its root and to its leaf.

    Entries that are nested deeper than any manifest are forged: they add nothing.
    """
    ours = managed.tree(managed.applied(entries, manager))
    for entry in managed.others(entries, manager) if ours else ():
        with suppress(RecursionError):
            for root, steps in _leaves(managed.tree(entry), ours, (), inside=False):
                yield entry, root, steps


def _leaves(
    theirs: Node, ours: Node, above: tuple[str, ...], *, inside: bool
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the steps to what others hold below Towline's list items: to the root, and to each leaf."""
    for key, node in theirs.items():
        if key == ITSELF or key in _INJECTED or (not above and key == _STATUS):
            continue
        mine = ours.get(key)
        steps = (*above, key)
        if mine is None:
            if inside:
                yield from ((steps, leaf) for leaf in _all(node, steps))
        elif node:  # of a map that we declare empty, all that is in it is theirs
            yield from _leaves(node, mine, steps, inside=inside or key.startswith("k:"))


def _all(node: Node, steps: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield a leaf, a list item as a whole, or the leaves below."""
    below = [key for key in node if key != ITSELF]
    if not below or steps[-1].startswith("k:"):
        yield steps
        return
    for key in below:
        yield from _all(node[key], (*steps, key))
