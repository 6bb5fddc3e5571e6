"""Wait for a slot: for a child process, a request, a name lookup."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from towline.model import Key
from towline.shares.holds import Holds, Share
from towline.shares.line import Line
from towline.shares.usage import Usage


class Slots:
    """Gives slots to repositories by the rules of `Holds`, to those who wait in the order of `Line`.

    Args:
        share: how many slots there are.
        clock: monotonic seconds.
        usage: is told of each turn, and knows who used much.
    """

    def __init__(self, share: Share, clock: Callable[[], float], usage: Usage | None = None) -> None:
        self._clock = clock
        self._holds = Holds(share, usage)
        self._line: Line[asyncio.Future[int]] = Line()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds a slot or waits for one."""
        return not len(self._holds) and not self._line

    def take(self, key: Key) -> AbstractAsyncContextManager[None]:
        """Hold a slot while the block runs; never take a second one while you hold the first."""
        return _Slot(self, key)

    def at_once(self, key: Key) -> int | None:
        """Return the number of a slot, which `end` takes; None where one has to wait for it."""
        now = self._clock()
        return self._holds.take(key, now) if not self._line and self._holds.may(key, now) else None

    async def begin(self, key: Key) -> int:
        """Wait for a slot; return its number, which `end` takes."""
        if (number := self.at_once(key)) is not None:
            return number
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._line.put(key, turn)
        self._give()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.end(turn.result())  # the slot came in the very moment of the cancellation
            self._line.drop(key, turn)
            raise

    def end(self, number: int) -> None:
        """Give a slot back; who waits next has it."""
        self._holds.give(number, self._clock())
        if self._line:
            self._give()

    def _give(self) -> None:
        """Give slots to those who may have one, and look again when one that is held has become slow."""
        now = self._clock()
        while found := self._line.take(self._holds, now):
            key, turn = found
            if not turn.done():
                turn.set_result(self._holds.take(key, now))
        if self._line and self._timer is None and (wait := self._holds.next_change(now)) < float("inf"):
            self._timer = asyncio.get_running_loop().call_later(wait, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._line:
            self._give()


class _Slot(AbstractAsyncContextManager[None]):
    """One slot, while the block runs; written out because each request of thousands takes one."""

    def __init__(self, slots: Slots, key: Key) -> None:
        self._slots = slots
        self._key = key
        self._number = 0

    async def __aenter__(self) -> None:
        self._number = await self._slots.begin(self._key)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.end(self._number)
