"""Kinds that cannot be read: which, why, and what waits for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from towline import text
from towline.model import GroupKind, ObjectRef

_NAMED = 3
_CAUSE_BYTES = 300


def sentence(unreadable: Mapping[GroupKind, str], waiting: Sequence[ObjectRef] = ()) -> str:
    """Say which kinds cannot be read, and why, and that their objects alone wait; empty where all can be read.

    Args:
        unreadable: each kind with the API server's words, or our own.
        waiting: the declared objects of these kinds.
    """
    if not unreadable:
        return ""
    named = [
        f"{kind}: {text.printable(unreadable[kind], _CAUSE_BYTES)}" for kind in sorted(unreadable)[:_NAMED]
    ]
    more = len(unreadable) - len(named)
    told = "; ".join((*named, *([f"and {more} more"] if more else ())))
    objects = f" ({text.many(len(waiting), 'declared object')})" if waiting else ""
    return f"Cannot read {told}. Objects of these kinds{objects} wait, and none is pruned; other kinds go on"
