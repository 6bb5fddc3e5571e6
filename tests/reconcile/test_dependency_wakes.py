"""Who is woken when what it depends on changes."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from towline.api import gitrepository
from towline.kube.repositories import Repositories
from towline.model import Key
from towline.reconcile.dependencies import Dependencies

from tests.kube.loopback import Server, served

DATABASE, SHOP = Key("shop", "database"), Key("shop", "shop")


def raw(key: Key, **spec: Any) -> dict[str, Any]:
    """One GitRepository as the API server keeps it: it has not been seen yet."""
    metadata = {"namespace": key.namespace, "name": key.name, "uid": key.name, "generation": 1}
    return {"metadata": metadata, "spec": {"url": "https://git.example/shop.git", **spec}}


async def test_a_change_that_comes_while_repositories_are_listed_wakes_who_waits_for_it() -> None:
    woken: list[Key] = []
    changing: list[Key] = []
    shop = raw(SHOP, dependsOn=[{"name": DATABASE.name}])

    async def answer(_request: web.Request) -> web.StreamResponse:
        for key in changing:  # after the list was taken, before it has arrived
            dependencies.changed(key)
        return web.json_response({"metadata": {}, "items": [raw(DATABASE), shop]})

    async with served(Server(answer)) as client:
        dependencies = Dependencies(Repositories(client), woken.extend, lambda: 0.0)
        assert await dependencies.unready(gitrepository.identify(shop))
        assert woken == []
        changing = [Key("shop", "other")]
        assert await dependencies.unready(gitrepository.identify(shop))
        assert woken == []
        changing = [DATABASE]
        assert await dependencies.unready(gitrepository.identify(shop))
        assert woken == [SHOP]
        dependencies.changed(DATABASE)
        assert woken == [SHOP, SHOP]
