"""Objects that must be read before anybody can say what an event about them means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from towline import aio
from towline.model import ObjectRef

DOUBT_SECONDS = 8.0
"""Doubtful events come in bursts (a rollout, a controller at work); what they left is read once, so much later."""

Verify = Callable[[Sequence[ObjectRef]], Awaitable[None]]
"""Reads objects and acts on what it finds; raises nothing but bugs."""


class Rechecks:
    """Collects objects and has them verified, all that came in meanwhile together.

    Args:
        verify: does it.
        seconds: how long the first of them waits.
    """

    def __init__(self, verify: Verify, seconds: float = DOUBT_SECONDS) -> None:
        self._verify = verify
        self._seconds = seconds
        self._refs: dict[ObjectRef, None] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, ref: ObjectRef) -> None:
        """Put an object down."""
        self._refs[ref] = None
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="doubts")

    async def aclose(self) -> None:
        """Verify nothing any more."""
        if self._task:
            await aio.end(self._task)

    async def _run(self) -> None:
        while self._refs:
            await asyncio.sleep(self._seconds)
            refs, self._refs = tuple(self._refs), {}
            await self._verify(refs)
