"""A loopback HTTP server that answers as it is told, and a client for it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from towline.kube.client import Client
from towline.kube.credentials import Access

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """A loopback server that answers as it is told, one answer after the other, the last one for ever."""

    def __init__(self, *answers: Handler) -> None:
        self.answers = list(answers)
        self.requests: list[web.BaseRequest] = []
        self.bodies: list[bytes] = []
        self.tokens = ["token-0"]
        self.loads = 0
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)  # type: ignore[arg-type]  # web.Server gives the base class

    def load(self) -> Access:
        token = self.tokens[min(self.loads, len(self.tokens) - 1)]
        self.loads += 1
        return Access(
            host=self.url, tls=False, server_name="", proxy="", authorization=lambda: f"Bearer {token}"
        )

    @property
    def verbs(self) -> list[str]:
        return [request.method for request in self.requests]


@asynccontextmanager
async def served(
    server: Server, seconds_left: Callable[[], float] = lambda: math.inf
) -> AsyncIterator[Client]:
    runner = web.ServerRunner(web.Server(server.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with Client(server.load, jitter=lambda: 0.0, seconds_left=seconds_left) as client:
            yield client
    finally:
        await runner.cleanup()


def says(code: int, body: Any = None, **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(
            body or {}, status=code, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    return answer


def status(code: int, reason: str, **more: Any) -> Handler:
    return says(code, {"kind": "Status", "code": code, "reason": reason, "message": f"{reason}!", **more})


async def cuts(request: web.Request) -> web.StreamResponse:
    assert request.transport
    request.transport.abort()
    return web.Response()


async def hangs(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


def events(*chunks: bytes) -> Handler:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(0.01)
        return response

    return stream
