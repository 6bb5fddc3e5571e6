"""Keep connections to one API server, with one set of credentials, for the next request."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from towline.http.connection import BrokenError, Connection
from towline.kube.connect import dial
from towline.kube.credentials import Access

CONNECTIONS = 48
"""Connections at a time, without streams: more than the requests about objects that may hang at the same time."""

IDLE_SECONDS = 15.0
"""Seconds for which an idle connection is reused; servers and load balancers close it some time."""

WAIT_SECONDS = 30.0
"""How long a request waits until one of the connections is free."""


class Pool:
    """Lends connections: one from `take` goes back by `give`, one from `dial` ends by `drop`.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._idle: deque[tuple[float, Connection]] = deque()
        self._open: set[Connection] = set()

    async def take(self, access: Access) -> Connection:
        """Return an idle connection; raises BrokenError where none can be had."""
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()
        self._expire()
        while self._idle:
            _, connection = self._idle.pop()
            if connection.reusable:
                return connection
            self.drop(connection)
        try:
            return await self.dial(access)
        except BaseException:
            self._free.release()
            raise

    def give(self, connection: Connection) -> None:
        """Take a connection back, and keep it where it can be used again."""
        self._free.release()
        if connection.reusable:
            self._idle.append((self._clock(), connection))
        else:
            self.drop(connection)

    async def dial(self, access: Access) -> Connection:
        """Open a connection for a stream, which is not counted; raises BrokenError where that fails."""
        connection = await dial(access)
        self._open.add(connection)
        return connection

    def drop(self, connection: Connection) -> None:
        """End a connection."""
        self._open.discard(connection)
        connection.abort()

    def retire(self) -> None:
        """Reuse none of the connections: they were opened with credentials that are refused now."""
        for connection in self._open:
            connection.retire()

    def close(self) -> None:
        """End all connections."""
        self._idle.clear()
        for connection in tuple(self._open):
            self.drop(connection)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise BrokenError("all connections were in use for too long", sent=False) from error

    def _expire(self) -> None:
        oldest = self._clock() - IDLE_SECONDS
        while self._idle and self._idle[0][0] < oldest:
            self.drop(self._idle.popleft()[1])
