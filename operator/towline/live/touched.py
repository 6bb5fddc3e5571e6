"""Objects that somebody else has touched since anybody asked, by the label of their repository."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from towline.model import ObjectRef


class Touched:
    """What is to be looked at again; asking takes it out."""

    def __init__(self) -> None:
        self._refs: dict[str, set[ObjectRef]] = {}
        self._events: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def note(self, label: str, refs: Iterable[ObjectRef]) -> None:
        """Put objects down, once each."""
        self._refs.setdefault(label, set()).update(refs)
        if self._refs[label]:
            self._events[label].set()

    def take(self, label: str) -> frozenset[ObjectRef]:
        """Return what was put down, and forget it."""
        self._events.pop(label, None)
        return frozenset(self._refs.pop(label, ()))

    async def wait(self, label: str) -> None:
        """Wait until something is put down."""
        while not self._refs.get(label):
            await self._events[label].wait()
