"""Which events of a watch are older than the answer to our own last write.

A watch tells the states of one object in order, but late: while a write is in flight nobody can say whether
an event is its echo, and after the answer every event up to the echo tells of a state that the answer has
overtaken. Versions are compared for equality alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from towline.model import GroupKind, Live, ObjectRef

ECHO_SECONDS = 5.0
"""An echo that takes longer never comes: the list after a broken connection has overtaken it."""


class Seen(NamedTuple):
    """One event: the object's state, None where it was deleted or lost our label.

    `uid` is empty where an absence holds for every object of this name, not for one that was there before.
    `quiet` is set in the first list of a kind: whoever needs the kind is waiting for the list anyway.
    """

    ref: ObjectRef
    uid: str
    live: Live | None
    quiet: bool = False


@dataclass(slots=True, kw_only=True)
class _Expected:
    """The state that our last write left, whose event is still to come, and the latest event before it."""

    uid: str
    version: str
    timer: asyncio.TimerHandle
    latest: Seen | None = None

    def is_echoed(self, seen: Seen) -> bool:
        if seen.live is None:
            return not self.version and seen.uid in {"", self.uid}
        return seen.live.resource_version == self.version


@dataclass(slots=True)
class _Held:
    writers: int = 0
    events: list[Seen] = field(default_factory=list)


class Echoes:
    """Passes on the events that tell something new, to `judge`, in their order."""

    def __init__(self, judge: Callable[[Seen], None]) -> None:
        self._judge = judge
        self._held: dict[ObjectRef, _Held] = {}
        self._expected: dict[ObjectRef, _Expected] = {}

    @contextmanager
    def held(self, ref: ObjectRef) -> Iterator[None]:
        """Keep back the events of one object until the block ends."""
        held = self._held.setdefault(ref, _Held())
        held.writers += 1
        try:
            yield
        finally:
            held.writers -= 1
            if not held.writers:
                del self._held[ref]
                for seen in held.events:
                    self.deliver(seen)

    def expect(self, ref: ObjectRef, before: Live | None, after: Live | None) -> None:
        """Note that our own write led from `before`, the state that the watch told, to `after`."""
        if (before and before.resource_version) == (after and after.resource_version):
            return
        self._cancel(ref)
        known = after or before
        timer = asyncio.get_running_loop().call_later(ECHO_SECONDS, self._give_up, ref)
        self._expected[ref] = _Expected(
            uid=known.uid if known else "", version=after.resource_version if after else "", timer=timer
        )

    def deliver(self, seen: Seen) -> None:
        """Take one event from a watch."""
        if held := self._held.get(seen.ref):
            held.events.append(seen)
        elif (expected := self._expected.get(seen.ref)) is None:
            self._judge(seen)
        elif expected.is_echoed(seen):
            self._cancel(seen.ref)
            self._judge(seen)
        else:
            expected.latest = seen

    def pending(self, kind: GroupKind) -> frozenset[ObjectRef]:
        """Return the objects of one kind with a write in flight, or an echo to come."""
        return frozenset(ref for ref in (*self._held, *self._expected) if ref.group_kind == kind)

    def relist(self, kind: GroupKind) -> None:
        """Wait for no echo of this kind any more: a list begins, and it tells all that was answered."""
        for ref in [ref for ref in self._expected if ref.group_kind == kind]:
            self._cancel(ref)

    def close(self) -> None:
        """Wait for nothing any more."""
        for ref in list(self._expected):
            self._cancel(ref)

    def _cancel(self, ref: ObjectRef) -> None:
        if expected := self._expected.pop(ref, None):
            expected.timer.cancel()

    def _give_up(self, ref: ObjectRef) -> None:
        expected = self._expected.pop(ref)
        if expected.latest:
            self.deliver(expected.latest._replace(uid=""))  # it stands for all the events that were kept back
