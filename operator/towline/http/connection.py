"""Send requests over one HTTP/1.1 connection, one at a time; httptools parses the answers.

A bare request costs a third of the processor time that it costs through aiohttp (docs/adr/0012).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import cast

import httptools

HELD_BYTES = 2**20
"""Bytes of an unread stream that are held before reading pauses."""


class BrokenError(Exception):
    """No answer came; `sent` says whether the server may have acted on the request."""

    def __init__(self, reason: str, *, sent: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class TooMuchError(BrokenError):
    """The answer is longer than it may be."""


@dataclass(slots=True)
class Reply:
    """One response as far as it has come: the names in `headers` are in lower case."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    content: bytes = b""

    def all(self, name: bytes) -> tuple[str, ...]:
        """Return the values of all header fields of one name."""
        return tuple(value.decode("latin-1") for known, value in self.headers if known == name)

    def first(self, name: bytes) -> str:
        """Return the value of the first header field of one name, empty where there is none."""
        return next(iter(self.all(name)), "")


class Connection(asyncio.Protocol):
    """One connection; the methods named `on_…` are called by the parser, those before them by asyncio.

    It is aborted when the answer to one request exceeds `limit` bytes, headers and framing included.
    """

    def __init__(self, limit: float = math.inf) -> None:
        self._limit = limit
        self._received = 0
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._reply = Reply()
        self._pieces: list[bytes] = []
        self._held = 0
        self._awaited: asyncio.Future[None] | None = None
        self._streams = False
        self._opened = False
        self._complete = True
        self._reusable = True
        self._lost: BrokenError | None = None

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent: the last answer is complete and the server keeps the connection."""
        return self._complete and self._reusable and self._lost is None

    async def exchange(self, request: bytes, seconds: float) -> Reply:
        """Send a request and return the whole answer; the request is sent before this first waits.

        Raises:
            BrokenError: the connection ended before the answer did, or the deadline passed.
        """
        self._send(request)
        deadline = self._loop.call_later(seconds, self._expire)  # a third of what asyncio.timeout costs
        try:
            while not self._complete:
                await self._more()
        finally:
            deadline.cancel()
        self._reply.content = self._taken()
        return self._reply

    async def open(self, request: bytes) -> Reply:
        """Send a request and return its answer without the content, which `chunks` yields.

        Raises:
            BrokenError: the connection ended before the answer began.
        """
        self._send(request)
        self._streams = True
        while not self._opened:
            await self._more()
        return self._reply

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the content as it comes; raises BrokenError if the connection ends too early."""
        while True:
            if self._pieces:
                yield self._taken()
            elif self._complete:
                return
            else:
                await self._more()

    def handed_over(self) -> asyncio.Transport:
        """Hand the transport over to another protocol, as after a CONNECT."""
        if self._transport is None:
            raise BrokenError("the connection was lost", sent=False)
        transport, self._transport = self._transport, None
        return transport

    def retire(self) -> None:
        """Let the request in flight be the last one."""
        self._reusable = False

    def abort(self) -> None:
        """End the connection at once."""
        self._reusable = False
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read on; bytes that nobody asked for end the connection."""
        if self._complete:
            self.abort()
            return
        self._received += len(data)
        if self._received > self._limit:
            self._end(TooMuchError("too much came back"))
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._end(BrokenError("what came back is not HTTP"))
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Wake everyone who waits; an answer without a length is complete when its connection ends."""
        del error
        self._transport = None
        if self._opened and not self._complete and self._is_unbounded():
            self.on_message_complete()
        self._end(BrokenError("the connection was lost"))

    def on_message_begin(self) -> None:
        """Begin an answer, or the final one after an interim answer (1xx)."""
        if self._complete:
            raise BrokenError("an answer that nobody asked for")
        self._reply = Reply()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header field."""
        self._reply.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Tell who waits for the beginning of the answer."""
        self._reply.status = self._parser.get_status_code()
        if self._reply.status >= 200:
            self._opened = True
            if self._streams:
                self._wake()

    def on_body(self, body: bytes) -> None:
        """Keep a piece; pause reading while a stream is not consumed."""
        self._pieces.append(body)
        if self._streams:
            self._held += len(body)
            if self._held > HELD_BYTES and self._transport is not None:
                self._transport.pause_reading()
            self._wake()

    def on_message_complete(self) -> None:
        """Wake the caller at the end of the answer, unless it was an interim one (1xx)."""
        if self._opened:
            self._complete = True
            self._reusable = self._reusable and self._parser.should_keep_alive()
            self._wake()

    def _send(self, request: bytes) -> None:
        if self._lost is not None or self._transport is None:
            raise BrokenError("the connection was lost", sent=False)
        self._opened = self._complete = self._streams = False
        self._received = 0
        self._transport.write(request)

    async def _more(self) -> None:
        """Wait until something has changed."""
        if self._lost is not None:
            raise self._lost
        self._awaited = self._loop.create_future()
        try:
            await self._awaited
        finally:
            self._awaited = None

    def _taken(self) -> bytes:
        content = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        if self._held > HELD_BYTES and self._transport is not None:
            self._transport.resume_reading()
        self._held = 0
        return content

    def _is_unbounded(self) -> bool:
        named = {name for name, _ in self._reply.headers}
        return not named & {b"content-length", b"transfer-encoding"}

    def _expire(self) -> None:
        self._end(BrokenError("no answer in time"))
        self.abort()

    def _end(self, error: BrokenError) -> None:
        if self._lost is None:
            self._lost = error
        self._wake()

    def _wake(self) -> None:
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)
