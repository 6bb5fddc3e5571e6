"""Read objects whose events cannot be judged by metadata alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from towline import aio
from towline.model import ObjectRef

DOUBT_SECONDS = 8.0
"""Seconds from a doubtful event to the read: such events come in bursts, as in a rollout, and one read is enough."""

Verify = Callable[[Sequence[ObjectRef]], Awaitable[None]]
"""Reads objects and acts on what it finds; raises nothing but bugs."""


class Rechecks:
    """Collects objects for some seconds, and has them verified together.

    Args:
        verify: reads and judges objects.
        noted: is told of each object at once; it must not block.
        seconds: how long the first of them waits.
    """

    def __init__(
        self,
        verify: Verify,
        noted: Callable[[ObjectRef], None] = lambda _ref: None,
        seconds: float = DOUBT_SECONDS,
    ) -> None:
        self._verify = verify
        self._noted = noted
        self._seconds = seconds
        self._refs: dict[ObjectRef, None] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, ref: ObjectRef) -> None:
        """Add an object to those to verify."""
        self._refs[ref] = None
        self._noted(ref)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="doubts")

    async def aclose(self) -> None:
        """Stop verifying."""
        if self._task:
            await aio.end(self._task)

    async def _run(self) -> None:
        while self._refs:
            await asyncio.sleep(self._seconds)
            refs, self._refs = tuple(self._refs), {}
            await self._verify(refs)
