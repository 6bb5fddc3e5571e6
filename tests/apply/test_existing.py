from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from towline.apply import existing
from towline.apply.objects import Objects
from towline.kube.discovery import Discovery
from towline.model import Action, Change, ObjectRef, Origin
from towline.plan.manifest import declare

from tests.apply.apiserver import SYNC
from tests.kube.loopback import Server, served, status

MAPS = {
    "metadata": {"name": ""},
    "versions": [
        {
            "version": "v1",
            "resources": [
                {
                    "resource": "configmaps",
                    "responseKind": {"kind": "ConfigMap"},
                    "scope": "Namespaced",
                    "verbs": ["list"],
                }
            ],
        }
    ],
}


class Shelf:
    """An API server that holds ConfigMaps, and lists them in pages."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(names)
        self.lists: list[int] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path in {"/api", "/apis"}:
            return web.json_response({"items": [MAPS] if request.path == "/api" else []})
        limit, start = int(request.query["limit"]), int(request.query.get("continue", "0"))
        page = self.names[start : start + limit]
        self.lists.append(len(page))
        rest = len(self.names) - start - len(page)
        more: dict[str, Any] = {"continue": str(start + limit), "remainingItemCount": rest} if rest else {}
        items = [{"metadata": {"name": name}} for name in page]
        return web.json_response({"items": items, "metadata": {"resourceVersion": "1", **more}})


@asynccontextmanager
async def looking(server: Server) -> AsyncIterator[Objects]:
    async with served(server) as client:
        yield Objects(client, Discovery(client))


def create(name: str) -> Change:
    ref = ObjectRef("", "ConfigMap", "shop", name)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": name}}
    manifest = declare(body, ref, "v1:1", Origin("map.yaml", 1))
    return Change(action=Action.CREATE, ref=ref, manifest=manifest)


def creates(count: int) -> list[Change]:
    return [create(f"map-{number:05}") for number in range(count)]


async def missing(shelf: Shelf, changes: Iterable[Change]) -> set[str]:
    async with looking(Server(shelf.answer)) as objects:
        return {ref.name for ref in await existing.missing(objects, changes, SYNC)}


async def test_what_a_list_does_not_name_does_not_exist() -> None:
    shelf = Shelf(["map-00007", "somebody-elses"])
    found = await missing(shelf, creates(60))
    assert found == {change.ref.name for change in creates(60)} - {"map-00007"}
    assert shelf.lists == [2]


async def test_few_objects_are_not_worth_a_list() -> None:
    shelf = Shelf([])
    assert await missing(shelf, creates(existing.FEWEST - 1)) == set()
    assert shelf.lists == []


async def test_a_long_list_is_read_in_pages() -> None:
    shelf = Shelf(f"map-{number:05}" for number in range(1200))
    assert await missing(shelf, [*creates(700), create("new")]) == {"new"}
    assert shelf.lists == [500, 500, 200]


@pytest.mark.parametrize("many", [201, 1000, 50_000])
async def test_a_crowded_namespace_costs_one_page_in_proportion_to_what_is_created(many: int) -> None:
    shelf = Shelf(f"other-{number:05}" for number in range(many))
    assert await missing(shelf, creates(50)) == set()
    assert shelf.lists == [200]


async def test_where_nobody_may_list_nothing_is_known_to_be_missing() -> None:
    shelf = Shelf([])

    async def answer(request: web.Request) -> web.StreamResponse:
        refused = request.path.endswith("configmaps")
        return await (status(403, "Forbidden") if refused else shelf.answer)(request)

    async with looking(Server(answer)) as objects:
        assert await existing.missing(objects, creates(60), SYNC) == frozenset()
