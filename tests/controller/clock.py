"""A clock that only those who wait move."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Time:
    """Passes when somebody waits, and only then; `passed` is called each time, before they go on."""

    now: float = 1000.0
    passed: Callable[[], None] = lambda: None

    async def pause(self, seconds: float) -> None:
        self.now += seconds
        self.passed()
        await asyncio.sleep(0)
