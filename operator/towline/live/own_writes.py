"""Tell which events of a watch are older than the answer to Towline's own last write.

A watch tells the states of one object in order, but late. While a write is in flight, an event may be its echo or not;
after the answer, every event up to the echo tells of an older state than the answer. Versions are compared as numbers
only here, where both are of one object and one connection: a list after a lost connection is believed whatever it says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple

from towline.model import GroupKind, Live, ObjectRef

ECHO_SECONDS = 75.0
"""Seconds until an echo is given up: a watch that lags for so long counts as silent."""

DOUBT_SECONDS = 5.0
"""Seconds until an event is believed that may be older or newer than the answer."""


class Seen(NamedTuple):
    """One event: the object's state, None where it was deleted or lost Towline's label.

    `uid` is empty where an absence holds for every object of this name, not for one that was there before.
    `quiet` is set in the first list of a kind, for which those that need the kind wait anyway.
    """

    ref: ObjectRef
    uid: str
    live: Live | None
    quiet: bool = False


@dataclass(slots=True, kw_only=True)
class _Expected:
    """The state after Towline's last write, whose event is still to come, and the latest event that may be newer.

    `version` is empty after a deletion, `before` the version that was written over.
    """

    uid: str
    version: str
    before: str
    until: float
    latest: Seen | None = None
    latest_at: float = 0.0

    def is_echoed(self, seen: Seen) -> bool:
        """Tell whether an event is the echo, or one of a later write."""
        if seen.live is None:
            return not self.version and seen.uid in {"", self.uid}
        version = seen.live.resource_version
        return version == self.version or _is_later(version, self.version or self.before)

    def is_past(self, seen: Seen) -> bool:
        """Tell whether an event is certainly older than the write: a watch may lag for minutes."""
        if seen.live is None:
            return seen.uid not in {"", self.uid}
        version, written = seen.live.resource_version, self.version or self.before
        return version == self.before or _is_later(written, version)


@dataclass(slots=True)
class _Held:
    writers: int = 0
    events: list[Seen] = field(default_factory=list)


class Echoes:
    """Hands the events that tell something new to `judge`, in their order."""

    def __init__(self, judge: Callable[[Seen], None]) -> None:
        self._judge = judge
        self._held: dict[ObjectRef, _Held] = {}
        self._expected: dict[ObjectRef, _Expected] = {}
        self._timer: asyncio.TimerHandle | None = None

    def buffering(self, ref: ObjectRef) -> AbstractContextManager[None]:
        """Keep back the events of one object until the block ends."""
        return _Holding(self, ref)

    def hold(self, ref: ObjectRef) -> None:
        """Keep back the events of one object; each call needs one call of `release`."""
        self._held.setdefault(ref, _Held()).writers += 1

    def release(self, ref: ObjectRef) -> None:
        """Handle the events that were kept back, unless another write still holds them."""
        held = self._held[ref]
        held.writers -= 1
        if not held.writers:
            del self._held[ref]
            for seen in held.events:
                self.deliver(seen)

    def expect(self, ref: ObjectRef, before: Live | None, after: Live | None) -> None:
        """Note that Towline's own write led from `before`, the state that the watch told, to `after`."""
        if (before and before.resource_version) == (after and after.resource_version):
            return
        known = after or before
        loop = asyncio.get_running_loop()
        self._expected[ref] = _Expected(
            uid=known.uid if known else "",
            version=after.resource_version if after else "",
            before=before.resource_version if before else "",
            until=loop.time() + ECHO_SECONDS,
        )
        if self._timer is None:
            self._timer = loop.call_later(DOUBT_SECONDS, self._watch_time)

    def deliver(self, seen: Seen) -> None:
        """Take one event from a watch."""
        if held := self._held.get(seen.ref):
            held.events.append(seen)
        elif (expected := self._expected.get(seen.ref)) is None:
            self._judge(seen)
        elif expected.is_echoed(seen):
            del self._expected[seen.ref]
            self._judge(seen)
        elif not expected.is_past(seen):
            expected.latest, expected.latest_at = seen, asyncio.get_running_loop().time()

    def pending(self, kind: GroupKind) -> frozenset[ObjectRef]:
        """Return the objects of one kind with a write in flight, or an echo to come."""
        return frozenset(ref for ref in (*self._held, *self._expected) if ref.group_kind == kind)

    def relist(self, kind: GroupKind) -> None:
        """Stop waiting for echoes of this kind: a list begins, and it includes all writes that were answered."""
        for ref in [ref for ref in self._expected if ref.group_kind == kind]:
            del self._expected[ref]

    def close(self) -> None:
        """Stop waiting for any echo."""
        self._expected.clear()
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def give_up(self, now: float) -> None:
        """Stop waiting for the echoes that are overdue by the event loop's clock."""
        for ref, expected in list(self._expected.items()):
            if expected.latest and expected.latest_at + DOUBT_SECONDS <= now:
                del self._expected[ref]
                self.deliver(expected.latest._replace(uid=""))  # it is the last of those that were kept back
            elif expected.until <= now:
                del self._expected[ref]

    def _watch_time(self) -> None:
        """Give up what is overdue; one timer serves all echoes, as there are thousands."""
        loop = asyncio.get_running_loop()
        self.give_up(loop.time())
        self._timer = loop.call_later(DOUBT_SECONDS, self._watch_time) if self._expected else None


def _is_later(version: str, than: str) -> bool:
    """Compare two versions of one object; what is not a number is told by its echo alone."""
    return version.isdecimal() and than.isdecimal() and int(version) > int(than)


class _Holding(AbstractContextManager[None]):
    """The events of one object, kept back while the block runs; written out because each write does so."""

    def __init__(self, echoes: Echoes, ref: ObjectRef) -> None:
        self._echoes = echoes
        self._ref = ref

    def __enter__(self) -> None:
        self._echoes.hold(self._ref)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._echoes.release(self._ref)
