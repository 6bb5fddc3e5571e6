"""A gate that closes at one request: for stories that must happen between two of them."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Self

from e2e.faults.rules import About, Request


@dataclass(slots=True, eq=False, kw_only=True)
class Gate:
    """Lets `after` of the requests that are meant pass; the next one, and all that follow, are held until it opens.

    `acted` lets the first that is held reach the API server; it is its answer that is kept.
    """

    after: int
    acted: bool
    about: About
    _reached: threading.Event = field(default_factory=threading.Event)
    _open: asyncio.Event = field(default_factory=asyncio.Event)

    def reached(self, deadline: float = 30.0) -> bool:
        """Wait in another thread until a request is held; False where none came in so many seconds."""
        return self._reached.wait(deadline)

    def open(self) -> None:
        """Let everything go on."""
        self._open.set()

    async def opened(self) -> None:
        """Wait until it is open; say that something waits."""
        self._reached.set()
        await self._open.wait()

    async def holds(self, request: Request) -> Self | None:
        """Let a request pass, or hold it here; returns itself where the answer is to be held."""
        if self._open.is_set() or not self.about(request):
            return None
        self.after -= 1
        if self.after >= 0:
            return None
        if self.after == -1 and self.acted:
            return self
        await self.opened()
        return None
