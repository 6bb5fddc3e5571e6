"""Say which kinds cannot be read, why, and what waits for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from towline import text
from towline.model import GroupKind, ObjectRef

_NAMED = 3
_CAUSE_BYTES = 690
"""Bytes for all causes together: the API server puts the cause at the end of a long sentence."""


def sentence(unreadable: Mapping[GroupKind, str], waiting: Sequence[ObjectRef] = ()) -> str:
    """Say which kinds cannot be read, and why, and that their objects alone wait; empty where all can be read.

    Args:
        unreadable: each kind with the API server's words, or Towline's own.
        waiting: the declared objects of these kinds.
    """
    if not unreadable:
        return ""
    first = sorted(unreadable)[:_NAMED]
    room = _CAUSE_BYTES // len(first)
    named = [f"{kind}: {text.printable(unreadable[kind], room)}" for kind in first]
    more = len(unreadable) - len(named)
    told = "; ".join((*named, *([f"and {more} more"] if more else ())))
    objects = f" ({text.many(len(waiting), 'declared object')})" if waiting else ""
    return f"Cannot read {told}. Objects of these kinds{objects} wait, and none is pruned; other kinds go on"
