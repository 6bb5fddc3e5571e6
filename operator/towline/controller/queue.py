"""Run the passes of all repositories: one at a time for each, the soonest first, none waiting for another.

A trigger is a key and never data, so triggers may be lost, repeated and merged freely. The number of
passes at a time is not limited: what is scarce (processes, parsing, API requests) is limited and shared fairly where
it is used, and a pass that waits for a Git server holds nothing.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from towline import aio, log
from towline.model import Key
from towline.shares import behalf

Work = Callable[[Key], Awaitable[float | None]]
"""One pass: returns the seconds until the next one, infinity when it waits for a trigger, None when the repository is
gone."""

_log = log.logger(__name__)


@dataclass(slots=True)
class _Entry:
    due: float = math.inf
    running: asyncio.Task[None] | None = None
    again: float = math.inf
    began: float = -math.inf


class WorkQueue:
    """Runs `work` for each key when it is due, at most once at a time for one key.

    Args:
        work: one pass; see `Work`. It handles its own errors: what escapes it is a bug, is logged with its trace,
            and the key is tried again after `rescue` seconds.
        clock: monotonic seconds.
        may_interrupt: says whether the pass that runs for a key now may be cancelled.
    """

    def __init__(
        self,
        work: Work,
        clock: Callable[[], float],
        rescue: float = 60.0,
        may_interrupt: Callable[[Key], bool] = lambda _: False,
    ) -> None:
        self._work = work
        self._may_interrupt = may_interrupt
        self._clock = clock
        self._rescue = rescue
        self._entries: dict[Key, _Entry] = {}
        self._order: list[tuple[float, int, Key]] = []
        self._numbers = itertools.count()
        self._changed = asyncio.Event()
        self._running = False

    def wake(self, key: Key, apart: float = 0.0) -> None:
        """Run a pass now, or once more after the one that runs; but `apart` seconds after the last one began."""
        entry = self._entries.setdefault(key, _Entry())
        due = max(self._clock(), entry.began + apart)
        if entry.running:
            entry.again = min(entry.again, due)
        elif due < entry.due:
            self._plan(key, entry, due)

    def leave(self, key: Key) -> None:
        """Run a pass now for a repository that is being deleted, instead of one that only waits."""
        entry = self._entries.get(key)
        if entry and entry.running and self._may_interrupt(key):
            entry.running.cancel()
        self.wake(key)

    @property
    def known(self) -> frozenset[Key]:
        """Every repository that has a pass running or due, or waits for a trigger."""
        return frozenset(self._entries)

    @property
    def started(self) -> bool:
        """Whether passes run when they are due."""
        return self._running

    async def run(self) -> None:
        """Run passes until cancelled; the passes in flight are cancelled with it and waited for."""
        self._running = True
        try:
            while True:
                self._changed.clear()
                self._start_due()
                await self._sleep()
        finally:
            self._running = False
            await self._stop()

    def _plan(self, key: Key, entry: _Entry, due: float) -> None:
        entry.due = due
        heapq.heappush(self._order, (due, next(self._numbers), key))
        self._changed.set()

    def _soonest(self) -> float:
        """Return when the next pass is due, which is the first in order; forget what was planned anew since."""
        while self._order:
            due, _, key = self._order[0]
            entry = self._entries.get(key)
            if entry and not entry.running and entry.due == due:
                return due
            heapq.heappop(self._order)
        return math.inf

    def _start_due(self) -> None:
        now = self._clock()
        while self._soonest() <= now:
            _, _, key = heapq.heappop(self._order)
            entry = self._entries[key]
            entry.due, entry.began = math.inf, now
            entry.running = asyncio.create_task(self._pass(key, entry), name=f"reconcile {key}")

    async def _sleep(self) -> None:
        due = self._soonest()
        timeout = max(0.0, due - self._clock()) if due < math.inf else None
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _pass(self, key: Key, entry: _Entry) -> None:
        wait: float | None = self._rescue
        try:
            with behalf.of(key):
                wait = await self._work(key)
        except Exception:  # noqa: BLE001  a whole pass: a bug in one repository must not end the others
            _log.exception("reconciliation failed", repository=str(key))
        finally:
            entry.running = None
            self._plan_next(key, entry, wait)

    def _plan_next(self, key: Key, entry: _Entry, wait: float | None) -> None:
        due = min(entry.again, math.inf if wait is None else self._clock() + wait)
        entry.again = math.inf
        if due < math.inf:
            self._plan(key, entry, due)
        elif wait is None:
            del self._entries[key]

    async def _stop(self) -> None:
        await aio.end(*(entry.running for entry in self._entries.values() if entry.running))
