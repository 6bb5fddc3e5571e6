"""The watches that pass the proxy, and what may happen to those that are open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from e2e.faults import rules, wire
from e2e.faults.rules import About, Request


@dataclass(slots=True, eq=False)
class _Stream:
    """One watch that is open; `patience` ends it, and `code` says by which error."""

    request: Request
    patience: asyncio.Timeout
    frozen: bool = False
    code: int = 0


@dataclass(slots=True, eq=False)
class Streams:
    """All watches that are open; `loses` says which events do not get through."""

    loses: Callable[[Request], bool]
    _open: set[_Stream] = field(default_factory=set)

    def freeze(self, about: About) -> int:
        """Let nothing more through of those that are meant, without closing them; returns how many."""
        meant = [stream for stream in self._open if not stream.frozen and about(stream.request)]
        for stream in meant:
            stream.frozen = True
        return len(meant)

    def end(self, code: int, about: About) -> int:
        """End those that are meant with an ERROR event, as the API server does; returns how many."""
        meant = [stream for stream in self._open if not stream.frozen and about(stream.request)]
        for stream in meant:
            stream.code = code
            stream.patience.reschedule(asyncio.get_running_loop().time())
        return len(meant)

    async def passed(
        self, arrived: web.Request, request: Request, response: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        """Pass one watch on until either side ends it, or it is ended here."""
        answer = web.StreamResponse(status=response.status, headers=wire.passed(response.headers))
        answer.enable_chunked_encoding()
        await answer.prepare(arrived)
        stream = _Stream(request, asyncio.timeout(None))
        try:
            async with stream.patience:
                self._open.add(stream)
                await self._pump(stream, response, answer)
        except TimeoutError:
            event = {"type": "ERROR", "object": rules.told(stream.code)}
            await answer.write(json.dumps(event).encode() + b"\n")
        finally:
            self._open.discard(stream)
        await answer.write_eof()
        return answer

    async def _pump(
        self, stream: _Stream, response: aiohttp.ClientResponse, answer: web.StreamResponse
    ) -> None:
        async for line in wire.lines(response.content):
            if stream.frozen:
                await asyncio.Event().wait()  # until the client goes away, which cancels this
            if json.loads(line)["type"] in {"BOOKMARK", "ERROR"} or not self.loses(stream.request):
                await answer.write(line)
