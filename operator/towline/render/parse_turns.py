"""Let many threads parse fairly: few at a time, each for a moment, then whoever has waited longest."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SLICE = 0.05
"""Seconds that one thread parses before the next one has its turn."""


class ParseTurns:
    """Hands out the turns. Threads side by side share one interpreter: more of them only hold the event loop up.

    Args:
        width: how many threads have a turn at the same time.
        clock: monotonic seconds.
    """

    def __init__(self, *, width: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._free = width
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()  # for a few instructions, never while anything is parsed

    @contextmanager
    def one(self) -> Iterator[Callable[[], None]]:
        """Wait for a turn and have it for the block, which calls what is yielded often: it waits for the next turn."""
        self._wait()
        until = self._clock() + SLICE

        def give_way() -> None:
            nonlocal until
            if self._clock() < until:
                return
            if self._waiting:
                self._end()
                self._wait()
            until = self._clock() + SLICE

        try:
            yield give_way
        finally:
            self._end()

    def _wait(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            mine = threading.Event()
            self._waiting.append(mine)
        mine.wait()

    def _end(self) -> None:
        """Hand the turn to who has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
