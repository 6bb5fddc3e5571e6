from __future__ import annotations

import re
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


EVERYWHERE = "/api/v1/configmaps"


class Shelf:
    """An API server that holds ConfigMaps by namespace, and lists them in pages; `denied` are paths that it refuses."""

    def __init__(self, names: Iterable[str] = (), denied: str = "", **others: Iterable[str]) -> None:
        self.held = {"shop": sorted(names)} | {name: sorted(each) for name, each in others.items()}
        self.denied = denied
        self.lists: list[int] = []
        self.paths: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path in {"/api", "/apis"}:
            return web.json_response({"items": [MAPS] if request.path == "/api" else []})
        self.paths.append(request.path)
        if self.denied and re.fullmatch(self.denied, request.path):
            return await status(403, "Forbidden")(request)
        limit, start = int(request.query["limit"]), int(request.query.get("continue", "0"))
        found = [
            {"metadata": {"namespace": namespace, "name": name}}
            for namespace, names in self.held.items()
            for name in names
            if request.path in {EVERYWHERE, in_namespace(namespace)}
        ]
        page = found[start : start + limit]
        self.lists.append(len(page))
        rest = len(found) - start - len(page)
        more: dict[str, Any] = {"continue": str(start + limit), "remainingItemCount": rest} if rest else {}
        return web.json_response({"items": page, "metadata": {"resourceVersion": "1", **more}})


def in_namespace(name: str) -> str:
    return f"/api/v1/namespaces/{name}/configmaps"


@asynccontextmanager
async def looking(server: Server) -> AsyncIterator[Objects]:
    async with served(server) as client:
        yield Objects(client, Discovery(client))


def create(name: str, namespace: str = "shop") -> Change:
    ref = ObjectRef("", "ConfigMap", namespace, name)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace, "name": name}}
    manifest = declare(body, ref, "v1:1", Origin("map.yaml", 1))
    return Change(action=Action.CREATE, ref=ref, manifest=manifest)


def creates(count: int) -> list[Change]:
    return [create(f"map-{number:05}") for number in range(count)]


def spread(count: int, namespaces: int) -> list[Change]:
    return [create(f"map-{number:05}", f"team{number % namespaces}") for number in range(count)]


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


@pytest.mark.parametrize("many", [501, 1000, 50_000])
async def test_a_crowded_namespace_costs_one_page_in_proportion_to_what_is_created(many: int) -> None:
    shelf = Shelf(f"other-{number:05}" for number in range(many))
    assert await missing(shelf, creates(50)) == set()
    assert shelf.lists == [50 * existing.PATIENCE]


@pytest.mark.parametrize("namespaces", [2, 10, 200])
async def test_one_list_serves_all_namespaces(namespaces: int) -> None:
    changes = spread(1000, namespaces)
    shelf = Shelf(["map-00001"], team1=["map-00001"])
    async with looking(Server(shelf.answer)) as objects:
        found = await existing.missing(objects, changes, SYNC)
    assert found == {change.ref for change in changes} - {ObjectRef("", "ConfigMap", "team1", "map-00001")}
    assert shelf.paths == [EVERYWHERE]


async def test_objects_of_one_namespace_are_listed_there_however_large_the_cluster_is() -> None:
    shelf = Shelf(other=(f"map-{number:05}" for number in range(50_000)))
    assert len(await missing(shelf, creates(10))) == 10
    assert shelf.paths == [in_namespace("shop")]


async def test_a_crowded_cluster_is_listed_by_namespace_after_one_page() -> None:
    shelf = Shelf(other=(f"map-{number:05}" for number in range(50_000)))
    changes = [*spread(30, 3), create("alone")]
    async with looking(Server(shelf.answer)) as objects:
        found = await existing.missing(objects, changes, SYNC)
    assert found == {change.ref for change in changes[:30]}
    assert shelf.paths[0] == EVERYWHERE
    assert sorted(shelf.paths[1:]) == [in_namespace(f"team{number}") for number in range(3)]
    assert shelf.lists == [31 * existing.PATIENCE, 0, 0, 0]


async def test_without_the_right_to_list_a_kind_in_all_namespaces_each_is_listed() -> None:
    shelf = Shelf(denied=EVERYWHERE)
    changes = spread(100, 10)
    async with looking(Server(shelf.answer)) as objects:
        assert await existing.missing(objects, changes, SYNC) == {change.ref for change in changes}
    assert len(shelf.paths) == 11


async def test_where_nobody_may_list_nothing_is_known_to_be_missing() -> None:
    shelf = Shelf(denied=".*")
    async with looking(Server(shelf.answer)) as objects:
        assert await existing.missing(objects, spread(60, 3), SYNC) == frozenset()
    assert len(shelf.paths) == 4
