"""Objects that were gone again seconds after our own write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from towline.model import Live, ObjectRef

SECONDS = 30.0
"""So soon after our write, the control plane may have removed what it found without its partner."""


class ShortLived:
    """Remembers who lived how long, for objects of all repositories.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._written: dict[ObjectRef, float] = {}
        self._gone: dict[str, set[ObjectRef]] = defaultdict(set)

    def wrote(self, live: Live) -> None:
        """Note a write of ours; what went after an earlier one is there again."""
        self._written.pop(live.ref, None)  # the oldest write stands first
        self._written[live.ref] = self._clock()
        self._gone[live.label].discard(live.ref)
        self._forget()

    def went(self, live: Live) -> None:
        """Note that an object is gone; it counts where our last write of it was a few seconds ago."""
        self._forget()
        if live.ref in self._written:
            self._gone[live.label].add(live.ref)
        else:
            self._gone[live.label].discard(live.ref)

    def of(self, label: str) -> frozenset[ObjectRef]:
        """Return the objects of one repository that went within seconds, and were not written again."""
        return frozenset(self._gone.get(label, ()))

    def _forget(self) -> None:
        """Forget the writes that are too long ago; writes are many, and each is looked at once."""
        since = self._clock() - SECONDS
        while self._written:
            ref, written_at = next(iter(self._written.items()))
            if written_at > since:
                return
            del self._written[ref]
