"""Who does not hold the Lease sends no write, whoever asks for it and however long ago."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from aiohttp import web
from towline.errors import ClusterError
from towline.kube import calls
from towline.kube.client import IN_FLIGHT
from towline.model import Key

from tests.kube.loopback import Server, hangs, says, served

PATH = "/api/v1/namespaces/shop/configmaps/settings"
OK = says(200, {"kind": "ConfigMap"})

WRITES: list[dict[str, Any]] = [
    {"verb": "POST", "body": {}},
    {"verb": "PUT", "body": {}},
    {"verb": "PATCH", "content_type": calls.APPLY, "body": {}},
    {"verb": "DELETE", "body": {"preconditions": {"uid": "u"}}},
]


@pytest.mark.parametrize("call", WRITES, ids=lambda call: call["verb"])
async def test_who_does_not_lead_reads_and_writes_nothing(call: dict[str, Any]) -> None:
    server = Server(OK)
    async with served(server, lambda: 0.0) as client:
        await client.request("GET", PATH)
        with pytest.raises(calls.FencedError):
            await client.request(path=PATH, **call)
    assert server.verbs == ["GET"]


@pytest.mark.parametrize("call", WRITES, ids=lambda call: call["verb"])
async def test_a_write_that_was_on_its_way_out_when_the_process_was_stopped_is_not_sent(
    call: dict[str, Any],
) -> None:
    left = itertools.chain([10.0], itertools.repeat(-20.0))
    server = Server(OK)
    async with served(server, lambda: next(left)) as client:
        with pytest.raises(ClusterError):
            await client.request(path=PATH, **call)
        await client.request("GET", PATH)
    assert server.verbs == ["GET"]


async def test_a_write_is_not_repeated_by_who_leads_no_more() -> None:
    left = iter([10.0, 10.0, 0.0])
    server = Server(says(503), OK)
    async with served(server, lambda: next(left)) as client:
        with pytest.raises(calls.FencedError):
            await client.request("PATCH", PATH, content_type=calls.APPLY, body={})
    assert len(server.requests) == 1


async def test_a_write_that_waited_for_its_turn_is_not_sent_by_who_leads_no_more() -> None:
    key, left = Key("shop", "web"), [10.0]
    answered, arrived = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(request: web.Request) -> web.StreamResponse:
        arrived.release()
        await answered.wait()
        return await OK(request)

    server = Server(slow)
    async with served(server, lambda: left[0]) as client, asyncio.TaskGroup() as before:
        for _ in range(IN_FLIGHT - 1):
            before.create_task(client.request("GET", PATH, key=key))
        for _ in range(IN_FLIGHT - 1):
            await arrived.acquire()
        waiting = asyncio.create_task(client.request("POST", PATH, body={}, key=key))
        await asyncio.sleep(0)
        left[0] = 0.0
        answered.set()
        with pytest.raises(calls.FencedError):
            await waiting
    assert server.verbs == ["GET"] * (IN_FLIGHT - 1)


async def test_no_write_waits_longer_than_it_may_be_sent() -> None:
    clock = asyncio.get_running_loop().time
    async with served(Server(hangs), lambda: 0.2) as client:
        began = clock()
        with pytest.raises(calls.UnansweredError):
            await client.request("POST", PATH, body={})
        assert clock() - began < 10
