"""Limit requests in flight and share them fairly, so that a small repository never waits for a large one."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable
from contextlib import AbstractAsyncContextManager
from types import TracebackType


class Slots:
    """`limit` slots, given to waiting keys in turn, and in order of arrival within a key."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    def take(self, key: Hashable) -> AbstractAsyncContextManager[None]:
        """Hold one slot; never take a second one while holding the first."""
        return _Hold(self, key)

    async def acquire(self, key: Hashable) -> None:
        """Wait for a slot; the caller gives it back with `release`."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(key, turn)
            else:
                self.release()  # the slot was handed over in the very moment of the cancellation
            raise

    def release(self) -> None:
        """Hand the slot to the next in turn."""
        while self._waiting:
            key, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[key] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _forget(self, key: Hashable, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get(key, deque())
        if turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[key]


class _Hold(AbstractAsyncContextManager[None]):
    """One slot, while the block runs; written out because each request of thousands takes one."""

    def __init__(self, slots: Slots, key: Hashable) -> None:
        self._slots = slots
        self._key = key

    async def __aenter__(self) -> None:
        await self._slots.acquire(self._key)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.release()
