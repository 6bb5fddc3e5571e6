"""The API server over HTTP: requests that are repeated where that is safe, and streams of watch events."""

from __future__ import annotations

import asyncio
import functools
import math
import os
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from types import TracebackType
from typing import Any, Self

import aiohttp
import yarl

import towline
from towline.cluster import calls, credentials
from towline.cluster.calls import Answer, Call, UnansweredError
from towline.cluster.credentials import Access
from towline.cluster.slots import Slots
from towline.errors import ClusterError
from towline.model import Body, Key

IN_FLIGHT = 16
"""Requests about managed objects at a time; more was measured to lengthen the waiting alone."""

CONNECTIONS = 64
CONNECT_SECONDS = 10.0
TOKEN_SECONDS = 60.0
"""How long the value of the Authorization header is kept before its source is asked again."""

_FAILURES = (aiohttp.ClientError, TimeoutError, OSError)
"""What a request may end with in the place of an answer."""


class _Body(aiohttp.BytesPayload):
    """A body that checks once more, when its bytes and the headers leave: the process may have been stopped."""

    def __init__(self, content: bytes, seconds_left: Callable[[], float]) -> None:
        super().__init__(content)
        self._seconds_left = seconds_left

    async def write_with_length(
        self, writer: aiohttp.abc.AbstractStreamWriter, content_length: int | None
    ) -> None:
        if self._seconds_left() <= 0:
            raise calls.FencedError("not sent: this operator leads no more")
        await super().write_with_length(writer, content_length)


class Client:
    """One API server, for everybody in the process.

    Args:
        load: reads configuration and credentials; runs in a thread, at first use and after a 401.
        user_agent: stands in requests that bring none of their own.
        jitter: random numbers from 0 to 1.
        seconds_left: for how long this process may still write, asked before each request that is no GET.
    """

    def __init__(
        self,
        load: Callable[[], Access],
        *,
        user_agent: str = f"towline/{towline.__version__}",
        jitter: Callable[[], float] = random.random,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._load = load
        self._user_agent = user_agent
        self._jitter = jitter
        self._seconds_left = seconds_left
        self._slots = Slots(IN_FLIGHT)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._access: Access | None = None
        self._authorization = ""
        self._authorized_at = 0.0
        self._renewing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; streams that are open end with an error."""
        while self._sessions:
            _, session = self._sessions.popitem()
            await session.close()

    def slot(self, key: Key) -> AbstractAsyncContextManager[None]:
        """Hold one of the slots in flight; never ask for another (`request(key=…)`) while holding it."""
        return self._slots.take(key)

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
        """Send one request, again where that cannot do harm, and return its answer.

        Args:
            verb: the HTTP method.
            path: from the root, not quoted.
            query: not quoted.
            body: JSON, or bytes as they are sent.
            content_type: of the body; it says which kind of patch this is.
            accept: which encoding of the answer.
            user_agent: names the commit in the API server's audit log.
            timeout: seconds for one attempt.
            key: takes a slot of this repository for each attempt.

        Raises:
            ApiError: the server refused.
            FencedError: this process may not write (any more).
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

    @asynccontextmanager
    async def stream(
        self, path: str, query: calls.Query, *, accept: str = calls.JSON
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Open a watch and give its events, until the server ends it or the block is left.

        Entering means that the server has accepted the watch. It is the caller who notices silence: neither
        the acceptance nor the next event is waited for with a deadline here.

        Raises:
            ApiError: the watch was refused; what goes wrong later comes as an ERROR event.
            ClusterError: the connection failed.
        """
        agent = self._user_agent
        call = Call(verb="GET", path=path, query=query, accept=accept, user_agent=agent, timeout=None)
        try:
            async with (
                await self._accepted(call) as response,
                aclosing(calls.events(response.content.iter_any())) as events,
            ):
                yield events
        except _FAILURES as error:
            raise _unanswered(call, error) from error

    async def _persist(self, call: Call) -> Answer:
        clock = asyncio.get_running_loop().time
        last = clock() + calls.RETRY_SECONDS
        attempt = 0
        while True:
            try:
                return await self._in_turn(call)
            except ClusterError as error:
                wait = calls.pause(call, error, attempt, self._jitter())
                if wait is None or clock() + wait > last:
                    raise
            await asyncio.sleep(wait)
            attempt += 1

    async def _in_turn(self, call: Call) -> Answer:
        if call.key is None:
            return await self._attempt(call)
        async with self._slots.take(call.key):
            return await self._attempt(call)

    async def _attempt(self, call: Call) -> Answer:
        try:
            async with await self._accepted(call) as response:
                content = await response.read()
        except _FAILURES as error:
            raise _unanswered(call, error) from error
        return calls.answer(response.status, content, response.headers.getall("Warning", ()))

    async def _accepted(self, call: Call) -> aiohttp.ClientResponse:
        """Open the response, after a 401 once more with fresh credentials; a refusal is an ApiError."""
        access = self._access or await self._renew(None)
        response = await self._open(call, access)
        if response.status == 401:
            response.release()
            response = await self._open(call, await self._renew(access))
        if not 200 <= response.status < 300:
            async with response:
                raise await _refusal(response)
        return response

    async def _open(self, call: Call, access: Access) -> aiohttp.ClientResponse:
        headers = await self._headers(call, access)  # before the fence: it may take its time
        return await self._session(call).request(
            call.verb,
            yarl.URL(access.host + call.target, encoded=True),
            data=_Body(call.body, self._seconds_left) if call.body is not None else None,
            headers=headers,
            timeout=_timeout(self._fenced(call)),
            ssl=access.tls,
            server_hostname=access.server_name or None,
            proxy=access.proxy or None,
            allow_redirects=False,
        )

    def _fenced(self, call: Call) -> float | None:
        """Return the seconds for an attempt: no write begins, or waits for a connection, when others may write."""
        if call.verb == "GET" or call.timeout is None:
            return call.timeout
        left = self._seconds_left()
        if left <= 0:
            raise calls.FencedError(f"{call.verb} {call.path} was not sent: this operator does not lead")
        return min(call.timeout, left)

    async def _headers(self, call: Call, access: Access) -> dict[str, str]:
        if asyncio.get_running_loop().time() - self._authorized_at > TOKEN_SECONDS:
            await self._authorize(access)
        headers = {"Accept": call.accept, "Accept-Encoding": "identity", "User-Agent": call.user_agent}
        if call.body is not None:
            headers["Content-Type"] = call.content_type
        if self._authorization:
            headers["Authorization"] = self._authorization
        return headers

    async def _renew(self, refused: Access | None) -> Access:
        """Load the credentials, unless somebody else has replaced the refused ones meanwhile."""
        async with self._renewing:
            if self._access is None or self._access is refused:
                self._access = await credentials.threaded(self._load)
                await self._authorize(self._access)
            return self._access

    async def _authorize(self, access: Access) -> None:
        self._authorization = await credentials.threaded(access.authorization)
        self._authorized_at = asyncio.get_running_loop().time()

    def _session(self, call: Call) -> aiohttp.ClientSession:
        """Return the connections for `call`; a stream gets a new one, as idle ones may be dead by now."""
        streams = call.timeout is None
        if streams not in self._sessions:
            limit = 0 if streams else CONNECTIONS
            connector = aiohttp.TCPConnector(limit=limit, force_close=streams, socket_factory=_socket)
            self._sessions[streams] = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._sessions[streams]


def session(access: Access, authorization: str) -> aiohttp.ClientSession:
    """Open a session for somebody else who speaks to the same API server as the same user; who asks, closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=access.tls, socket_factory=_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Authorization": authorization} if authorization else None,
        proxy=access.proxy or None,
    )


def _unanswered(call: Call, error: Exception) -> UnansweredError:
    """Say what one of `_FAILURES` means, without host names."""
    what = f"{call.verb} {call.path}"
    match error:
        case aiohttp.ConnectionTimeoutError():
            return UnansweredError(f"{what}: no connection to the API server in time", sent=False)
        case aiohttp.ClientSSLError():
            return UnansweredError(f"{what}: no TLS connection that can be trusted", sent=False)
        case aiohttp.ClientConnectorError():
            reason = os.strerror(error.errno) if error.errno else "no connection"
            return UnansweredError(f"{what}: the API server cannot be reached ({reason})", sent=False)
        case TimeoutError():
            return UnansweredError(f"{what}: no answer in time", sent=True)
    return UnansweredError(f"{what}: the connection was lost", sent=True)


async def _refusal(response: aiohttp.ClientResponse) -> ClusterError:
    if response.status == 401:
        return ClusterError("the API server does not accept our credentials")
    content = await response.read()
    return calls.refusal(response.status, content, response.headers.get("Retry-After", ""))


@functools.lru_cache(maxsize=16)  # without an election, requests differ in nothing that this holds
def _timeout(seconds: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """Open a socket that notices a dead peer within half a minute."""
    family, kind, protocol = address[:3]
    opened = socket.socket(family, kind, protocol)
    opened.settimeout(0)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 15),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 30_000),
    ):
        if hasattr(socket, name):  # Linux alone has them all
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return opened
