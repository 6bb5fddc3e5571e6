"""Draw a tree of objects: what is not well comes first, and nothing is shown twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from towline.plan import waves
from towline.read.live_tree.tree_object import TreeObject

SHOWN = 200
"""How many objects are drawn where not all are asked for."""


class Grouping(StrEnum):
    """What the branches of the tree are."""

    OWNERS = "owners"
    """Objects, and below each what it has made."""
    WAVES = "waves"
    """The order in which Towline writes them."""


class TreeRow(NamedTuple):
    """One row: an object, or the title of a branch; `indent` is drawn before it."""

    indent: str
    found: TreeObject | None = None
    title: str = ""


def rows(
    objects: Iterable[TreeObject], grouping: Grouping, *, everything: bool
) -> tuple[Sequence[TreeRow], int]:
    """Return the rows, and how many objects are left out of them.

    Args:
        objects: those that the repository declares.
        grouping: what the branches are.
        everything: whether all are drawn; otherwise the first 200, without what is idle.
    """
    found = ordered(objects)
    drawn = found if everything else found[:SHOWN]
    by_wave = grouping is Grouping.WAVES
    branches = _by_wave(drawn) if by_wave else _branches(drawn, "", everything=everything)
    return tuple(branches), len(found) - len(drawn)


def ordered(objects: Iterable[TreeObject]) -> list[TreeObject]:
    """Return objects in the order in which a person must see them: what is not well comes first."""
    return sorted(objects, key=_place)


def _by_wave(objects: Sequence[TreeObject]) -> Iterator[TreeRow]:
    numbers = sorted({each.wave or 0 for each in objects})
    for number in numbers:
        inside = [each for each in objects if (each.wave or 0) == number]
        yield TreeRow("", title=_title(number))
        for each, is_last in _with_last(inside):
            yield TreeRow("└─ " if is_last else "├─ ", each)


def _branches(objects: Sequence[TreeObject], before: str, *, everything: bool) -> Iterator[TreeRow]:
    """Yield objects, each followed by its children; `before` is what the branches above leave on the left."""
    for each, is_last in _with_last(objects):
        yield TreeRow(f"{before}{'└─ ' if is_last else '├─ '}", each)
        children = [child for child in each.children if everything or not child.is_idle or child.children]
        below = before + ("   " if is_last else "│  ")
        yield from _branches(sorted(children, key=_place), below, everything=everything)


def _with_last(objects: Sequence[TreeObject]) -> Iterator[tuple[TreeObject, bool]]:
    return ((each, index == len(objects) - 1) for index, each in enumerate(objects))


def _place(each: TreeObject) -> tuple[bool, str, str, str, str]:
    ref = each.ref
    return each.is_well, ref.namespace, ref.kind, ref.group, ref.name


def _title(number: int) -> str:
    """Return how a wave is called: `wave 5`, and where an annotation moves it `wave 5 of towline.dev/wave: 1`."""
    step = waves.step(number)
    place = number - step * 100
    return f"wave {place} of towline.dev/wave: {step}" if step else f"wave {place}"
