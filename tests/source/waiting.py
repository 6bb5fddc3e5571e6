"""Waiting for a condition with a deadline, on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return when the condition is true; fail when it is not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  what other processes do fires no event here
            await asyncio.sleep(0.01)
