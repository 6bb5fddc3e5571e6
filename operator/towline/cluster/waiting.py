"""Waiting for the API server to finish something, with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

_FIRST = 0.05
_LONGEST = 1.0


async def until(check: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Ask `check` at growing intervals until it says yes, for at most `seconds`; return its last word."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    pause = _FIRST
    while not await check():
        if clock() + pause > end:
            return False
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST)
    return True
