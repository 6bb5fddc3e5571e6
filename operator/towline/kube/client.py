"""Send requests to the API server, repeated where that is safe, and read streams of watch events."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from types import TracebackType
from typing import Any, Self

import towline
from towline.errors import ApiError, ClusterError
from towline.http.connection import BrokenError, Connection, Reply
from towline.kube import calls, credentials
from towline.kube.calls import Answer, Call, UnansweredError
from towline.kube.credentials import Access
from towline.kube.pool import Pool
from towline.model import Body, Key
from towline.shares import pools

IN_FLIGHT = pools.REQUESTS
"""Requests about managed objects at a time."""

TOKEN_SECONDS = 60.0
"""How long the value of the Authorization header is kept before its source is asked again."""


class Client:
    """The client of the API server that the whole process shares.

    Args:
        load: reads configuration and credentials; runs in a thread, at first use and after a 401.
        user_agent: of requests that bring none of their own.
        jitter: random numbers from 0 to 1.
        seconds_left: for how long this process may still write, asked before each request that is no GET.
        patience: seconds after the first attempt of a request in which another may begin.
        clock: monotonic seconds; cheaper than the event loop's, which matters because each request asks several times.
    """

    def __init__(  # noqa: PLR0913  who it is, and clocks and chance as arguments
        self,
        load: Callable[[], Access],
        *,
        user_agent: str = f"towline/{towline.__version__}",
        jitter: Callable[[], float] = random.random,
        seconds_left: Callable[[], float] = lambda: math.inf,
        patience: float = calls.RETRY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._user_agent = user_agent
        self._jitter = jitter
        self._seconds_left = seconds_left
        self._clock = clock
        self._patience = patience
        self._slots = pools.requests(clock)
        self._pool = Pool(clock)
        self._access: Access | None = None
        self._authorization = ""
        self._authorized_at = 0.0
        self._renewing = asyncio.Lock()
        self._date = ("", 0.0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; streams that are open end with an error."""
        self._pool.close()
        await asyncio.sleep(0)  # the loop says to each that it is over

    def server_date(self) -> tuple[str, float]:
        """Return the `Date` of the newest answer, empty before the first, and when it came, in monotonic seconds."""
        return self._date

    async def request(  # noqa: PLR0913  the parts of one HTTP request
        self,
        verb: str,
        path: str,
        *,
        query: calls.Query | None = None,
        body: Body | bytes | list[Any] | None = None,
        content_type: str = calls.JSON,
        accept: str = calls.JSON,
        user_agent: str | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109  one attempt's share; callers that want a total wrap the call
        key: Key | None = None,
    ) -> Answer:
        """Send one request, repeat it where that is safe, and return its answer.

        Args:
            verb: the HTTP method.
            path: from the root, not quoted.
            query: not quoted.
            body: JSON, or bytes as they are sent.
            content_type: of the body; it says which kind of patch this is.
            accept: which encoding of the answer.
            user_agent: names the commit in the API server's audit log.
            timeout: seconds for one answer; a connection and credentials have deadlines of their own.
            key: each attempt waits for a turn of this repository.

        Raises:
            ApiError: the server refused.
            FencedError: this process does not lead, so it may not write.
            ClusterError: no answer, or no valid credentials. The server may have acted on a POST.
        """
        call = Call(
            verb=verb,
            path=path,
            query=query or {},
            body=calls.encoded(body),
            content_type=content_type,
            accept=accept,
            user_agent=user_agent or self._user_agent,
            timeout=timeout,
            key=key,
        )
        return await self._persist(call)

    async def found(self, path: str, *, accept: str = calls.JSON) -> dict[str, Any] | None:
        """Read one object, or None where the server has nothing at that path: no such object, or no such kind.

        Raises:
            ApiError: the server refused for another reason.
            ClusterError: no answer.
        """
        try:
            return (await self.request("GET", path, accept=accept)).body
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    async def pages(
        self, path: str, query: calls.Query, *, accept: str = calls.JSON
    ) -> AsyncIterator[dict[str, Any]]:
        """List a collection page by page, each with its `items` and `metadata`; other tasks run in between.

        Args:
            path: of the collection.
            query: says by `limit` how many objects a page holds at most.
            accept: which encoding of the pages.

        Raises:
            ApiError: the server refused a page; one that took too long to ask for is a 410.
            ClusterError: no answer.
        """
        following = ""
        while True:
            asked = {**query, "continue": following} if following else query
            page = (await self.request("GET", path, query=asked, accept=accept)).body
            following = page["metadata"].get("continue") or ""
            yield page
            if not following:
                return
            del page  # or two pages would be in memory at once
            await asyncio.sleep(0)

    @asynccontextmanager
    async def stream(
        self, path: str, query: calls.Query, *, accept: str = calls.JSON
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Open a watch and yield its events, until the server ends it or the block is left.

        Entering the block means that the server has accepted the watch. The caller must notice silence: there is no
        deadline here, neither for the acceptance nor for the next event.

        Raises:
            ApiError: the watch was refused; what goes wrong later comes as an ERROR event.
            ClusterError: the connection failed.
        """
        async with self.text(path, query, accept=accept) as chunks, aclosing(calls.events(chunks)) as events:
            yield events

    @asynccontextmanager
    async def text(
        self, path: str, query: calls.Query, *, accept: str = "*/*"
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open an answer that comes in pieces, such as a log, and yield them; deadlines are those of `stream`: none.

        Raises:
            ApiError: the server refused.
            ClusterError: the connection failed.
        """
        call = Call(verb="GET", path=path, query=query, accept=accept, user_agent=self._user_agent)
        try:
            async with self._opened(call) as connection, aclosing(connection.chunks()) as chunks:
                yield chunks
        except BrokenError as error:
            raise _unanswered(call, error) from error

    async def _persist(self, call: Call) -> Answer:
        last = self._clock() + self._patience
        attempt = 0
        while True:
            try:
                return await self._in_turn(call)
            except ClusterError as error:
                wait = calls.pause(call, error, attempt, self._jitter())
                if wait is None or self._clock() + wait > last:
                    raise
            await asyncio.sleep(wait)
            attempt += 1

    async def _in_turn(self, call: Call) -> Answer:
        if call.key is None:
            return await self._attempt(call)
        async with self._slots.take(call.key):
            return await self._attempt(call)

    async def _attempt(self, call: Call) -> Answer:
        self._check_fence(call)  # no write waits for a connection when others may write
        try:
            reply = await self._replied(call)
        except BrokenError as error:
            raise _unanswered(call, error) from error
        self._date = (reply.first(b"date"), self._clock())
        if not 200 <= reply.status < 300:
            raise _refusal(reply)
        return await calls.answer(reply.status, reply.content, reply.all(b"warning"))

    async def _replied(self, call: Call) -> Reply:
        """Return what the server replies, after a 401 to fresh credentials."""
        access = self._access or await self._renew(None)
        reply = await self._exchanged(call, access)
        if reply.status == 401:
            reply = await self._exchanged(call, await self._renew(access))
        return reply

    async def _exchanged(self, call: Call, access: Access) -> Reply:
        request = await self._written(call, access)
        connection = await self._pool.take(access)
        try:
            # The fence once more, as the bytes leave: the process may have been stopped.
            return await connection.exchange(request, min(call.timeout, self._check_fence(call)))
        finally:
            self._pool.give(connection)

    @asynccontextmanager
    async def _opened(self, call: Call) -> AsyncIterator[Connection]:
        """Open a stream on a connection of its own, as idle ones may be dead by now; a refusal is an error."""
        access = self._access or await self._renew(None)
        for last in (False, True):
            connection = await self._pool.dial(access)
            try:
                reply = await connection.open(await self._written(call, access))
                if 200 <= reply.status < 300:
                    yield connection
                    return
                if last or reply.status != 401:
                    reply.content = b"".join([chunk async for chunk in connection.chunks()])
                    raise _refusal(reply)
            finally:
                self._pool.drop(connection)
            access = await self._renew(access)

    def _check_fence(self, call: Call) -> float:
        """Return for how many seconds this may still be sent; raises FencedError where it may not."""
        if call.verb == "GET":
            return math.inf
        left = self._seconds_left()
        if left <= 0:
            raise calls.FencedError(f"{call.verb} {call.path} was not sent: this operator does not lead")
        return left

    async def _written(self, call: Call, access: Access) -> bytes:
        """Return a request as it is sent; reading a token may take its time."""
        if self._is_dated():
            async with self._renewing:
                if self._is_dated():  # nobody else has asked meanwhile
                    await self._authorize(access)
        return calls.written(call, access.host, self._authorization, access.impersonated.headers())

    def _is_dated(self) -> bool:
        return self._clock() - self._authorized_at > TOKEN_SECONDS

    async def _renew(self, refused: Access | None) -> Access:
        """Load the credentials, unless another request has replaced the refused ones meanwhile."""
        async with self._renewing:
            if self._access is None or self._access is refused:
                self._access = await credentials.threaded(self._load)
                self._pool.retire()
                await self._authorize(self._access)
            return self._access

    async def _authorize(self, access: Access) -> None:
        self._authorization = await credentials.threaded(access.authorization)
        self._authorized_at = self._clock()


def _unanswered(call: Call, error: BrokenError) -> UnansweredError:
    return UnansweredError(f"{call.verb} {call.path}: {error.reason}", sent=error.sent)


def _refusal(reply: Reply) -> ClusterError:
    if reply.status == 401:
        return ClusterError("the API server rejects the credentials")
    return calls.refusal(reply.status, reply.content, reply.first(b"retry-after"))
