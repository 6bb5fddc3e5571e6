"""In which turn objects take what others let go: chains from their end, circles by setting one object aside."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from towline.model import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The turn of each object, from 1, and the objects that let go before their own turn by taking another value.

    `stuck` are those that wait for each other, and cannot let go.
    """

    turn: Mapping[ObjectRef, int]
    aside: frozenset[ObjectRef] = frozenset()
    stuck: frozenset[ObjectRef] = frozenset()


def arranged(givers: Mapping[ObjectRef, frozenset[ObjectRef]], movable: Collection[ObjectRef]) -> Turns:
    """Order objects so that each comes after those whose values it takes.

    Args:
        givers: what each object waits for; who is no key of it lets go by itself.
        movable: the objects that can be set aside.
    """
    left, turn, aside = dict(givers), dict[ObjectRef, int](), set[ObjectRef]()
    number = 0
    while left:
        number += 1
        free = [ref for ref, waits in left.items() if not (waits & left.keys()) - aside]
        for ref in free:
            turn[ref] = number
            del left[ref]
        if free or not left:
            continue
        circle = [ref for ref in sorted(left) if ref in movable and ref not in aside and _returns(ref, left)]
        if not circle:
            return Turns(turn=turn, aside=frozenset(aside), stuck=frozenset(left))
        aside.add(circle[0])
    return Turns(turn=turn, aside=frozenset(aside))


def _returns(start: ObjectRef, givers: Mapping[ObjectRef, frozenset[ObjectRef]]) -> bool:
    """Tell whether an object waits, through others, for itself."""
    todo, seen = list(givers[start]), set[ObjectRef]()
    while todo:
        ref = todo.pop()
        if ref == start:
            return True
        if ref not in seen:
            seen.add(ref)
            todo += givers.get(ref, ())
    return False
