"""When what is being created has been created: who listens before hears what was just said."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

QUIET_SECONDS = 0.2
"""So long after a write of a sync its next one has come."""

LONGEST_SECONDS = 4.0
"""So long the end of the writing is waited for, or its beginning: meanwhile others may change objects, too."""


class Lull:
    """The time since our last write.

    Args:
        clock: monotonic seconds.
        pause: waits a number of seconds.
    """

    def __init__(
        self, clock: Callable[[], float], pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._wrote_at = -math.inf

    def wrote(self) -> None:
        """Note that something was written just now."""
        self._wrote_at = self._clock()

    async def wait(self) -> None:
        """Return when something has been written from now on, and nothing more for a moment; or it takes too long."""
        begun = self._clock()
        while (now := self._clock()) < begun + LONGEST_SECONDS:
            if self._wrote_at >= begun and now - self._wrote_at >= QUIET_SECONDS:
                return
            await self._pause(QUIET_SECONDS)
