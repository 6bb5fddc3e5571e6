"""Probes and metrics over HTTP; nothing here can change anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from towline.metrics import Metrics
from towline.server.listen import address

_LARGEST_REQUEST = 1024
"""Bytes of a request body that are read; no client needs to send one."""


@asynccontextmanager
async def serving(listen: str, metrics: Metrics, is_ready: Callable[[], bool]) -> AsyncIterator[None]:
    """Answer `/healthz`, `/readyz` and `/metrics` as long as the context lasts.

    Args:
        listen: as `address` reads it; nothing is served if it is empty.
        metrics: shown at `/metrics`.
        is_ready: whether the operator has seen the cluster.

    Raises:
        OSError: the address cannot be listened at.
    """
    if not listen:
        yield
        return
    host, port = address(listen)
    runner = web.AppRunner(_application(metrics, is_ready), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


def _application(metrics: Metrics, is_ready: Callable[[], bool]) -> web.Application:
    async def health(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readiness(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n") if is_ready() else web.Response(status=503, text="starting\n")

    async def exposition(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), content_type="text/plain", charset="utf-8")

    application = web.Application(client_max_size=_LARGEST_REQUEST)
    application.router.add_get("/healthz", health)
    application.router.add_get("/readyz", readiness)
    application.router.add_get("/metrics", exposition)
    return application
