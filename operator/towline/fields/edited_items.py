"""Find items of keyed lists whose key a person changed by hand: the number of a port, the name of a container.

The API server identifies an item by its key, so such an edit means that one item is gone and another one was added. An
apply adds the declared item again and leaves the other one, which is refused for ever if names must be unique. So if a
declared item is missing, the repair removes what a person's tool left in the same list. Items that controllers and
webhooks add (a sidecar) stay, and so do items that a person adds while no declared one is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import orjson

from towline.fields import item_match, managed, owned_paths, pointer
from towline.fields.item_match import ItemMatch
from towline.fields.managed import ITSELF, Node
from towline.model import Body

_TOOLS = frozenset(
    {
        "kubectl",
        "kubernetes-dashboard",
        "dashboard",
        "dashboard-api",
        "headlamp",
        "headlamp-server",
        "k9s",
        "lens",
        "octant",
        "Mozilla",
        "curl",
    }
)
"""Field managers of tools by which people write; without a name of its own, it is the start of the user agent."""

_ASSIGNED = ("nodePort",)
"""Fields of an item that the API server assigns, and that the item keeps when its key is set back."""

_ALLOCATED = frozenset({"clusterIP", "clusterIPs", "healthCheckNodePort"})
"""Fields of a Service whose value no second Service may have."""


class LeftItem(NamedTuple):
    """One item that a person left in a declared list.

    `path` is a JSON pointer into the live object, `steps` lead there in `fieldsV1`. `among` is a pointer to the list in
    what is sent, `instead` to the item whose place it took; empty if more items were left than are missing.
    """

    path: str
    among: str
    steps: tuple[str, ...]
    value: Any
    by: str
    at: str
    instead: str = ""


class _HeldBy(NamedTuple):
    entry: Body
    node: Node

    @property
    def is_persons(self) -> bool:
        manager = str(self.entry.get("manager", ""))
        by_hand = manager in _TOOLS or manager.startswith("kubectl-")
        return by_hand and self.entry.get("operation") == "Update"


class _Reached(NamedTuple):
    """The place of a walk: in what is sent, in the live object, and in `fieldsV1`."""

    sent: str = ""
    live: str = ""
    steps: tuple[str, ...] = ()


def left(sent: Body, live: Body, manager: str) -> tuple[LeftItem, ...]:
    """Return the items that people left in lists where declared items are missing.

    Args:
        sent: what an apply would send.
        live: the object with its `managedFields`.
        manager: the field manager of the repository.
    """
    held = [_HeldBy(entry, managed.tree(entry)) for entry in managed.direct(managed.entries(live))]
    if not any(each.is_persons for each in held):
        return ()
    found: list[LeftItem] = []
    with suppress(RecursionError):  # nested deeper than any manifest: forged
        found = list(_EditWalk(manager).below(sent, live, held, _Reached()))
    return tuple(found)


def claimed(live: Body, found: Iterable[LeftItem], manager: str) -> tuple[Body, ...]:
    """Return the `managedFields` in which `manager` alone owns the left items, so that its next apply removes them."""
    paths = [each.steps for each in found]
    return tuple(
        {**entry, "fieldsV1": tree}
        for entry in managed.entries(live)
        if (
            tree := _with(managed.tree(entry), paths)
            if managed.is_applied_by(entry, manager)
            else _without(managed.tree(entry), paths)
        )
    )


def keeping_assigned(sent: Body, found: Iterable[LeftItem]) -> Body | None:
    """Return what to send so that items that are set back keep what the API server assigned; None if that is nothing.

    `found` are the items that people left in their place.
    """
    kept = {
        pointer.extend(each.instead, name): each.value[name]
        for each in found
        for name in _ASSIGNED
        if each.instead and name in each.value and name not in pointer.follow(sent, each.instead)
    }
    if not kept:
        return None
    copy: dict[str, Any] = orjson.loads(orjson.dumps(sent))
    for path, value in kept.items():
        above, _, name = path.rpartition("/")
        pointer.follow(copy, above)[name] = value
    return copy


def unallocated(sent: Body) -> Body:
    """Return an object without fields whose values must be unique, which would refuse a dry run of its creation."""
    spec = sent.get("spec")
    if sent.get("kind") != "Service" or not isinstance(spec, Mapping):
        return sent
    rest = {name: value for name, value in spec.items() if name not in _ALLOCATED}
    if isinstance(ports := spec.get("ports"), list):
        rest["ports"] = [_without_assigned(port) for port in ports]
    return {**sent, "spec": rest}


def defaulted_keys(sent: Body, found: LeftItem) -> Iterator[tuple[str, Any, Any]]:
    """Yield the key parts that a declared item leaves to the API server: pointer into `sent`, old and new value."""
    ours = pointer.follow(sent, found.instead)
    for name, value in orjson.loads(found.steps[-1][2:]).items():
        default = owned_paths.DEFAULTS.get(name)
        if name not in ours and value != default:
            yield pointer.extend(found.instead, name), value, default


def _without_assigned(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return item
    return {name: value for name, value in item.items() if name not in _ASSIGNED}


class _EditWalk:
    """One walk through what is sent, the live object, and all entries of its `managedFields` together."""

    def __init__(self, manager: str) -> None:
        self._manager = manager

    def below(self, sent: Any, live: Any, held: Sequence[_HeldBy], place: _Reached) -> Iterator[LeftItem]:
        if isinstance(sent, Mapping) and isinstance(live, Mapping):
            under = _by_step(held)
            for key in sent.keys() & live.keys():
                there = _Reached(
                    pointer.extend(place.sent, key),
                    pointer.extend(place.live, key),
                    (*place.steps, f"f:{key}"),
                )
                yield from self.below(sent[key], live[key], under.get(f"f:{key}", ()), there)
        elif isinstance(sent, list) and isinstance(live, list):
            yield from self._items(sent, live, held, place)

    def _items(
        self, sent: list[Any], live: list[Any], held: Sequence[_HeldBy], place: _Reached
    ) -> Iterator[LeftItem]:
        under = _by_step(held)
        steps = item_match.item_steps(live, under)
        ours: Node = next((each.node for each in held if self._is_ours(each)), {})
        match = ItemMatch(steps, ours)
        matched = {index: match.place(item) for index, item in enumerate(sent)}
        missing = [index for index, found in matched.items() if found is None]
        taken = set(matched.values())
        remaining = {
            index: who
            for index, step in steps.items()
            if index not in taken and (who := self._left_by(under[step]))
        }
        if missing:
            yield from self._told(sent, live, (missing, remaining, steps), place)
        for index, found in matched.items():
            if found is not None:
                there = _Reached(
                    pointer.extend(place.sent, index),
                    pointer.extend(place.live, found),
                    (*place.steps, steps[found]),
                )
                yield from self.below(sent[index], live[found], under[steps[found]], there)

    def _told(
        self,
        sent: list[Any],
        live: list[Any],
        found: tuple[list[int], Mapping[int, Body], Mapping[int, str]],
        place: _Reached,
    ) -> Iterator[LeftItem]:
        missing, remaining, steps = found
        likest = item_match.pairs(
            {index: sent[index] for index in missing}, {index: live[index] for index in remaining}
        )
        for index, entry in remaining.items():
            taken = likest.get(index)
            yield LeftItem(
                pointer.extend(place.live, index),
                place.sent,
                (*place.steps, steps[index]),
                live[index],
                str(entry.get("manager", "")),
                str(entry.get("time", "")),
                "" if taken is None else pointer.extend(place.sent, taken),
            )

    def _left_by(self, held: Sequence[_HeldBy]) -> Body | None:
        """Return the entry of the person who left an item; None if another field manager holds all of it, too."""
        holders = [each for each in held if ITSELF in each.node]
        if not holders or not all(each.is_persons for each in holders):
            return None
        return max((each.entry for each in holders), key=lambda entry: str(entry.get("time", "")))

    def _is_ours(self, held: _HeldBy) -> bool:
        return managed.is_applied_by(held.entry, self._manager)


def _by_step(held: Iterable[_HeldBy]) -> Mapping[str, Sequence[_HeldBy]]:
    """Return what is held one level below, by the step that leads there."""
    found: dict[str, list[_HeldBy]] = {}
    for each in held:
        for step, node in each.node.items():
            found.setdefault(step, []).append(_HeldBy(each.entry, node))
    return found


def _with(tree: Node, paths: Iterable[Sequence[str]]) -> Node:
    root: dict[str, Any] = orjson.loads(orjson.dumps(tree))
    for steps in paths:
        here = root
        for step in steps:
            here = here.setdefault(step, {})
        here.setdefault(ITSELF, {})
    return root


def _without(tree: Node, paths: Iterable[Sequence[str]]) -> Node:
    """Return a tree without what is at `paths` and without the levels that held nothing else."""
    cuts: dict[str, Any] = {}
    for steps in paths:
        here = cuts
        for step in steps:
            here = here.setdefault(step, {})
    return _cut(tree, cuts)


def _cut(tree: Node, cuts: Node) -> Node:
    kept: dict[str, Any] = {}
    for key, node in tree.items():
        if key not in cuts:
            kept[key] = node
        elif cuts[key] and (below := _cut(node, cuts[key])):
            kept[key] = below
    return kept
