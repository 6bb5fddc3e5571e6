"""Collect the objects that another client has changed, by the label of their repository, until they are taken."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from towline.model import ObjectRef


class Touched:
    """Objects that are to be looked at again, each once until `take` returns it."""

    def __init__(self) -> None:
        self._refs: dict[str, set[ObjectRef]] = {}
        self._events: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def note(self, label: str, refs: Iterable[ObjectRef]) -> None:
        """Add objects, each once."""
        self._refs.setdefault(label, set()).update(refs)
        if self._refs[label]:
            self._events[label].set()

    def waiting(self, label: str) -> frozenset[ObjectRef]:
        """Return the collected objects, and keep them."""
        return frozenset(self._refs.get(label, ()))

    def take(self, label: str) -> frozenset[ObjectRef]:
        """Return the collected objects, and forget them."""
        self._events.pop(label, None)
        return frozenset(self._refs.pop(label, ()))

    async def wait(self, label: str) -> None:
        """Wait until there is an object to take."""
        while not self._refs.get(label):
            await self._events[label].wait()
