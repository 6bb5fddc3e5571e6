"""A watch shows everything once, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from towline.api.gitrepository import RESOURCE
from towline.read.cluster import Cluster
from towline.read.following import Follower
from towline.read.read_errors import NotAllowedError

from tests.kube.loopback import Server, served

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def body(name: str, version: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": name, "uid": f"uid-{name}", "resourceVersion": version}}


def listed(version: str, *items: dict[str, Any]) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {"resourceVersion": version}, "items": list(items)})

    return answer


def refused(code: int) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"kind": "Status", "code": code, "message": "no"}, status=code)

    return answer


def watched(*events: tuple[str, dict[str, Any]], then: str = "end") -> Answer:
    """Send events, and then end the watch, break the connection, or be silent."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for kind, item in events:
            await response.write(json.dumps({"type": kind, "object": item}).encode() + b"\n")
        if then == "break" and request.transport:
            request.transport.abort()
        if then == "silence":
            await asyncio.sleep(60)
        return response

    return answer


async def followed(count: int, *answers: Answer, tell: Callable[[str], None] = lambda _: None) -> list[str]:
    """Return the first `count` things that a follower shows, as `name@version`, with `-` before what is gone."""
    shown: list[str] = []
    async with served(Server(*answers)) as client, asyncio.timeout(30):
        follower = Follower(Cluster(client, "shop"), RESOURCE, on_trouble=tell)
        async for batch in follower.batches():
            for each in batch:
                metadata = each.body["metadata"]
                shown.append(f"{'-' * each.is_gone}{metadata['name']}@{metadata['resourceVersion']}")
            if len(shown) >= count:
                break
    return shown


QUIET = watched(then="silence")


async def test_the_list_is_shown_and_then_each_change() -> None:
    events = (("MODIFIED", body("a", "3")), ("BOOKMARK", body("", "4")), ("DELETED", body("a", "5")))
    answers = (listed("2", body("a", "1"), body("b", "2")), watched(*events, then="silence"))
    assert await followed(4, *answers) == ["a@1", "b@2", "a@3", "-a@5"]


async def test_a_watch_that_the_server_ends_goes_on_from_where_it_was() -> None:
    answers = (
        listed("1", body("a", "1")),
        watched(("MODIFIED", body("a", "2"))),
        watched(("ADDED", body("b", "3"))),
    )
    assert await followed(3, *answers) == ["a@1", "a@2", "b@3"]


@pytest.mark.parametrize(
    "trouble",
    [
        watched(("ERROR", {"kind": "Status", "code": 410, "message": "too old"})),
        watched(then="break"),
        refused(410),
    ],
)
async def test_after_an_interruption_only_what_changed_meanwhile_is_shown(trouble: Answer) -> None:
    again = listed("9", body("b", "2"), body("c", "8"), body("d", "9"))
    answers = (listed("3", body("a", "1"), body("b", "2"), body("c", "3")), trouble, again, QUIET)
    assert await followed(6, *answers) == ["a@1", "b@2", "c@3", "-a@1", "c@8", "d@9"]


async def test_a_right_that_is_taken_away_ends_the_watch_with_its_name() -> None:
    with pytest.raises(NotAllowedError, match=r"you may not watch gitrepositories\.towline\.dev"):
        await followed(9, listed("1", body("a", "1")), refused(403))


async def test_a_server_that_is_away_is_told_once_and_so_is_its_return() -> None:
    told: list[str] = []
    away = (watched(then="break"), refused(400), refused(400))
    again = (listed("9", body("a", "9")), QUIET)
    assert await followed(2, listed("1", body("a", "1")), *away, *again, tell=told.append) == ["a@1", "a@9"]
    assert [each.partition(",")[0] for each in told] == ["the API server is lost", "the API server is back"]
