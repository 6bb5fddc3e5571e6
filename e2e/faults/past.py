"""What lists and watches told at one moment, told again later: an API server whose cache has stopped.

Writes and reads of single objects still meet the present, as they do on a real API server: those go to etcd.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import NamedTuple

import aiohttp
from aiohttp import web

from e2e.faults import wire
from e2e.faults.rules import About, Request

Ask = Callable[[web.Request], AbstractAsyncContextManager[aiohttp.ClientResponse]]
"""Sends a request to the API server that arrived here some time ago."""

_LISTED = "k8s.io/initial-events-end"


class _Collection(NamedTuple):
    """What is listed or watched, and in which form."""

    path: str
    selector: str
    accept: str
    watches: bool


@dataclass(slots=True, eq=False)
class Past:
    """All collections that clients have asked for, and how those that are kept were at that moment."""

    asked: dict[_Collection, web.Request] = field(default_factory=dict)
    kept: dict[_Collection, bytes] = field(default_factory=dict)
    about: About | None = None

    def note(self, arrived: web.Request, request: Request) -> None:
        """Remember that somebody asks for a whole collection."""
        if request.verb == "GET" and _is_whole(request):
            self.asked.setdefault(_collection(arrived, request), arrived)

    async def keep(self, ask: Ask) -> None:
        """Keep what the API server tells now of each collection that was asked for."""
        for collection, arrived in self.asked.items():
            async with ask(arrived) as response:
                told = await (_listed if collection.watches else _all)(response)
            self.kept[collection] = told

    async def answered(self, arrived: web.Request, request: Request) -> web.StreamResponse | None:
        """Answer as it was kept, and tell nothing more to a watch; None where nothing was kept, or is not meant."""
        if self.about is None or not self.about(request) or request.verb != "GET":
            return None
        kept = self.kept.get(_collection(arrived, request), b"")
        if not request.watches:
            return web.Response(body=kept, content_type="application/json") if kept else None
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        answer.enable_chunked_encoding()
        await answer.prepare(arrived)
        if "sendInitialEvents" in request.query:
            await answer.write(kept)
        await asyncio.Event().wait()  # until the client goes away, which cancels this
        return answer


def _collection(arrived: web.Request, request: Request) -> _Collection:
    selector = request.query.get("labelSelector", "")
    return _Collection(request.path, selector, arrived.headers.get("Accept", ""), request.watches)


def _is_whole(request: Request) -> bool:
    """Say whether it is about a collection from its beginning: what goes on from a version is told nothing."""
    return "sendInitialEvents" in request.query or not (
        request.watches or request.query.get("continue") or request.query.get("resourceVersion")
    )


async def _all(response: aiohttp.ClientResponse) -> bytes:
    return await response.read() if response.status == 200 else b""


async def _listed(response: aiohttp.ClientResponse) -> bytes:
    """Return the events of a list that a watch begins with."""
    told = b""
    async for line in wire.lines(response.content):
        told += line
        notes = json.loads(line)["object"]["metadata"].get("annotations") or {}
        if notes.get(_LISTED) == "true":
            break
    return told
